"""Which values may a key have, and what does it become?

Each function here makes a check for one kind of value: it takes what the file holds and returns what the program
uses, or raises the error that says what is allowed. Nothing is guessed: "25" is no number, and "yes" no switch.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from config.problem import wrong
from mailer.domain.canary import canary
from mailer.domain.duration import DurationError, parse_duration
from mailer.domain.typed import hidden_character

Item = TypeVar("Item")
Endpoint = tuple[str, int]

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
#: At most 253 characters, and the last label is no number: `192.0.2.300` is not a name but a slip.
_HOST = re.compile(rf"(?=.{{1,253}}$)(?!(?:.*\.)?[0-9]+$)(?:{_LABEL}\.)*{_LABEL}")
_ENDPOINT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})")
_MINUTES = re.compile(r"[0-5][0-9](?:-[0-5][0-9])?")
_PHONE = re.compile(r"(?=(?:.*[0-9]){5})[0-9+][0-9() -]{4,28}[0-9]")
_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def switch(value: object) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise wrong("switch", value)
    return value


def whole(least: int, most: int) -> Callable[[object], int]:
    """Make a check for whole numbers."""

    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise wrong("whole", value, least=least, most=most)
        return value

    return check


def number(least: float, most: float) -> Callable[[object], float]:
    """Make a check for numbers with or without a fraction."""

    def check(value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise wrong("number", value, least=least, most=most)
        return float(value)

    return check


def choice(*words: str) -> Callable[[object], str]:
    """Make a check for one of a few words."""

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise wrong("choice", value, choices=", ".join(words))
        return value

    return check


def words(most: int) -> Callable[[object], str]:
    """Make a check for one visible line of text."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not 1 <= len(value.strip()) <= most:
            raise wrong("words", value, most=most)
        if character := hidden_character(value):
            raise wrong("hidden", value, character=character)
        return value

    return check


def text(most: int) -> Callable[[object], str]:
    """Make a check for text of one line or more."""

    def check(value: object) -> str:
        if not isinstance(value, str) or not 1 <= len(value.strip()) <= most:
            raise wrong("text", value, most=most)
        for line in value.splitlines():
            if character := hidden_character(line):
                raise wrong("hidden", value, character=character)
        return value.strip()

    return check


def phone(value: object) -> str:
    """Return a telephone number, which may be said in any mail and reply."""
    if not isinstance(value, str) or not _PHONE.fullmatch(value):
        raise wrong("phone", value)
    return value


def duration(least: str, most: str) -> Callable[[object], timedelta]:
    """Make a check for lengths of time such as "90s"; the bounds are written like them."""
    shortest, longest = parse_duration(least), parse_duration(most)

    def check(value: object) -> timedelta:
        try:
            length = value if isinstance(value, timedelta) else parse_duration(value if isinstance(value, str) else "")
        except DurationError:
            length = timedelta()
        if not shortest <= length <= longest:
            raise wrong("duration", value, least=least, most=most)
        return length

    return check


def duration_or_never(least: str, most: str) -> Callable[[object], timedelta | None]:
    """Make a check for lengths of time, or the word "never", which becomes None."""
    length = duration(least, most)

    def check(value: object) -> timedelta | None:
        if value is None or value == "never":
            return None
        try:
            return length(value)
        except PydanticCustomError as error:
            raise wrong("duration_or_never", value, least=least, most=most) from error

    return check


def minutes(value: object) -> frozenset[int]:
    """Return minutes of the hour, given as a list of single ones and of ranges that may go over the full hour."""
    if not isinstance(value, list) or not all(isinstance(part, str) and _MINUTES.fullmatch(part) for part in value):
        raise wrong("minutes", value)
    found = set[int]()
    for part in value:
        first, _, last = part.partition("-")
        length = (int(last or first) - int(first)) % 60
        found |= {(int(first) + step) % 60 for step in range(length + 1)}
    return frozenset(found)


def path(value: object) -> Path:
    """Return an absolute path."""
    if not isinstance(value, str | Path) or not Path(value).is_absolute() or hidden_character(str(value)):
        raise wrong("path", value)
    return Path(value)


def domain(value: object) -> str:
    """Return a domain name of two labels or more, in lower case."""
    if not isinstance(value, str) or "." not in value or not _HOST.fullmatch(value.lower()):
        raise wrong("domain", value)
    return value.lower()


def domain_pattern(value: object) -> str:
    """Return a domain name, or `*.` and one for all names below it."""
    star = "*." if isinstance(value, str) and value.startswith("*.") else ""
    return star + domain(value[2:] if star and isinstance(value, str) else value)


def endpoint(value: object) -> Endpoint:
    """Return the host and the port of `HOST:PORT` or `[IPV6]:PORT`."""
    form = _ENDPOINT.fullmatch(value) if isinstance(value, str) else None
    if form is None or not 1 <= int(form["port"]) <= 65535 or not _is_host(form["six"] or form["host"]):
        raise wrong("endpoint", value)
    return form["six"] or form["host"], int(form["port"])


def nameserver(value: object) -> Endpoint:
    """Return the address and the port of a name server; a name would need a name server itself."""
    try:
        host, port = endpoint(value)
    except PydanticCustomError as error:
        raise wrong("nameserver", value) from error
    if not _is_ip(host):
        raise wrong("nameserver", value)
    return host, port


def ip(value: object) -> str:
    """Return an IP address in its usual form."""
    if not isinstance(value, str) or not _is_ip(value):
        raise wrong("ip", value)
    return str(ip_address(value))


def base_url(value: object) -> str:
    """Return `https://HOST[:PORT]`, or `http://` with a host that is this machine; no slash at the end."""
    text = value.rstrip("/") if isinstance(value, str) else ""
    if not _is_safe(text):
        raise wrong("base_url", value)
    return text


def webhook_url(value: object) -> str:
    """Return `https://HOST[:PORT]/PATH`, or `http://` with a host that is this machine, as it was written."""
    text = value if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        origin = ""
    if not text.isascii() or hidden_character(text) or " " in text or "#" in text or not _is_safe(origin):
        raise wrong("webhook", value)
    return text


def mailbox(value: object) -> str:
    """Return a mail address that can be written to."""
    try:
        return canary(value if isinstance(value, str) else "").address
    except ValueError as error:
        raise wrong("mailbox", value, detail=str(error)) from error


def one_mailbox_each(values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a list that names a mailbox twice, however its domain is written."""
    all_different(tuple(canary(value).key for value in values))
    return values


def program(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command: the absolute path of a program and what it is told; nothing means none."""
    if values and not Path(values[0]).is_absolute():
        raise wrong("program", values[0])
    return values


def database_url(value: object) -> str:
    """Return `sqlite:///PATH` with an absolute path."""
    text = value if isinstance(value, str) else ""
    absolute = "/" + text.removeprefix("sqlite:").lstrip("/")
    if not text.startswith("sqlite:///") or absolute == "/" or hidden_character(text) or set("?#") & set(text):
        raise wrong("database", value)
    return f"sqlite://{absolute}"


def pattern(value: object) -> re.Pattern[str]:
    """Return a compiled regular expression."""
    text = words(500)(value)
    try:
        return re.compile(text)
    except re.error as error:
        raise wrong("pattern", value, detail=str(error)) from error


def day(value: object) -> date:
    """Return a day; TOML has days of its own, without quotation marks."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise wrong("day", value)
    return value


def school_code(value: object) -> str:
    """Return a school's code, which is the local part of its address."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise wrong("school_code", value)
    return value


def at_least_one(values: tuple[Item, ...]) -> tuple[Item, ...]:
    """Refuse an empty list."""
    if not values:
        raise wrong("empty_list", "")
    return values


def all_different(values: tuple[Item, ...]) -> tuple[Item, ...]:
    """Refuse a list that names something twice."""
    for place, value in enumerate(values):
        if value in values[:place]:
            raise wrong("twice", written(value))
    return values


def written(value: object) -> object:
    """Return a value as it was written; of the kinds here only an endpoint looks different inside."""
    if isinstance(value, tuple):
        host, port = value
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return value


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    return _is_ip(text) or _HOST.fullmatch(text.lower()) is not None


def _is_here(host: str) -> bool:
    return host == "localhost" or (_is_ip(host) and ip_address(host).is_loopback)


def _is_safe(text: str) -> bool:
    """Tell whether this is `https://HOST[:PORT]`, or `http://` with a host that is this machine."""
    host = _url_host(text)
    return bool(host) and (text.startswith("https://") or _is_here(host))


def _url_host(text: str) -> str:
    """Return the host of `http(s)://HOST[:PORT]`, empty if the text is anything else."""
    try:
        parts = urlsplit(text)
        plain = parts.scheme in ("http", "https") and text == f"{parts.scheme}://{parts.netloc}" and parts.port != 0
    except ValueError:
        return ""
    host = parts.hostname or ""
    return host if plain and "@" not in parts.netloc and _is_host(host) else ""
