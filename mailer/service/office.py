"""What does every request need that nobody may invent?

The clock, chance, names, the schools, the keys of receipt links and VERP addresses, and the terms that the
configuration sets. `app` modules, `cli` and tests build one `Office` and hand it to every function of this package.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from mailer.clock import Clock
from mailer.domain import retention
from mailer.domain.canary import Canaries
from mailer.domain.lane import Lane
from mailer.domain.school import Schools
from mailer.domain.suspension import Terms
from mailer.message.verp import Verp

NO_CANARIES = Canaries()
TERMS = Terms()
KEPT = retention.Terms()


def _by_domain(domain: str, host: str) -> str:
    return domain


@dataclass(frozen=True, slots=True)
class Office:
    """What one installation is; `expires` is how long mail of each lane is tried; `chance` draws 0 to 1.

    `suspension` says when addresses rest; `receiver` says how the receiver of a domain, of which a host answered, is
    called: by its carrier if it has one. `addresses` are those that mail leaves from, as far as the configuration names
    them; `kept` says how long what is kept.
    """

    clock: Clock
    chance: Callable[[], float]
    ids: Callable[[str], str]
    schools: Schools
    domain: str
    base_url: str
    receipt_key: bytes
    verp: Verp
    expires: Mapping[Lane, timedelta]
    maintenance_lead: tuple[timedelta, ...]
    canaries: Canaries = NO_CANARIES
    suspension: Terms = TERMS
    receiver: Callable[[str, str], str] = _by_domain
    addresses: frozenset[str] = frozenset()
    kept: retention.Terms = KEPT
