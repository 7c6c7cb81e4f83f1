"""Which table counts what receivers take and refuse?"""

from peewee import SQL, BooleanField, CompositeKey, IntegerField, TextField

from mailer.store.models import Instant, Table


class ReceiverLot(Table):
    """How many mails of an announcement a receiver took and refused; `thawed` if an operator calls that no wave.

    `lot` is the announcement, or a day of Japan where no announcement is known; `at` is when it was first counted.
    """

    receiver = TextField()
    lot = TextField()
    at = Instant(index=True)
    accepted = IntegerField()
    refused = IntegerField()
    thawed = BooleanField()

    class Meta:
        primary_key = CompositeKey("receiver", "lot")
        indexes = ((("receiver", "at"), False),)


ReceiverLot.add_index(
    SQL("CREATE INDEX IF NOT EXISTS receiver_lot_broad ON receiver_lot (receiver) WHERE refused >= 3")
)
