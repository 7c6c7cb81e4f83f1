"""Which tables count what became of TLS, and keep which reports of it are owed? A frozen copy."""

from peewee import BigIntegerField, CompositeKey, Database, ForeignKeyField, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator


class Table(Model):
    class Meta:
        legacy_table_names = False


class TlsPolicy(Table):
    digest = TextField(primary_key=True)
    reported = TextField()
    kind = TextField()
    domain = TextField()
    strings = TextField()
    patterns = TextField()


class TlsCount(Table):
    day = TextField()
    policy = ForeignKeyField(TlsPolicy, index=True, on_delete="CASCADE")
    mx_host = TextField()
    address = TextField()
    source = TextField()
    failure = TextField()
    reason = TextField()
    sessions = IntegerField()

    class Meta:
        primary_key = CompositeKey("day", "policy", "mx_host", "address", "source", "failure")


class TlsReport(Table):
    day = TextField()
    domain = TextField()
    state = TextField()
    attempts = IntegerField()
    next_at = BigIntegerField(index=True)
    busy_until = BigIntegerField(null=True)
    give_up_at = BigIntegerField(null=True)
    destination = TextField()
    trouble = TextField()
    settled_at = BigIntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("day", "domain")


TABLES = (TlsPolicy, TlsCount, TlsReport)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
