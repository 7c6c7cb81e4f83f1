"""Which table keeps what returned mails said?"""

from peewee import AutoField, BooleanField, ForeignKeyField, TextField

from mailer.store.models import InboundMail, Instant, QueueItem, Table


class BounceEvent(Table):
    """What a mail that came in said of one recipient.

    `item` is the queue item that it is about; `proved` says that only who got our mail can have written it. The rest is
    as in `mailer.bounce.event`.
    """

    id = AutoField()
    mail = ForeignKeyField(InboundMail, on_delete="CASCADE")
    item = ForeignKeyField(QueueItem, null=True, on_delete="CASCADE")
    proved = BooleanField()
    at = Instant()
    recipient = TextField()
    kind = TextField()
    reason = TextField()
    status = TextField()
    diagnostic = TextField()
    host = TextField()
