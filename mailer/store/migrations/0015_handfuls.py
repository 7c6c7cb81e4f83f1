"""How far is an announcement written that is too large for one transaction? A frozen copy.

Before, all recipients of a notice were written at once; what stands there already is whole. The table is made anew: a
column is added behind the constraints of a table, and would not be where the model has it.
"""

from peewee import SQL, BigIntegerField, CompositeKey, Database, ForeignKeyField, IntegerField, Model, TextField
from playhouse.migrate import SchemaMigrator, migrate

COPY = "INSERT INTO announcement_school (announcement_id, school) SELECT announcement_id, school FROM addressed_before"


class Table(Model):
    class Meta:
        legacy_table_names = False


class Announcement(Table):
    id = TextField(primary_key=True)


class AnnouncementSchool(Table):
    announcement = ForeignKeyField(Announcement, index=False, on_delete="CASCADE")
    school = TextField()
    unwritten_after = BigIntegerField(null=True)

    class Meta:
        primary_key = CompositeKey("announcement", "school")


AnnouncementSchool.add_index(
    SQL(
        "CREATE INDEX IF NOT EXISTS announcement_school_unwritten"
        " ON announcement_school (announcement_id) WHERE unwritten_after IS NOT NULL"
    )
)


class WrittenSoFar(Table):
    announcement = ForeignKeyField(Announcement, primary_key=True, index=False, on_delete="CASCADE")
    households = IntegerField()
    recipients = IntegerField()
    excluded = TextField()


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table anew with the column, and the table of sums."""
    migrate(migrator.sql("ALTER TABLE announcement_school RENAME TO addressed_before"))
    with db.bind_ctx((Announcement, AnnouncementSchool, WrittenSoFar)):
        db.create_tables((AnnouncementSchool, WrittenSoFar))
    migrate(migrator.sql(COPY), migrator.sql("DROP TABLE addressed_before"))
