"""Which table counts what receivers take and refuse?"""

from peewee import BooleanField, CompositeKey, Database, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator


class Table(Model):
    class Meta:
        legacy_table_names = False


class ReceiverDay(Table):
    receiver = TextField()
    day = TextField()
    accepted = IntegerField()
    refused = IntegerField()
    thawed = BooleanField()

    class Meta:
        primary_key = CompositeKey("receiver", "day")
        indexes = ((("day",), False),)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table."""
    with db.bind_ctx((ReceiverDay,)):
        db.create_tables((ReceiverDay,))
