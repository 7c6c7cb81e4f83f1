"""Which words, counts, names and times may stand in what a stranger reports?

Text becomes visible characters of a bounded length, whatever it was; a count or time that cannot be is an error.
Raises Unreadable.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address

from mailer.domain.moment import JAPAN
from mailer.domain.typed import visible
from mailer.report.unreadable import Unreadable

LONGEST_WORD = 60
LONGEST_NAME = 253
LONGEST_WORDS = 300
#: More mails or sessions in one line of a report than anybody sends in a day.
MOST = 10**9
#: Reports are about a day; some reporters write hourly ones, and none is about more than a month.
LONGEST_SPAN = timedelta(days=31)
LATEST = 253_370_764_800  # the year 9999
_DIGITS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a report is about (aware)."""

    begins_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.ends_at - self.begins_at <= LONGEST_SPAN:
            raise Unreadable("it is about a time that ends before it begins, or is longer than a month")

    @property
    def zone(self) -> str:
        """Return whose day it is: `Japan` where it begins at midnight there, as Japanese reporters do, else `UTC`."""
        japan = self.begins_at.astimezone(JAPAN)
        return "Japan" if (japan.hour, japan.minute) == (0, 0) else "UTC"

    @property
    def day(self) -> date:
        """Return the day on which it begins, in its zone."""
        return self.begins_at.astimezone(JAPAN if self.zone == "Japan" else UTC).date()


def word(text: str) -> str:
    """Return one of the words that reports use, as `pass`, in small letters."""
    return visible(text.strip().lower(), LONGEST_WORD)


def name(text: str) -> str:
    """Return the name of a domain or host in small letters, without the root's dot."""
    return visible(text.strip().lower().rstrip("."), LONGEST_NAME)


def words(text: str) -> str:
    """Return what somebody wrote, in one line."""
    return visible(" ".join(text.split()), LONGEST_WORDS)


def address(text: str) -> str:
    """Return an IP address in its usual form, an IPv4 address in IPv6 as such."""
    try:
        found = ip_address(text.strip())
    except ValueError as error:
        raise Unreadable(f"it names {visible(text, LONGEST_WORD)!r} as an IP address") from error
    return str(getattr(found, "ipv4_mapped", None) or found)


def count(value: object) -> int:
    """Return a number of mails or sessions, given as a number or its digits."""
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise Unreadable(f"a number of mails or sessions in it is none, or more than {MOST}")
    return value


def epoch(text: str) -> datetime:
    """Return the time that seconds since 1970 name; fractions, which some write, are dropped."""
    whole = text.strip().partition(".")[0]
    if not _DIGITS.fullmatch(whole) or int(whole) > LATEST:
        raise Unreadable(f"it names {visible(text, LONGEST_WORD)!r} as a time")
    return datetime.fromtimestamp(int(whole), UTC)
