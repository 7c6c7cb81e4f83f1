"""Which table counts what receivers take and refuse?"""

from peewee import BooleanField, CompositeKey, IntegerField, TextField

from mailer.store.models import Table


class ReceiverDay(Table):
    """How many mails a receiver took and refused on one day of Japan; `thawed` if an operator calls that no wave."""

    receiver = TextField()
    day = TextField()
    accepted = IntegerField()
    refused = IntegerField()
    thawed = BooleanField()

    class Meta:
        primary_key = CompositeKey("receiver", "day")
        indexes = ((("day",), False),)
