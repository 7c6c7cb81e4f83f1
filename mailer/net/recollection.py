"""What is still remembered of an address?

That it failed, or that TLS failed with it: each for some seconds, perhaps with a note. What is over is dropped when
something new is noted, so that months of receivers that come and go leave nothing behind.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Recollection(Generic[Key]):
    """Addresses, or what else stands for them, that something is remembered of; `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._noted: dict[Key, tuple[float, object]] = {}

    def __contains__(self, address: Key) -> bool:
        return self._noted.get(address, (0.0, None))[0] > self._monotonic()

    def __len__(self) -> int:
        return len(self._noted)

    def note(self, address: Key, seconds: float, what: object = None) -> None:
        """Remember an address for so long from now, and `what` of it."""
        now = self._monotonic()
        self._noted = {known: noted for known, noted in self._noted.items() if noted[0] > now}
        self._noted[address] = now + seconds, what

    def what(self, address: Key) -> object:
        """Return what was noted of an address; None if nothing is remembered of it."""
        return self._noted[address][1] if address in self else None

    def drop(self, address: Key) -> None:
        """Forget one address."""
        self._noted.pop(address, None)
