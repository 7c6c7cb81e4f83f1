"""Which tables hold what receivers have shown and published about TLS?"""

from peewee import TextField

from mailer.store.models import Instant, Table


class TlsHost(Table):
    """A mail host that spoke TLS, and when it last did."""

    host = TextField(primary_key=True)
    seen_at = Instant()


class StsPolicy(Table):
    """The MTA-STS policy of a domain as it was fetched, and until when it holds."""

    domain = TextField(primary_key=True)
    policy_id = TextField()
    text = TextField()
    fetched_at = Instant()
    expires_at = Instant(index=True)


TABLES: tuple[type[Table], ...] = (TlsHost, StsPolicy)
