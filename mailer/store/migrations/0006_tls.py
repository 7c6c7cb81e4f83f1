"""Which tables hold what receivers have shown and published about TLS?"""

from peewee import BigIntegerField, Database, Model, TextField
from playhouse.migrate import SchemaMigrator


class Table(Model):
    class Meta:
        legacy_table_names = False


class TlsHost(Table):
    host = TextField(primary_key=True)
    seen_at = BigIntegerField()


class StsPolicy(Table):
    domain = TextField(primary_key=True)
    policy_id = TextField()
    text = TextField()
    fetched_at = BigIntegerField()
    expires_at = BigIntegerField(index=True)


TABLES = (TlsHost, StsPolicy)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
