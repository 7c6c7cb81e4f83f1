"""What was said against addresses, and when was one that rests tried again? A frozen copy.

Before, nothing put an address to rest; one that rests all the same has not been tried since.
"""

from peewee import SQL, AutoField, BigIntegerField, Database, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator


class Setback(Model):
    id = AutoField()
    address_key = TextField(index=True)
    announcement_id = TextField()
    item_id = IntegerField(index=True)
    sent_at = BigIntegerField()
    at = BigIntegerField(index=True)
    kind = TextField()
    reason = TextField()
    receiver = TextField()
    source = TextField()
    words = TextField()
    standing = TextField()
    due_at = BigIntegerField(null=True)

    class Meta:
        legacy_table_names = False


Setback.add_index(SQL("CREATE INDEX IF NOT EXISTS setback_due ON setback (due_at) WHERE due_at IS NOT NULL"))
Setback.add_index(
    SQL("CREATE INDEX IF NOT EXISTS setback_counts ON setback (receiver, at, address_key) WHERE standing = 'counts'")
)

CHANGES = (
    'ALTER TABLE "suspension" ADD COLUMN "tested_at" INTEGER',
    'ALTER TABLE "suspension" ADD COLUMN "tested_by" TEXT',
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table and add the columns."""
    with db.bind_ctx((Setback,)):
        db.create_tables((Setback,))
    for change in CHANGES:
        migrator.sql(change).run()
