"""Which table keeps what became of an announcement whose recipients are forgotten?"""

from peewee import ForeignKeyField, TextField

from mailer.store.models import Announcement, Instant, Table


class AnnouncementSums(Table):
    """The sums of an announcement, as JSON, as they stood when its recipients were forgotten; they name nobody."""

    announcement = ForeignKeyField(Announcement, primary_key=True, index=False, on_delete="CASCADE")
    forgotten_at = Instant()
    sums = TextField()


TABLES: tuple[type[Table], ...] = (AnnouncementSums,)
