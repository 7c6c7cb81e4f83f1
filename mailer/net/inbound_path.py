"""What does the argument of MAIL or RCPT say?

The grammar of RFC 5321 §4.1.2, wider in one place: dots may stand anywhere in a local part, because Japanese carriers
gave out `a..b@` and `abc.@`. A source route is read and dropped (RFC 5321 §3.3). Nothing is folded.

Raises `PathError`, whose `reply` may be sent as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_ARGUMENT = re.compile(r"<(?P<path>(?:\"(?:[^\"\\]|\\.)*\"|[^<>\"])*)>(?P<params>(?: +\S+)*) *")
_ROUTE = re.compile(r"@[^,:<>\"]+(?:,@[^,:<>\"]+)*:")
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u0080-\U0010ffff]"
_QUOTED = r'"(?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*"'
_LABEL = r"[A-Za-z0-9_\u0080-\U0010ffff](?:[A-Za-z0-9_\-\u0080-\U0010ffff]*[A-Za-z0-9_\u0080-\U0010ffff])?"
_MAILBOX = re.compile(
    rf"(?P<local>{_ATEXT}{{1,64}}|{_QUOTED})@(?P<domain>{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Za-z:.\-]{{1,64}}\])"
)
_PARAMETER = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9\-]*)(?:=(?P<value>[!-<>-~\u0080-\U0010ffff]+))?")
LONGEST_PATH = 254


class PathError(Exception):
    """An argument of MAIL or RCPT is not what it should be; `reply` is the whole reply line."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Path:
    """A path as it was typed: `local` with its quotes; `domain` is empty for `<>` and for `<postmaster>`."""

    local: str
    domain: str

    @property
    def text(self) -> str:
        """The address, or the empty text for the null reverse-path."""
        return f"{self.local}@{self.domain}" if self.domain else self.local


def read_argument(keyword: str, argument: str) -> tuple[Path, Mapping[str, str]]:
    """Return the path and the parameters (names in capitals) of `FROM:<path> NAME=VALUE …`."""
    head, rest = argument[: len(keyword)], argument[len(keyword) :].lstrip(" ")
    found = _ARGUMENT.fullmatch(rest)
    if head.upper() != keyword or found is None:
        raise PathError(f"501 5.5.4 Syntax: {keyword}<address>")
    return _path(found["path"]), _parameters(found["params"])


def _path(text: str) -> Path:
    route = _ROUTE.match(text)
    without_route = text if route is None else text[route.end() :]
    if without_route == "" or without_route.lower() == "postmaster":
        return Path(without_route, "")
    found = _MAILBOX.fullmatch(without_route)
    if found is None or len(without_route) > LONGEST_PATH:
        raise PathError("553 5.1.3 That is not an address")
    return Path(found["local"], found["domain"])


def _parameters(text: str) -> Mapping[str, str]:
    found = [_PARAMETER.fullmatch(word) for word in text.split()]
    given = {each["name"].upper(): each["value"] or "" for each in found if each is not None}
    if len(given) != len(found):
        raise PathError("501 5.5.4 Syntax error in parameters")
    return given
