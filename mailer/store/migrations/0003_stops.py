"""What do operators stop for a time, and where does each domain's mail go?

Tables for stops and for holds that end by themselves, and the site of a domain in our memory of it.
"""

from peewee import SQL, AutoField, BigIntegerField, Database, ForeignKeyField, Model, TextField
from playhouse.migrate import SchemaMigrator, migrate


class Table(Model):
    class Meta:
        legacy_table_names = False


class QueueItem(Table):
    id = AutoField()


class QueueStop(Table):
    id = AutoField()
    carrier = TextField()
    domains = TextField()
    site = TextField()
    domain = TextField()
    school = TextField()
    announcement = TextField()
    since = BigIntegerField()
    actor = TextField()
    why = TextField()
    until = BigIntegerField(null=True)


class TimedHold(Table):
    item = ForeignKeyField(QueueItem, primary_key=True, on_delete="CASCADE")
    until = BigIntegerField(index=True)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables and the column."""
    with db.bind_ctx((QueueItem, QueueStop, TimedHold)):
        db.create_tables((QueueStop, TimedHold))
    site = TextField(constraints=[SQL("DEFAULT ''")])
    migrate(migrator.add_column("domain_memory", "site", site, allow_not_null=True))
