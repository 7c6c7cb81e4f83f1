"""Leases: sending processes, the sites they speak to, and what is remembered of these.

A claim lasts as long as its worker's lease, so an item needs no term of its own.
"""

from peewee import (
    BigIntegerField,
    BooleanField,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.migrations import SchemaMigrator


class Table(Model):
    class Meta:
        legacy_table_names = False


class Worker(Table):
    name = TextField(primary_key=True)
    until = BigIntegerField()


class SiteShare(Table):
    site = TextField()
    worker = ForeignKeyField(Worker, index=True, on_delete="CASCADE")
    connections = IntegerField()
    speaks = BooleanField()

    class Meta:
        primary_key = CompositeKey("site", "worker")


class SiteMemory(Table):
    site = TextField(primary_key=True)
    connections = IntegerField()
    messages_per_session = IntegerField()
    paused_until = BigIntegerField(null=True)
    reason = TextField()
    since = BigIntegerField()


TABLES = (Worker, SiteShare, SiteMemory)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables; take the column away."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
        Worker.raw('ALTER TABLE "queue_item" DROP COLUMN "claimed_until"').execute()
