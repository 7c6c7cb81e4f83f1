"""How does a simulated receiver treat whom?

A `Mood` is data: what the receiver offers, its limits, and which share of its addresses meets which
`Fault`. The same address always draws the same lot, so a run can be repeated. A local part may choose its
fault by itself, which is how tests and real runs pick one recipient: `unknown-…@` always, `tempfail-2-…@`
for the first two tries only.

Raises `MoodError`, naming the key, when a table of a moods file cannot be read.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, get_type_hints

from mailer.rehearsal.wording import POSTFIX_LIKE, Wording


class MoodError(ValueError):
    """A table of moods cannot be read; the words name the key and what is allowed there."""


class Fault(StrEnum):
    """What goes wrong for one recipient, and when."""

    TEMPFAIL = "tempfail"  # 4xx at RCPT
    GREYLIST = "greylist"  # 450 at RCPT until `greylist_seconds` after the first try
    UNKNOWN = "unknown"  # 550 at RCPT
    FULL = "full"  # 452 or 552 at RCPT
    RESET = "reset"  # TCP RST instead of the reply to RCPT
    DROPDATA = "dropdata"  # the connection closes in the middle of the data
    FILTERED = "filtered"  # 550 after the final dot
    EODFAIL = "eodfail"  # 451 after the final dot
    LOSTREPLY = "lostreply"  # kept, but the connection closes without a reply
    SILENT = "silent"  # kept, but no reply comes and the connection stays open
    SLOW = "slow"  # the reply to RCPT takes `slow_seconds`
    BOUNCE = "bounce"  # accepted, and reported as failed later


class Greeting(StrEnum):
    """What meets a new connection."""

    GREET = "greet"
    THROTTLE = "throttle"
    RESET = "reset"
    SILENT = "silent"


class Forms(StrEnum):
    """Which forms of an irregular local part (`a..b@`) are taken: `"a..b"@`, `a..b@`, or both."""

    BOTH = "both"
    QUOTED = "quoted"
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault that an address meets at its first `times` tries, or at each (None)."""

    fault: Fault
    times: int | None = None


CAPABILITIES = ("PIPELINING", "SIZE 20971520", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING")


@dataclass(frozen=True, slots=True)
class Mood:
    """How one receiver behaves. Seconds are real seconds; None means that there is no limit."""

    wording: Wording = POSTFIX_LIKE
    capabilities: tuple[str, ...] = CAPABILITIES
    starttls: bool = False
    greeting: Greeting = Greeting.GREET
    forms: Forms = Forms.BOTH
    shares: tuple[tuple[Trouble, float], ...] = ()
    addresses: Mapping[str, Trouble] = field(default_factory=dict)
    greylist_seconds: float = 5.0
    slow_seconds: float = 1.0
    reply_seconds: float = 0.0
    round_trip_seconds: float = 0.0
    connections: int | None = None
    messages_per_session: int | None = None
    messages_per_second: float | None = None
    recipients_per_session: int | None = None
    max_size: int = 20 * 1024 * 1024
    open_share: float = 0.9

    def __post_init__(self) -> None:
        if sum(share for _, share in self.shares) > 1.0:
            raise MoodError("faults: the shares add up to more than 1")


_CHOSEN = re.compile(rf"({'|'.join(Fault)})-(?:(\d+)-)?")


def lot(salt: str, address: str) -> float:
    """Return the number in [0, 1) that this address draws: always the same for the same salt."""
    digest = hashlib.blake2b(f"{salt}:{address}".encode(errors="surrogateescape"), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56


def trouble_of(mood: Mood, address: str) -> Trouble | None:
    """Return what goes wrong for `address`: by its local part, else by name, else by lot."""
    if "-" in address and (chosen := _CHOSEN.match(address)):
        return _trouble(chosen[1], chosen[2])
    if address in mood.addresses:
        return mood.addresses[address]
    return _drawn(mood, address) if mood.shares else None


def _drawn(mood: Mood, address: str) -> Trouble | None:
    left = lot("fault", address)
    for trouble, share in mood.shares:
        if left < share:
            return trouble
        left -= share
    return None


def _trouble(fault: str, times: str | None) -> Trouble:
    return Trouble(Fault(fault), int(times) if times else None)


def read_trouble(text: str) -> Trouble:
    """Return the trouble written as `FAULT` or `FAULT-TIMES`; raise MoodError with the words that are allowed."""
    fault, _, times = text.partition("-")
    if fault not in set(Fault) or (times and not times.isdigit()):
        raise MoodError(f"{text!r}: allowed are {', '.join(Fault)}, each also with -TIMES")
    return _trouble(fault, times)


def mood_of(table: Mapping[str, Any], base: Mood) -> Mood:
    """Return `base` with what `table` (as read from TOML) sets; raise MoodError naming the key that is wrong."""
    known = {each.name for each in fields(Mood)} - {"shares"} | {"faults"}
    if unknown := set(table) - known:
        raise MoodError(f"{sorted(unknown)[0]}: unknown key; allowed are {', '.join(sorted(known))}")
    changes = {_FIELD.get(key, key): _read(key, value) for key, value in table.items()}
    return replace(base, **changes)


_FIELD = {"faults": "shares"}
_TYPES = get_type_hints(Mood)


def _read(key: str, value: Any) -> Any:
    try:
        return _READERS[key](value) if key in _READERS else _checked(key, value)
    except (TypeError, ValueError, AttributeError) as error:
        raise MoodError(f"{key}: {error}") from error


def _checked(key: str, value: Any) -> Any:
    """Return a number or truth value; TOML's whole numbers serve as seconds and shares too."""
    wanted = _TYPES[key]
    if isinstance(value, bool) != (wanted is bool) or not isinstance(value, bool | int | float):
        raise TypeError(f"{value!r} is not of the right kind")
    return value


_READERS: Mapping[str, Any] = {
    "wording": lambda table: Wording(**table),
    "capabilities": tuple,
    "greeting": Greeting,
    "forms": Forms,
    "faults": lambda table: tuple((read_trouble(key), float(share)) for key, share in table.items()),
    "addresses": lambda table: {address: read_trouble(word) for address, word in table.items()},
}
