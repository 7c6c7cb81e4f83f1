"""Do inputs keep every promise that once broke one?"""

import pytest

from tests.fuzz.probe import memory, probe
from tests.fuzz.targets import TARGETS

FOUND = {
    "half a character": ("charset", b"utf-7|+2AA-"),
    # Time that grows with the square of the length, or worse.
    "dashes": ("notice", b"Subject: a\n\n" + b"-" * 20_000),
    "dashes and blanks": ("notice", b"Subject: a\n\n" + b"---" + b" -" * 20_000),
    "recipient and blanks": ("shapes", b"Recipient: " + b" " * 20_000 + b"!"),
    "address and blanks": ("shapes", b"  a@b.example" + b" " * 20_000 + b"!"),
    "boundary and blanks": ("mime", b"Content-Type: multipart/mixed\n\n--a" + b" " * 300_000 + b"x"),
    "semicolons": ("shapes", (b"; " * 90 + b"a" * 200 + b"\n") * 80),
}


@pytest.mark.parametrize(("name", "content"), FOUND.values(), ids=FOUND)
def test_a_promise_broken_once_is_kept(name: str, content: bytes) -> None:
    target = next(target for target in TARGETS if target.name == name)
    assert probe(target, content)[1] is None
    assert memory(target, content)[1] is None
