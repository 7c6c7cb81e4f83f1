"""Which tables keep what operators stopped for a time?"""

from peewee import AutoField, ForeignKeyField, TextField

from mailer.store.models import Instant, QueueItem, Table


class QueueStop(Table):
    """A part of the queue that stands still; see `mailer.schedule.stop`. `domains` are the carrier's own, by spaces."""

    id = AutoField()
    carrier = TextField()
    domains = TextField()
    site = TextField()
    domain = TextField()
    school = TextField()
    announcement = TextField()
    since = Instant()
    actor = TextField()
    why = TextField()
    until = Instant(null=True)


class TimedHold(Table):
    """When an item that an operator holds is released by itself."""

    item = ForeignKeyField(QueueItem, primary_key=True, on_delete="CASCADE")
    until = Instant(index=True)


TABLES: tuple[type[Table], ...] = (QueueStop, TimedHold)
