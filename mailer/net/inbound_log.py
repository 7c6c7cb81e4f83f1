"""Which lines do we write when peers give cause for too many?

The first of a kind, then one in so many seconds, which says how many it stands for: whoever reads the log sees that
there was a flood and how big it was, and the flood does not fill the disk.
"""

from collections import Counter

MOST_KEYS = 10_000


class Scarce:
    """One line in `seconds` for each key."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left_out: Counter[str] = Counter()
        self._written: dict[str, float] = {}

    def admit(self, key: str, now: float) -> int:
        """Return how many lines the one that may be written now stands for, itself included; 0 if none may be."""
        self._left_out[key] += 1
        if now < self._written.get(key, float("-inf")) + self._seconds:
            return 0
        stands_for = self._left_out.pop(key)
        if len(self._written) >= MOST_KEYS:  # ever new addresses do not fill the memory; at worst a line comes early
            self._written.clear()
            self._left_out.clear()
        self._written[key] = now
        return stands_for
