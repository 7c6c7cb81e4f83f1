"""How long is 90s, 15m, 2h or 7d?

A duration is a whole number and one unit, as the configuration files and the command line write it.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

UNITS: Mapping[str, str] = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

#: What each refusal means, for the person who typed the duration.
REASONS: Mapping[str, str] = {
    "bad_duration": "A duration is a whole number and s, m, h or d, like 90s, 15m, 2h or 7d.",
    "long_duration": "This is too long: the whole number may have six digits at most, so that the longest is 999999d.",
    "zero_duration": "A duration must be longer than nothing.",
}

_FORM = re.compile(r"([0-9]{1,6})([smhd])")
_LONG = re.compile(r"[0-9]{7,}[smhd]")


class DurationError(ValueError):
    """A text is no duration: `reason` is a key of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


def parse_duration(text: str) -> timedelta:
    """Return the length of time that `text` names: `90s`, `15m`, `2h`, `7d`; raise DurationError."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise DurationError("long_duration" if _LONG.fullmatch(text) else "bad_duration")
    length = timedelta(**{UNITS[form[2]]: int(form[1])})
    if not length:
        raise DurationError("zero_duration")
    return length
