"""Which tables are there?

Tables only: no defaults that ask the time, no behaviour. Times are milliseconds since 1970 in UTC
(`Instant`), because both databases compare whole numbers fast and alike. Models never leave the store.
"""

from datetime import UTC, datetime

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    Check,
    CompositeKey,
    DatabaseProxy,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

database = DatabaseProxy()
#: As a time of the store: later than any.
EVER = 2**62


class Instant(BigIntegerField):
    """An aware time, stored as milliseconds since 1970 UTC."""

    def db_value(self, value: datetime | int | None) -> int | None:
        """Return what is stored: whole milliseconds."""
        return instant(value) if isinstance(value, datetime) else value

    def python_value(self, value: int | None) -> datetime | None:
        """Return the aware time in UTC."""
        return None if value is None else moment(value)


def instant(value: datetime) -> int:
    """Return milliseconds since 1970; raise ValueError for a time without a zone."""
    if value.tzinfo is None:
        raise ValueError("a stored time needs a zone")
    return round(value.timestamp() * 1000)


def moment(value: int) -> datetime:
    """Return the aware UTC time of stored milliseconds."""
    return datetime.fromtimestamp(value / 1000, UTC)


class Table(Model):
    """The common base: every table lives in the one store."""

    class Meta:
        database = database
        legacy_table_names = False


class Household(Table):
    """One child's registration at one school, with a guardian."""

    id = AutoField()
    school = TextField(index=True)
    grade = TextField()
    class_name = TextField()
    child = TextField()
    guardian = TextField()
    login = TextField()
    receives_broadcasts = BooleanField()
    registered_at = Instant()
    deregistered_at = Instant(null=True)


Household.add_index(
    SQL(
        "CREATE UNIQUE INDEX IF NOT EXISTS household_registered"
        " ON household (school, login, child) WHERE deregistered_at IS NULL"
    )
)
# The indexes by which is found what may be forgotten name nothing that is forgotten already.
Household.add_index(
    SQL(
        "CREATE INDEX IF NOT EXISTS household_deregistered"
        " ON household (deregistered_at) WHERE deregistered_at IS NOT NULL"
    )
)


class AddressSlot(Table):
    """One address of a household, exactly as typed; its key has the domain in lower case and nothing else changed."""

    household = ForeignKeyField(Household, backref="slots", index=False, on_delete="CASCADE")
    slot = IntegerField(constraints=[Check("slot BETWEEN 1 AND 4")])
    address = TextField()
    address_key = TextField(index=True)
    set_at = Instant()

    class Meta:
        primary_key = CompositeKey("household", "slot")


class Suspension(Table):
    """An address that rests: nothing goes to it until it is woken, but a mail now and then to see whether it works.

    `tested_at` is when the last such mail was announced, `tested_by` its announcement while its end is open.
    """

    address_key = TextField(primary_key=True)
    since = Instant()
    reason = TextField()
    evidence = TextField()
    tested_at = Instant(null=True)
    tested_by = TextField(null=True)


class Announcement(Table):
    """A broadcast or notice with its frozen text."""

    id = TextField(primary_key=True)
    kind = TextField()
    lane = IntegerField()
    subject = TextField()
    text = TextField()
    receipt = BooleanField()
    actor = TextField()
    announced_at = Instant(index=True)
    not_before = Instant()
    expires_at = Instant()
    cancelled_at = Instant(null=True)
    selectors = TextField()


# Asked before each single mail: did a safety broadcast begin just now? (store.singles)
Announcement.add_index(
    SQL("CREATE INDEX IF NOT EXISTS announcement_safety_deadline ON announcement (expires_at) WHERE lane = 0")
)


class Exclusion(Table):
    """An address of an addressed household that the announcement does not go to, and why."""

    id = AutoField()
    announcement = ForeignKeyField(Announcement, backref="exclusions", on_delete="CASCADE")
    household = ForeignKeyField(Household, on_delete="CASCADE")
    slot = IntegerField()
    address = TextField()
    reason = TextField()


class QueueItem(Table):
    """One recipient of an announcement, or a canary that rides with it. A row, not a stored message.

    `possible_copies` counts the attempts that may have left a copy without saying so; `intent` is the reason
    for which a person wants an item under way stopped, should the present attempt not settle it (empty: none). From
    `host` to `replied_at` stands the evidence of the last attempt whose end is known; `settled_at` is when the last
    state came.
    """

    id = AutoField()
    announcement = ForeignKeyField(Announcement, backref="items", index=False, on_delete="CASCADE")
    announcement_id: str  # set by peewee; the name without loading the announcement
    school = TextField()
    address = TextField()
    address_key = TextField()
    domain = TextField()
    lane = IntegerField()
    state = TextField()
    next_attempt_at = Instant()
    expires_at = Instant()
    attempts = IntegerField()
    intent = TextField()
    possible_copies = IntegerField()
    claimed_by = TextField(null=True)
    possible_duplicate = BooleanField()
    token_hash = BlobField(null=True)
    settled_at = Instant(null=True)
    host = TextField()
    stage = TextField()
    code = IntegerField()
    enhanced = TextField()
    reply = TextField()
    tls = TextField()
    reason = TextField()
    replied_at = Instant(null=True)
    canary = BooleanField(default=False, constraints=[SQL("DEFAULT 0")])

    class Meta:
        indexes = ((("announcement", "address_key", "canary"), True),)


QueueItem.add_index(
    SQL(
        "CREATE INDEX IF NOT EXISTS queue_item_due"
        " ON queue_item (domain, lane, next_attempt_at) WHERE state = 'waiting'"
    )
)
QueueItem.add_index(
    SQL("CREATE INDEX IF NOT EXISTS queue_item_claimed ON queue_item (claimed_by) WHERE claimed_by IS NOT NULL")
)
QueueItem.add_index(
    SQL("CREATE UNIQUE INDEX IF NOT EXISTS queue_item_token ON queue_item (token_hash) WHERE token_hash IS NOT NULL")
)
QueueItem.add_index(
    SQL("CREATE INDEX IF NOT EXISTS queue_item_expiry ON queue_item (expires_at) WHERE state IN ('waiting', 'held')")
)


class Counter(Table):
    """The last number given out of a series: that of a purged row never comes back in a VERP or receipt URL."""

    name = TextField(primary_key=True)
    last = IntegerField()


class ItemSlot(Table):
    """A household and slot that a queue item stands for."""

    item = ForeignKeyField(QueueItem, backref="slots", index=False, on_delete="CASCADE")
    household = ForeignKeyField(Household, on_delete="CASCADE")
    slot = IntegerField()

    class Meta:
        primary_key = CompositeKey("item", "household", "slot")


class Attempt(Table):
    """One try to hand a queue item over; the row is written before the first packet leaves.

    `transcript` is what was heard in the session that `session_id` names; see `mailer.schedule.outcome`. It is
    forgotten before the attempt is.
    """

    item = ForeignKeyField(QueueItem, backref="tries", index=False, on_delete="CASCADE")
    number = IntegerField()
    started_at = Instant()
    ended_at = Instant(null=True)
    verdict = TextField(null=True)
    host = TextField()
    stage = TextField()
    code = IntegerField()
    enhanced = TextField()
    reply = TextField()
    tls = TextField()
    reason = TextField()
    session_id = BigIntegerField(null=True)
    transcript = TextField(constraints=[SQL("DEFAULT ''")])

    class Meta:
        primary_key = CompositeKey("item", "number")


Attempt.add_index(SQL("CREATE INDEX IF NOT EXISTS attempt_transcript ON attempt (ended_at) WHERE transcript <> ''"))


class Visit(Table):
    """One request for a receipt URL, kept raw so that it can be judged again when the rules improve (N7).

    `peer` and `headers` are empty once they are forgotten.
    """

    id = AutoField()
    item = ForeignKeyField(QueueItem, backref="visits", on_delete="CASCADE")
    at = Instant()
    method = TextField()
    peer = TextField()
    headers = TextField()


Visit.add_index(SQL("CREATE INDEX IF NOT EXISTS visit_raw ON visit (at) WHERE headers <> ''"))


class Receipt(Table):
    """A household has confirmed an announcement; the first visit counts, later ones change nothing."""

    announcement = ForeignKeyField(Announcement, index=False, on_delete="CASCADE")
    household = ForeignKeyField(Household, on_delete="CASCADE")
    visit = ForeignKeyField(Visit, on_delete="CASCADE")
    slot = IntegerField()
    confirmed_at = Instant()

    class Meta:
        primary_key = CompositeKey("announcement", "household")


class InboundMail(Table):
    """A mail that port 25 took, raw (zlib) and before its 250."""

    id = AutoField()
    received_at = Instant()
    reverse_path = TextField()
    forward_path = TextField()
    peer = TextField()
    digest = BlobField()
    content = BlobField()
    item = ForeignKeyField(QueueItem, null=True, on_delete="SET NULL")
    meaning = TextField()

    class Meta:
        # What is still to be read, and what may be forgotten, is looked for without touching the contents.
        indexes = ((("meaning", "received_at", "item"), False),)


class MaintenanceWindow(Table):
    """A planned time in which the service may be out of reach."""

    id = TextField(primary_key=True)
    begins_at = Instant()
    ends_at = Instant()
    services = TextField()
    planned_at = Instant()
    cancelled_at = Instant(null=True)


class MaintenanceNotice(Table):
    """A notice of a window that leaves at `due_at`; `announcement` is set once it was announced."""

    id = AutoField()
    window = ForeignKeyField(MaintenanceWindow, backref="notices", on_delete="CASCADE")
    due_at = Instant()
    announcement = ForeignKeyField(Announcement, null=True, on_delete="SET NULL")


class DkimKey(Table):
    """The public half of a DKIM key and where it stands; the private half is a file of the mailer's."""

    selector = TextField(primary_key=True)
    algorithm = TextField()
    public_key = TextField()
    state = TextField()
    created_at = Instant()


class DomainMemory(Table):
    """What we learned of a receiving domain and want to know after a restart.

    `site` is where its mail was found to go: a carrier, or the names of its MX hosts in order, by spaces (empty: not
    known).
    """

    domain = TextField(primary_key=True)
    bare_form = BooleanField()
    site = TextField(constraints=[SQL("DEFAULT ''")])


class AuditEntry(Table):
    """Who did what, each entry sealed by a digest over itself and the one before."""

    id = AutoField()
    at = Instant()
    actor = TextField()
    action = TextField()
    object = TextField()
    detail = TextField()
    digest = BlobField()


TABLES: tuple[type[Table], ...] = (
    Household,
    AddressSlot,
    Suspension,
    Announcement,
    Exclusion,
    QueueItem,
    Counter,
    ItemSlot,
    Attempt,
    Visit,
    Receipt,
    InboundMail,
    MaintenanceWindow,
    MaintenanceNotice,
    DkimKey,
    DomainMemory,
    AuditEntry,
)
