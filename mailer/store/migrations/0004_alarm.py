"""Which tables came with alarms and canaries, and how does the queue tell a canary from a recipient?

A frozen copy, as all migrations are. The one mail per address of an announcement becomes one per address and canary:
a mailbox that somebody registered and that is a canary too gets both.
"""

from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator


class Table(Model):
    class Meta:
        legacy_table_names = False


class QueueItem(Table):
    pass


class Alarm(Table):
    id = TextField(primary_key=True)
    kind = TextField()
    subject = TextField()
    words = TextField()
    count = IntegerField()
    raised_at = BigIntegerField(index=True)
    last_at = BigIntegerField()
    cleared_at = BigIntegerField(null=True)
    cleared_by = TextField()
    news = IntegerField()


Alarm.add_index(
    SQL("CREATE UNIQUE INDEX IF NOT EXISTS alarm_standing ON alarm (kind, subject) WHERE cleared_at IS NULL")
)
Alarm.add_index(SQL("CREATE INDEX IF NOT EXISTS alarm_news ON alarm (raised_at) WHERE news > 0"))


class AlarmTelling(Table):
    alarm = ForeignKeyField(Alarm, index=False, on_delete="CASCADE")
    event = TextField()
    path = TextField()
    tries = IntegerField()
    next_at = BigIntegerField(null=True)
    told_at = BigIntegerField(null=True)
    trouble = TextField()

    class Meta:
        primary_key = CompositeKey("alarm", "event", "path")


AlarmTelling.add_index(
    SQL("CREATE INDEX IF NOT EXISTS alarm_telling_owed ON alarm_telling (path, next_at) WHERE next_at IS NOT NULL")
)


class Canary(Table):
    item = ForeignKeyField(QueueItem, primary_key=True, index=False, on_delete="CASCADE")
    margin = IntegerField()
    late = BooleanField()
    watched = BooleanField()


Canary.add_index(SQL("CREATE INDEX IF NOT EXISTS canary_watched ON canary (item_id) WHERE watched"))

TABLES = (Alarm, AlarmTelling, Canary)
CHANGES = (
    'ALTER TABLE "queue_item" ADD COLUMN "canary" INTEGER NOT NULL DEFAULT 0',
    'DROP INDEX "queue_item_announcement_id_address_key"',
    'CREATE UNIQUE INDEX "queue_item_announcement_id_address_key_canary"'
    ' ON "queue_item" ("announcement_id", "address_key", "canary")',
    "CREATE INDEX announcement_safety_deadline ON announcement (expires_at) WHERE lane = 0",
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables and change the queue."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
    for change in CHANGES:
        migrator.sql(change).run()
