"""What did a receiver take and refuse of each announcement, no longer of each day? A frozen copy.

What was counted by days stays, as a lot of that day, from its noon on. Receivers without an entry in carriers.toml were
called by their domains, and are called by the site that takes their mail now.
"""

from peewee import SQL, BigIntegerField, BooleanField, CompositeKey, Database, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator, migrate

COPY = (
    """
    INSERT INTO receiver_lot (receiver, lot, at, accepted, refused, thawed)
    SELECT COALESCE(NULLIF(memory.site, ''), receiver) AS name, day,
        (CAST(strftime('%s', day) AS INTEGER) + 3 * 3600) * 1000, SUM(accepted), SUM(refused), MAX(thawed)
    FROM receiver_day LEFT JOIN domain_memory AS memory ON memory.domain = receiver GROUP BY name, day
    """,
    """
    UPDATE setback SET receiver = (SELECT site FROM domain_memory WHERE domain = receiver)
    WHERE receiver IN (SELECT domain FROM domain_memory WHERE site <> '')
    """,
    "DROP TABLE receiver_day",
)


class Table(Model):
    class Meta:
        legacy_table_names = False


class ReceiverLot(Table):
    receiver = TextField()
    lot = TextField()
    at = BigIntegerField(index=True)
    accepted = IntegerField()
    refused = IntegerField()
    thawed = BooleanField()

    class Meta:
        primary_key = CompositeKey("receiver", "lot")
        indexes = ((("receiver", "at"), False),)


ReceiverLot.add_index(
    SQL("CREATE INDEX IF NOT EXISTS receiver_lot_broad ON receiver_lot (receiver) WHERE refused >= 3")
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table, and take over what was counted."""
    with db.bind_ctx((ReceiverLot,)):
        db.create_tables((ReceiverLot,))
    migrate(*(migrator.sql(change) for change in COPY))
