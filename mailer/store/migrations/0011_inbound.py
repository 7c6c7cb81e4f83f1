"""Which mails that came in are still to be read? A frozen copy.

Before, every mail was read before it was kept, and none was ever forgotten.
"""

from peewee import AutoField, BigIntegerField, Database, Model, TextField
from playhouse.migrate import SchemaMigrator


class InboundMail(Model):
    id = AutoField()
    received_at = BigIntegerField()
    item_id = BigIntegerField()
    meaning = TextField()

    class Meta:
        legacy_table_names = False
        indexes = ((("meaning", "received_at", "item_id"), False),)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the index, and drop one that nobody looks through; the mails that are kept have had their effect."""
    with db.bind_ctx((InboundMail,)):
        db.create_tables((InboundMail,))  # the table is there; its index is made
    migrator.sql('DROP INDEX "inbound_mail_digest"').run()
