"""Which table keeps the sessions in which attempts took place?"""

from peewee import BigIntegerField, TextField

from mailer.store.models import Instant, Table


class SmtpSession(Table):
    """How a session began; see `mailer.schedule.outcome`. Attempts name it, without a foreign key: an index of theirs
    would cost more than all sessions together."""

    id = BigIntegerField(primary_key=True)
    peer = TextField()
    began = Instant()
    connected = BigIntegerField(null=True)
    hostname = TextField()
    tls = TextField()
    opening = TextField()


TABLES: tuple[type[Table], ...] = (SmtpSession,)
