"""Which hosts take mail for a domain, and in which order are they tried?

The rules of RFC 5321 §5.1: lowest preference first, equals in random order, the domain itself where no MX
stands, ourselves and everything behind us left out. Null MX (RFC 7505 §3) means that no mail is taken.
The look-ups are done elsewhere; here stand only the rules.

Raises `NoRoute`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

NULL = "."
Shuffle = Callable[[list[str]], None]


@dataclass(frozen=True, slots=True)
class MxRecord:
    """One MX record: a host name in lower case without the final dot (the root stays "."), and its preference."""

    preference: int
    host: str


class NoRoute(Exception):
    """No host can be named for a domain, for good or for now; `enhanced` is of RFC 3463, `reason` a word of Reason.

    `is_silence` says that the DNS gave no answer for the domain, so that nothing has changed as far as anybody knows.
    """

    def __init__(self, text: str, *, permanent: bool, enhanced: str, reason: str, is_silence: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.permanent = permanent
        self.enhanced = enhanced
        self.reason = reason
        self.is_silence = is_silence

    def for_now(self) -> "NoRoute":
        """Return the same as a trouble that may pass."""
        enhanced = "4" + self.enhanced[1:]
        return NoRoute(self.text, permanent=False, enhanced=enhanced, reason=self.reason, is_silence=self.is_silence)


def hosts_in_order(domain: str, exchanges: Sequence[MxRecord], own: frozenset[str], shuffle: Shuffle) -> list[str]:
    """Return the host names to try for `domain`, best first; `own` are the names under which this appliance is known.

    `shuffle` reorders a list in place and stands for chance.
    """
    if not exchanges:
        return [domain]
    usable = [exchange for exchange in exchanges if exchange.host != NULL]
    if not usable:
        raise NoRoute(f"{domain} takes no mail (null MX)", permanent=True, enhanced="5.1.10", reason="not_accepting")
    before_us = _before_ourselves(usable, own)
    if not before_us:
        raise NoRoute(
            f"the mail of {domain} would come back to ourselves",
            permanent=True,
            enhanced="5.4.6",
            reason="network_trouble",
        )
    return list(_by_preference(before_us, shuffle))


def _before_ourselves(exchanges: Iterable[MxRecord], own: frozenset[str]) -> list[MxRecord]:
    listed = list(exchanges)
    ours = min((exchange.preference for exchange in listed if exchange.host in own), default=None)
    return [exchange for exchange in listed if ours is None or exchange.preference < ours]


def _by_preference(exchanges: Sequence[MxRecord], shuffle: Shuffle) -> Iterable[str]:
    seen: set[str] = set()
    for preference in sorted({exchange.preference for exchange in exchanges}):
        equals = [exchange.host for exchange in exchanges if exchange.preference == preference]
        shuffle(equals)
        for host in equals:
            if host not in seen:
                seen.add(host)
                yield host
