"""Which tables did the first release make?

A frozen copy, on purpose independent of the models: it says what a store of that release looks like for good. A test
holds the tables that all migrations make against those of the models.
"""

from peewee import (
    SQL,
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    Check,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.migrate import SchemaMigrator


class Table(Model):
    class Meta:
        legacy_table_names = False


class Household(Table):
    id = AutoField()
    school = TextField(index=True)
    grade = TextField()
    class_name = TextField()
    child = TextField()
    guardian = TextField()
    login = TextField()
    receives_broadcasts = BooleanField()
    registered_at = BigIntegerField()
    deregistered_at = BigIntegerField(null=True)


Household.add_index(
    SQL(
        "CREATE UNIQUE INDEX IF NOT EXISTS household_registered"
        " ON household (school, login, child) WHERE deregistered_at IS NULL"
    )
)


class AddressSlot(Table):
    household = ForeignKeyField(Household, index=False, on_delete="CASCADE")
    slot = IntegerField(constraints=[Check("slot BETWEEN 1 AND 4")])
    address = TextField()
    address_key = TextField(index=True)
    set_at = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("household", "slot")


class Suspension(Table):
    address_key = TextField(primary_key=True)
    since = BigIntegerField()
    reason = TextField()
    evidence = TextField()


class Announcement(Table):
    id = TextField(primary_key=True)
    kind = TextField()
    lane = IntegerField()
    subject = TextField()
    text = TextField()
    receipt = BooleanField()
    actor = TextField()
    announced_at = BigIntegerField(index=True)
    not_before = BigIntegerField()
    expires_at = BigIntegerField()
    cancelled_at = BigIntegerField(null=True)
    selectors = TextField()


class AnnouncementSchool(Table):
    announcement = ForeignKeyField(Announcement, index=False, on_delete="CASCADE")
    school = TextField()

    class Meta:
        primary_key = CompositeKey("announcement", "school")


class Exclusion(Table):
    id = AutoField()
    announcement = ForeignKeyField(Announcement, on_delete="CASCADE")
    household = ForeignKeyField(Household, on_delete="CASCADE")
    slot = IntegerField()
    address = TextField()
    reason = TextField()


class QueueItem(Table):
    id = AutoField()
    announcement = ForeignKeyField(Announcement, index=False, on_delete="CASCADE")
    school = TextField()
    address = TextField()
    address_key = TextField()
    domain = TextField()
    lane = IntegerField()
    state = TextField()
    next_attempt_at = BigIntegerField()
    expires_at = BigIntegerField()
    attempts = IntegerField()
    intent = TextField()
    possible_copies = IntegerField()
    claimed_by = TextField(null=True)
    claimed_until = BigIntegerField(null=True)
    possible_duplicate = BooleanField()
    token_hash = BlobField(null=True)
    settled_at = BigIntegerField(null=True)
    host = TextField()
    stage = TextField()
    code = IntegerField()
    enhanced = TextField()
    reply = TextField()
    tls = TextField()
    reason = TextField()
    replied_at = BigIntegerField(null=True)

    class Meta:
        indexes = ((("announcement", "address_key"), True),)


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
    name = TextField(primary_key=True)
    last = IntegerField()


class ItemSlot(Table):
    item = ForeignKeyField(QueueItem, index=False, on_delete="CASCADE")
    household = ForeignKeyField(Household, on_delete="CASCADE")
    slot = IntegerField()

    class Meta:
        primary_key = CompositeKey("item", "household", "slot")


class Attempt(Table):
    item = ForeignKeyField(QueueItem, index=False, on_delete="CASCADE")
    number = IntegerField()
    started_at = BigIntegerField()
    ended_at = BigIntegerField(null=True)
    verdict = TextField(null=True)
    host = TextField()
    stage = TextField()
    code = IntegerField()
    enhanced = TextField()
    reply = TextField()
    tls = TextField()
    reason = TextField()

    class Meta:
        primary_key = CompositeKey("item", "number")


class Visit(Table):
    id = AutoField()
    item = ForeignKeyField(QueueItem, on_delete="CASCADE")
    at = BigIntegerField()
    method = TextField()
    peer = TextField()
    headers = TextField()


class Receipt(Table):
    announcement = ForeignKeyField(Announcement, index=False, on_delete="CASCADE")
    household = ForeignKeyField(Household, on_delete="CASCADE")
    visit = ForeignKeyField(Visit, on_delete="CASCADE")
    slot = IntegerField()
    confirmed_at = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("announcement", "household")


class InboundMail(Table):
    id = AutoField()
    received_at = BigIntegerField()
    reverse_path = TextField()
    forward_path = TextField()
    peer = TextField()
    digest = BlobField(index=True)
    content = BlobField()
    item = ForeignKeyField(QueueItem, null=True, on_delete="SET NULL")
    meaning = TextField()


class MaintenanceWindow(Table):
    id = TextField(primary_key=True)
    begins_at = BigIntegerField()
    ends_at = BigIntegerField()
    services = TextField()
    planned_at = BigIntegerField()
    cancelled_at = BigIntegerField(null=True)


class MaintenanceNotice(Table):
    id = AutoField()
    window = ForeignKeyField(MaintenanceWindow, on_delete="CASCADE")
    due_at = BigIntegerField()
    announcement = ForeignKeyField(Announcement, null=True, on_delete="SET NULL")


class DkimKey(Table):
    selector = TextField(primary_key=True)
    algorithm = TextField()
    public_key = TextField()
    state = TextField()
    created_at = BigIntegerField()


class DomainMemory(Table):
    domain = TextField(primary_key=True)
    bare_form = BooleanField()


class AuditEntry(Table):
    id = AutoField()
    at = BigIntegerField()
    actor = TextField()
    action = TextField()
    object = TextField()
    detail = TextField()
    digest = BlobField()


TABLES = (
    Household,
    AddressSlot,
    Suspension,
    Announcement,
    AnnouncementSchool,
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


def up(migrator: SchemaMigrator, db: Database) -> None:
    """Make the tables."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
