"""Which receivers did operators flush last? A frozen copy.

Before, a flush had a number only, and ended the rests of every receiver.
"""

from peewee import Database, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator, migrate


class Flush(Model):
    domain = TextField(primary_key=True)
    number = IntegerField(index=True)

    class Meta:
        legacy_table_names = False


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table; the counter of flushes is not needed any longer."""
    with db.bind_ctx((Flush,)):
        db.create_tables((Flush,))
    migrate(migrator.sql("DELETE FROM counter WHERE name = 'flush'"))
