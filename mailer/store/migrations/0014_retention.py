"""What remains of an announcement whose recipients are forgotten, and how is found what is old? A frozen copy.

Before, no recipient, transcript, visit or household was ever forgotten. The indexes name only what still has something
to forget, and grow at their ends, so that who sends hardly notices them.
"""

from peewee import BigIntegerField, Database, ForeignKeyField, Model, TextField
from playhouse.migrate import SchemaMigrator


class Table(Model):
    class Meta:
        legacy_table_names = False


class Announcement(Table):
    id = TextField(primary_key=True)


class AnnouncementSums(Table):
    announcement = ForeignKeyField(Announcement, primary_key=True, index=False, on_delete="CASCADE")
    forgotten_at = BigIntegerField()
    sums = TextField()


INDEXES = (
    "CREATE INDEX attempt_transcript ON attempt (ended_at) WHERE transcript <> ''",
    "CREATE INDEX visit_raw ON visit (at) WHERE headers <> ''",
    "CREATE INDEX household_deregistered ON household (deregistered_at) WHERE deregistered_at IS NOT NULL",
)


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the table and the indexes."""
    with db.bind_ctx((Announcement, AnnouncementSums)):
        db.create_tables((AnnouncementSums,))
    for index in INDEXES:
        migrator.sql(index).run()
