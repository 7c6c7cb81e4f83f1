"""Which table keeps how much of an announcement is written that is not whole?"""

from peewee import ForeignKeyField, IntegerField, TextField

from mailer.store.models import Announcement, Table


class WrittenSoFar(Table):
    """The sums of what is written so far; `excluded` is JSON, by reason. There is no row once all is written."""

    announcement = ForeignKeyField(Announcement, primary_key=True, index=False, on_delete="CASCADE")
    households = IntegerField()
    recipients = IntegerField()
    excluded = TextField()
