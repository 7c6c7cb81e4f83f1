"""Which table keeps what was said against addresses?"""

from peewee import SQL, AutoField, IntegerField, TextField

from mailer.store.models import Instant, Table


class Setback(Table):
    """What a reply, a returned mail or a complaint said against an address (see `mailer.domain.suspension`).

    It outlives the queue item, hence the plain numbers. `receiver` is who refused, as waves of refusals name it;
    `source` is `session` or `report`. `standing` is `counts`, `wave` (nobody's fault) or `forgiven` (the address was
    woken); `due_at` is when it is judged (again), None once it is.
    """

    id = AutoField()
    address_key = TextField(index=True)
    announcement_id = TextField()
    item_id = IntegerField(index=True)
    sent_at = Instant()
    at = Instant(index=True)
    kind = TextField()
    reason = TextField()
    receiver = TextField()
    source = TextField()
    words = TextField()
    standing = TextField()
    due_at = Instant(null=True)


Setback.add_index(SQL("CREATE INDEX IF NOT EXISTS setback_due ON setback (due_at) WHERE due_at IS NOT NULL"))
# Every hour of a wave all is looked for that its receiver said, while others wait for the store.
Setback.add_index(
    SQL("CREATE INDEX IF NOT EXISTS setback_counts ON setback (receiver, at, address_key) WHERE standing = 'counts'")
)
