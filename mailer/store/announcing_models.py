"""Which tables keep from which schools an announcement comes, and how much is written of one that is not whole?"""

from peewee import SQL, BigIntegerField, CompositeKey, ForeignKeyField, IntegerField, TextField

from mailer.store.models import Announcement, Table


class AnnouncementSchool(Table):
    """A school that an announcement was addressed to, with its name at that time: empty where it was not kept yet.

    Households of it with a number over `unwritten_after` have no queue items or exclusions yet; without one all have.
    """

    announcement = ForeignKeyField(Announcement, backref="addressed", index=False, on_delete="CASCADE")
    announcement_id: str  # as in QueueItem
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


class WrittenSoFar(Table):
    """The sums of what is written so far; `excluded` is JSON, by reason. There is no row once all is written."""

    announcement = ForeignKeyField(Announcement, primary_key=True, index=False, on_delete="CASCADE")
    households = IntegerField()
    recipients = IntegerField()
    excluded = TextField()


TABLES = (AnnouncementSchool, WrittenSoFar)
