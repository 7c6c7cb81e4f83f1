"""What does a domain's MTA-STS policy say?

RFC 8461: a TXT record with an id, and a text fetched over HTTPS that names the mode, the MX hosts and how long it
holds. Raises `StsInvalid` for a text that is no policy.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

VERSION = "STSv1"
MODES = ("enforce", "testing", "none")
MOST_TOLD_LINES, LONGEST_TOLD_LINE = 20, 200
LONGEST_AGE = 31_557_600  # a year
_STRINGS = re.compile(r'"([^"\\]*)"')
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_AGE = re.compile(r"[0-9]{1,10}")


class StsInvalid(ValueError):
    """A text is no MTA-STS policy; says why."""


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy: `mode` of MODES, `mx` patterns in lower case, seconds that it holds, and its lines as they came."""

    mode: str
    mx: tuple[str, ...]
    max_age: int
    lines: tuple[str, ...]

    def names(self, host: str) -> bool:
        """Tell whether an MX host is one of the policy's; `*.` stands for exactly one label."""
        host = host.lower()
        return any(host == pattern or _is_under(host, pattern) for pattern in self.mx)


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy of a domain that was fetched, under the id that the DNS gave then."""

    domain: str
    id: str
    policy: StsPolicy
    fetched_at: datetime

    @property
    def expires_at(self) -> datetime:
        """Return until when it holds."""
        return self.fetched_at + timedelta(seconds=self.policy.max_age)


@dataclass(frozen=True, slots=True)
class MissingPolicy:
    """A policy that a domain announces and that cannot be had: a word of TLS reports, more in free words, and its lines
    where there are some that are no policy."""

    word: str
    why: str
    lines: tuple[str, ...] = ()


def _is_under(host: str, pattern: str) -> bool:
    return pattern.startswith("*.") and host.partition(".")[2] == pattern[2:]


def read_id(records: Iterable[str]) -> str | None:
    """Return the id that the TXT records at _mta-sts.DOMAIN give, in presentation form; None where there is no policy.

    More than one record of the kind counts as none.
    """
    texts = ["".join(_STRINGS.findall(record)) for record in records]
    ours = [text for text in texts if re.match(r"v=STSv1[ \t]*(;|$)", text)]
    if len(ours) != 1:
        return None
    fields = dict(part.strip().partition("=")[::2] for part in reversed(ours[0].split(";")))
    found = fields.get("id", "").strip()
    return found if _ID.fullmatch(found) else None


def read_policy(text: str) -> StsPolicy:
    """Return the policy that a text states. Of a field said twice the first counts; unknown fields are left alone."""
    lines = policy_lines(text)
    fields: dict[str, list[str]] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            raise StsInvalid(f"a line without a colon: {line[:80]!r}")
        fields.setdefault(key.strip(), []).append(value.strip())
    if _first(fields, "version") != VERSION:
        raise StsInvalid(f"the version is not {VERSION}")
    mode, age = _first(fields, "mode"), _first(fields, "max_age")
    if mode not in MODES:
        raise StsInvalid(f"the mode {mode!r} is none of {', '.join(MODES)}")
    if not _AGE.fullmatch(age):
        raise StsInvalid(f"max_age {age!r} is no number of seconds")
    return StsPolicy(mode, _patterns(mode, fields.get("mx", [])), min(int(age), LONGEST_AGE), lines)


def policy_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text that say something."""
    return tuple(line for line in text.replace("\r\n", "\n").split("\n") if line.strip())


def told_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text that is no policy as a report may show them: the beginning, in visible characters."""
    shown = (re.sub(r"[^ -~]+", "?", line)[:LONGEST_TOLD_LINE] for line in policy_lines(text))
    return tuple(islice(shown, MOST_TOLD_LINES))


def _first(fields: dict[str, list[str]], key: str) -> str:
    if key not in fields:
        raise StsInvalid(f"there is no {key}")
    return fields[key][0][:80]


def _patterns(mode: str, values: list[str]) -> tuple[str, ...]:
    patterns = tuple(dict.fromkeys(value.lower().rstrip(".") for value in values))
    for pattern in patterns:
        if not _HOST.fullmatch(pattern):
            raise StsInvalid(f"mx {pattern[:80]!r} is no host name")
    if mode != "none" and not patterns:
        raise StsInvalid("there is no mx")
    return patterns
