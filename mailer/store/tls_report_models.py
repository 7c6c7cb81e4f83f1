"""Which tables count what became of TLS, and keep which reports of it are owed?

Days are those of UTC, as `2026-04-10`.
"""

from peewee import CompositeKey, ForeignKeyField, IntegerField, TextField

from mailer.store.models import Instant, Table


class TlsPolicy(Table):
    """A policy that sessions were held under: `strings` and `patterns` in JSON, named by a digest of all.

    `reported` is the domain that hears of it.
    """

    digest = TextField(primary_key=True)
    reported = TextField()
    kind = TextField()
    domain = TextField()
    strings = TextField()
    patterns = TextField()


class TlsCount(Table):
    """So many sessions of a day ended alike; `reason` is that of the first of them."""

    day = TextField()
    policy = ForeignKeyField(TlsPolicy, index=True, on_delete="CASCADE")
    mx_host = TextField()
    address = TextField()
    source = TextField()
    failure = TextField()
    reason = TextField()
    sessions = IntegerField()

    class Meta:
        primary_key = CompositeKey("day", "policy", "mx_host", "address", "source", "failure")


class TlsReport(Table):
    """The report about a domain and a day: where it stands, and when it is tried again.

    `busy_until` stands while somebody sends it; after `give_up_at`, set by the first attempt, it is not tried again.
    """

    day = TextField()
    domain = TextField()
    state = TextField()
    attempts = IntegerField()
    next_at = Instant(index=True)
    busy_until = Instant(null=True)
    give_up_at = Instant(null=True)
    destination = TextField()
    trouble = TextField()
    settled_at = Instant(null=True)

    class Meta:
        primary_key = CompositeKey("day", "domain")


TABLES: tuple[type[Table], ...] = (TlsPolicy, TlsCount, TlsReport)
