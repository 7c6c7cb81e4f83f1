"""Which table keeps what mail to the schools made us send, or why it made us send nothing? A frozen copy."""

from peewee import SQL, AutoField, BigIntegerField, Database, ForeignKeyField, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator


class Table(Model):
    class Meta:
        legacy_table_names = False


class InboundMail(Table):
    id = AutoField()


class SingleMail(Table):
    id = AutoField()
    mail = ForeignKeyField(InboundMail, index=True, on_delete="CASCADE")
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
    created_at = BigIntegerField()
    next_at = BigIntegerField()
    expires_at = BigIntegerField()
    settled_at = BigIntegerField(null=True)
    host = TextField()
    reply = TextField()

    class Meta:
        indexes = ((("state", "next_at"), False),)


SingleMail.add_index(
    SQL("CREATE INDEX IF NOT EXISTS single_mail_hour ON single_mail (created_at) WHERE state <> 'kept'")
)
SingleMail.add_index(SQL("CREATE INDEX IF NOT EXISTS single_mail_sender ON single_mail (sender) WHERE state <> 'kept'"))


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table."""
    with db.bind_ctx((SingleMail,)):
        db.create_tables((SingleMail,))
