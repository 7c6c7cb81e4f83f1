"""Which table keeps what mail to the schools made us send, or why it made us send nothing?"""

from peewee import SQL, AutoField, ForeignKeyField, IntegerField, TextField

from mailer.store.models import InboundMail, Instant, Table


class SingleMail(Table):
    """What a mail to a school led to: a notice to its sender, or a copy to the school's mailbox.

    `sender` tells senders apart, `recipient` is whom it goes to, `message_id` that of the mail that is answered;
    `selectors` sign it. `reason` says why nothing was sent, or why it ended as it did; `host` and `reply` are of the
    last attempt. `possible_copies` counts the attempts that may have left a copy without saying so.
    """

    id = AutoField()
    mail = ForeignKeyField(InboundMail, index=True, on_delete="CASCADE")
    mail_id: int  # set by peewee; the number without loading the mail
    school = TextField()
    kind = TextField()
    sender = TextField()
    recipient = TextField()
    message_id = TextField()
    selectors = TextField()
    state = TextField()
    reason = TextField()
    attempts = IntegerField()
    possible_copies = IntegerField()
    created_at = Instant()
    next_at = Instant()
    expires_at = Instant()
    settled_at = Instant(null=True)
    host = TextField()
    reply = TextField()

    class Meta:
        indexes = ((("state", "next_at"), False),)


# What is sent is little, whatever comes; so the limits are looked up fast while somebody floods a school.
SingleMail.add_index(
    SQL("CREATE INDEX IF NOT EXISTS single_mail_hour ON single_mail (created_at) WHERE state <> 'kept'")
)
SingleMail.add_index(SQL("CREATE INDEX IF NOT EXISTS single_mail_sender ON single_mail (sender) WHERE state <> 'kept'"))


TABLES: tuple[type[Table], ...] = (SingleMail,)
