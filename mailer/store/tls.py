"""What did we learn of receivers' TLS that a restart must not forget?"""

from datetime import datetime

from mailer.smtp.sts import KeptPolicy, read_policy
from mailer.store.tls_models import StsPolicy, TlsHost


def hosts() -> frozenset[str]:
    """Return the hosts that spoke TLS."""
    return frozenset(row.host for row in TlsHost.select(TlsHost.host))


def remember_host(host: str, at: datetime) -> None:
    """Write that a host spoke TLS."""
    TlsHost.insert(host=host, seen_at=at).on_conflict_replace().execute()


def policies() -> list[KeptPolicy]:
    """Return all policies."""
    return [_kept(row) for row in StsPolicy.select()]


def policy(domain: str) -> KeptPolicy | None:
    """Return the policy of a domain, or None."""
    row = StsPolicy.get_or_none(StsPolicy.domain == domain)
    return None if row is None else _kept(row)


def remember_policy(kept: KeptPolicy) -> None:
    """Write a policy in the place of an older one."""
    StsPolicy.insert(
        domain=kept.domain,
        policy_id=kept.id,
        text="\n".join(kept.policy.lines),
        fetched_at=kept.fetched_at,
        expires_at=kept.expires_at,
    ).on_conflict_replace().execute()


def forget_before(seen: datetime, expired: datetime) -> None:
    """Delete hosts not seen since and policies that were over by then."""
    TlsHost.delete().where(TlsHost.seen_at < seen).execute()
    StsPolicy.delete().where(StsPolicy.expires_at <= expired).execute()


def _kept(row: StsPolicy) -> KeptPolicy:
    return KeptPolicy(row.domain, row.policy_id, read_policy(row.text), row.fetched_at)
