"""Which hosts have spoken TLS before?

So that it is noticed when one no longer does: perhaps somebody between us and it takes the offer out of what it says.
What is learned is passed on, to be remembered beyond a restart.
"""

import logging
from collections.abc import Callable, Iterable

from mailer.net.recollection import Recollection

log = logging.getLogger(__name__)

REMIND_SECONDS = 86_400.0
WARN_SECONDS = 3_600.0


def unlearned(host: str) -> None:
    """Remember nothing beyond this process."""


class TlsMemory:
    """The hosts known to speak TLS; `learn` is told of each when it does, at most once a day."""

    def __init__(
        self, monotonic: Callable[[], float], known: Iterable[str] = (), learn: Callable[[str], object] = unlearned
    ) -> None:
        self._known = set(known)
        self._learn = learn
        self._seen: Recollection[str] = Recollection(monotonic)
        self._warned: Recollection[str] = Recollection(monotonic)

    def spoken(self, host: str) -> None:
        """Note that a host speaks TLS."""
        if host not in self._seen:
            self._seen.note(host, REMIND_SECONDS)
            self._known.add(host)
            self._learn(host)

    def missing(self, host: str) -> bool:
        """Note that a host speaks none; tell whether it did before."""
        if host not in self._known:
            return False
        if host not in self._warned:
            self._warned.note(host, WARN_SECONDS)
            log.warning("%s spoke TLS before and does not now; its mail goes in plain text", host)
        return True
