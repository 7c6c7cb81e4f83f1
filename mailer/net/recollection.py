"""What is still remembered of an address?

That it failed, or that TLS failed with it: each for some seconds. What is over is dropped when something new is
noted, so that months of receivers that come and go leave nothing behind.
"""

from collections.abc import Callable


class Recollection:
    """Addresses that something is remembered of; `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._until: dict[str, float] = {}

    def __contains__(self, address: str) -> bool:
        return self._until.get(address, 0.0) > self._monotonic()

    def __len__(self) -> int:
        return len(self._until)

    def note(self, address: str, seconds: float) -> None:
        """Remember an address for so long from now."""
        now = self._monotonic()
        self._until = {known: until for known, until in self._until.items() if until > now}
        self._until[address] = now + seconds

    def drop(self, address: str) -> None:
        """Forget one address."""
        self._until.pop(address, None)

    def clear(self) -> None:
        """Forget them all."""
        self._until.clear()
