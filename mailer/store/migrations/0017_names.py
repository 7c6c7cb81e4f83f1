"""Under which name does a school write an announcement? A frozen copy.

Before, schools.toml said so at each attempt; of what stands there already it still does. The table is made anew: a
column is added behind the constraints of a table, and would not be where the model has it.
"""

from peewee import SQL, BigIntegerField, CompositeKey, Database, ForeignKeyField, Model, TextField
from playhouse.migrate import SchemaMigrator, migrate

BEFORE = (
    "DROP INDEX announcement_school_unwritten",
    "ALTER TABLE announcement_school RENAME TO addressed_before",
)
COPY = (
    "INSERT INTO announcement_school (announcement_id, school, name, unwritten_after)"
    " SELECT announcement_id, school, '', unwritten_after FROM addressed_before",
    "DROP TABLE addressed_before",
)


class Table(Model):
    class Meta:
        legacy_table_names = False


class Announcement(Table):
    id = TextField(primary_key=True)


class AnnouncementSchool(Table):
    announcement = ForeignKeyField(Announcement, index=False, on_delete="CASCADE")
    school = TextField()
    name = TextField()
    unwritten_after = BigIntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("announcement", "school")


AnnouncementSchool.add_index(
    SQL(
        "CREATE INDEX IF NOT EXISTS announcement_school_unwritten"
        " ON announcement_school (announcement_id) WHERE unwritten_after IS NOT NULL"
    )
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table anew with the column."""
    migrate(*(migrator.sql(change) for change in BEFORE))
    with db.bind_ctx((Announcement, AnnouncementSchool)):
        db.create_tables((AnnouncementSchool,))
    migrate(*(migrator.sql(change) for change in COPY))
