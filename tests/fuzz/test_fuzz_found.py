"""Do inputs keep every promise that once broke one?"""

import re

import pytest

from tests.fuzz.mail_targets import REPORTS
from tests.fuzz.probe import memory, probe
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS
from tests.fuzz.typed_targets import HEADER_LINE as HEADER

HTML = b"Content-Type: text/html\n\n"


def many_recipients() -> bytes:
    """Return a report about as many recipients as are read, with much text for people."""
    groups = (
        b"Final-Recipient: rfc822; u%d@b.example\nAction: failed\nStatus: 5.0.0" % number for number in range(200)
    )
    head = b"From: mailer-daemon@a.example\nContent-Type: multipart/report; boundary=b\n\n--b\n\n"
    report = b"--b\nContent-Type: message/delivery-status\n\n" + b"\n\n".join(groups) + b"\n--b--\n"
    return head + b"blah 1234 foo\n" * 4_600 + report


def parts_all_header() -> bytes:
    """Return a mail of as many parts as are read, each one a header of lines in no charset."""
    part = b"--b\n" + b"\xe9\n" * 5_000 + b"\n\nx\n"
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + part * 98 + b"--b--\n"


def parts_in_parts() -> bytes:
    """Return a mail whose words stand a hundred parts deep."""
    content = b"x" * 300_000
    for level in range(99):
        head = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        content = head + content + b"\n--b%d--\n" % level
    return content


def last_day() -> bytes:
    """Return a report about TLS on the last day that Python knows."""
    report = (REPORTS / "google.json").read_bytes()
    return re.sub(rb'("(?:start|end)-datetime": *)"[^"]*"', rb'\1"9999-12-31T23:00:00Z"', report)


FOUND = {
    # Time that grows with the square of the length, or worse.
    "dashes": ("notice", b"Subject: a\n\n" + b"-" * 20_000),
    "dashes and blanks": ("notice", b"Subject: a\n\n" + b"---" + b" -" * 20_000),
    "recipient and blanks": ("shapes", b"Recipient: " + b" " * 20_000 + b"!"),
    "address and blanks": ("shapes", b"  a@b.example" + b" " * 20_000 + b"!"),
    "boundary and blanks": ("mime", b"Content-Type: multipart/mixed\n\n--a" + b" " * 300_000 + b"x"),
    "style that never ends": ("notice", HTML + b"<style>" * 8_000),
    "many recipients, much said": ("returned", many_recipients()),
    "words to leave out": (
        "returned",
        b"From: mailer-daemon@a.example\n\n<a@b.example>: giving up on " + b"a" * 60_000,
    ),
    "semicolons": ("shapes", (b"; " * 90 + b"a" * 200 + b"\n") * 80),
    "parts that are all header": ("mime", parts_all_header()),
    "a host that nobody can see, of a success": (
        "returned",
        b"m\n\nFinal-Recipient:i@e.om\nAction:relayed\n0\nRemote-MTA:\x80",
    ),
    "octets that are no text": ("roster", b"\xd3" * 300_000),
    "blanks in a cell": ("roster", HEADER + b"t-daiichi,1,1," + b" " * 60_000 + b"x,,1001,,,,,1\r\n"),
    # Another answer, depending on the pieces in which it came.
    "bare CR behind a code": ("reply", b"550\ro\n"),
    # Other errors than the documented ones.
    "half a character": ("charset", b"utf-7|+2AA-"),
    "character with thousands of digits": ("notice", HTML + b"&#" + b"9" * 5_000 + b";"),
    "the last hours": ("moment", b"9999-12-31T23:00Z"),
    "the last day": ("report-json", last_day()),
}
#: Memory: an object for each octet that is no letter of base64; each level of parts once more.
TOO_BIG = {
    "no base64 at all": ("mime", b"Content-Transfer-Encoding: base64\n\n" + b">" * 900_000),
    "parts in parts": ("notice", parts_in_parts()),
}


@pytest.mark.parametrize(("name", "content"), FOUND.values(), ids=FOUND)
def test_a_promise_broken_once_is_kept(name: str, content: bytes) -> None:
    assert probe(target(name), content)[1] is None


@pytest.mark.parametrize(("name", "content"), TOO_BIG.values(), ids=TOO_BIG)
def test_memory_is_bounded_where_it_once_was_not(name: str, content: bytes) -> None:
    assert memory(target(name), content)[1] is None


def target(name: str) -> Target:
    """Return the target of a name."""
    return next(target for target in TARGETS if target.name == name)
