"""Which tables share the sites out among workers?

Terms of leases are milliseconds of a clock that nobody can set, counted from the machine's start (`clock.elapsed`), so
that setting the machine's clock neither ends a lease nor makes it eternal.
"""

from peewee import BigIntegerField, BooleanField, CompositeKey, ForeignKeyField, IntegerField, TextField

from mailer.store.models import Instant, Table


class Worker(Table):
    """A sending process that lives; whatever it claimed and leased is its own `until` then."""

    name = TextField(primary_key=True)
    until = BigIntegerField()


class SiteShare(Table):
    """So many of a site's connections are leased to a worker, and as large a part of its pace.

    `speaks` while the worker has sessions with it.
    """

    site = TextField()
    worker = ForeignKeyField(Worker, index=True, on_delete="CASCADE")
    connections = IntegerField()
    speaks = BooleanField()

    class Meta:
        primary_key = CompositeKey("site", "worker")


class SiteMemory(Table):
    """What a site made us learn: how many connections and mails in each it takes, and until when it is left alone."""

    site = TextField(primary_key=True)
    connections = IntegerField()
    messages_per_session = IntegerField()
    paused_until = Instant(null=True)
    reason = TextField()
    since = Instant()
