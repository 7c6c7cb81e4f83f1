"""Which moment does a person mean by `2026-04-01T08:00`, and how is one written for programs?

The form is that of RFC 3339 §5.6. What is read may take two liberties: the seconds may be left out, and a time without
a zone is Japan time. A leap second is refused: no clock of this product shows one.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

JAPAN = timezone(timedelta(hours=9), "JST")

#: What each refusal means, for the person who typed the time.
REASONS: Mapping[str, str] = {
    "bad_time": "A time is written like 2026-04-01T08:00 (Japan time) or 2026-04-01T08:00:00+09:00.",
    "no_such_time": "There is no such day or time of day.",
}

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
_FORM = re.compile(rf"({_DATE})[Tt ]({_TIME})([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})?")


class MomentError(ValueError):
    """A text is no moment: `reason` is a key of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason])
        self.reason = reason


def parse_moment(text: str) -> datetime:
    """Return the moment that `text` names, aware and in UTC; raise MomentError."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise MomentError("bad_time")
    try:
        moment = datetime.fromisoformat(f"{form[1]}T{form[2]}{(form[3] or '').upper()}")
        # By way of Japan time, in which it is shown: the last hours that Python knows are over there already.
        return (moment if moment.tzinfo else moment.replace(tzinfo=JAPAN)).astimezone(JAPAN).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MomentError("no_such_time") from error


def written(moment: datetime) -> str:
    """Return a moment as all JSON of this product writes it: RFC 3339, Japan time, to the second."""
    return moment.astimezone(JAPAN).isoformat(timespec="seconds")
