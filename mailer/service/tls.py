"""What do we remember of receivers' TLS?

Which mail hosts spoke it, so that one that no longer does is noticed, and the MTA-STS policies that hold. Those that
write do not open a transaction: they are made for a `Writer`.
"""

from mailer.domain.retention import TLS_HOSTS_KEPT
from mailer.service.office import Office
from mailer.store import tls

__all__ = ["hosts_with_tls", "remember_host", "remember_policy", "sts_policies", "sts_policy"]

hosts_with_tls = tls.hosts
sts_policy = tls.policy
sts_policies = tls.policies
remember_policy = tls.remember_policy


def remember_host(office: Office, host: str) -> None:
    """Write that a host speaks TLS now, and forget what is long over."""
    now = office.clock()
    tls.remember_host(host, now)
    tls.forget_before(now - TLS_HOSTS_KEPT, now)
