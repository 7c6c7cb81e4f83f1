"""What did returned mails say? A frozen copy.

Before, a mail that came in had one meaning, and of its words only the evidence of the item it returned was kept.
"""

from peewee import AutoField, BigIntegerField, BooleanField, Database, ForeignKeyField, Model, TextField
from playhouse.migrate import SchemaMigrator


class InboundMail(Model):
    id = AutoField()

    class Meta:
        legacy_table_names = False


class QueueItem(Model):
    id = AutoField()

    class Meta:
        legacy_table_names = False


class BounceEvent(Model):
    id = AutoField()
    mail = ForeignKeyField(InboundMail, on_delete="CASCADE")
    item = ForeignKeyField(QueueItem, null=True, on_delete="CASCADE")
    proved = BooleanField()
    at = BigIntegerField()
    recipient = TextField()
    kind = TextField()
    reason = TextField()
    status = TextField()
    diagnostic = TextField()
    host = TextField()

    class Meta:
        legacy_table_names = False


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table; mails that are kept already have had their effect and are not read again."""
    with db.bind_ctx((InboundMail, QueueItem, BounceEvent)):
        db.create_tables((BounceEvent,))
