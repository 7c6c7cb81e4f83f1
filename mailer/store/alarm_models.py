"""Which tables hold the alarms, who was told of them, and the canaries that are watched?"""

from peewee import SQL, BooleanField, CompositeKey, ForeignKeyField, IntegerField, TextField

from mailer.store.models import Instant, QueueItem, Table


class Alarm(Table):
    """Something that an operator must hear of; while it stands there is one row for its kind and subject.

    `news` is what the ways out have not been asked yet to tell: 1 its raising, 2 its end, 3 both.
    """

    id = TextField(primary_key=True)
    kind = TextField()
    subject = TextField()
    words = TextField()
    count = IntegerField()
    raised_at = Instant(index=True)
    last_at = Instant()
    cleared_at = Instant(null=True)
    cleared_by = TextField()
    news = IntegerField()


Alarm.add_index(
    SQL("CREATE UNIQUE INDEX IF NOT EXISTS alarm_standing ON alarm (kind, subject) WHERE cleared_at IS NULL")
)
Alarm.add_index(SQL("CREATE INDEX IF NOT EXISTS alarm_news ON alarm (raised_at) WHERE news > 0"))


class AlarmTelling(Table):
    """That one way out is to tell of an alarm's raising or end; `next_at` is empty once it told, or gave up."""

    alarm = ForeignKeyField(Alarm, backref="tellings", index=False, on_delete="CASCADE")
    event = TextField()
    path = TextField()
    tries = IntegerField()
    next_at = Instant(null=True)
    told_at = Instant(null=True)
    trouble = TextField()

    class Meta:
        primary_key = CompositeKey("alarm", "event", "path")


AlarmTelling.add_index(
    SQL("CREATE INDEX IF NOT EXISTS alarm_telling_owed ON alarm_telling (path, next_at) WHERE next_at IS NOT NULL")
)


class Canary(Table):
    """A queue item to a mailbox of our own, and how it is watched.

    `margin` are the milliseconds between the time at which it counts as late and its deadline: when somebody sets the
    machine's clock, deadlines are set with it, and so it counts as late when it should.
    """

    item = ForeignKeyField(QueueItem, primary_key=True, index=False, on_delete="CASCADE")
    margin = IntegerField()
    late = BooleanField()
    watched = BooleanField()


Canary.add_index(SQL("CREATE INDEX IF NOT EXISTS canary_watched ON canary (item_id) WHERE watched"))

TABLES: tuple[type[Table], ...] = (Alarm, AlarmTelling, Canary)
