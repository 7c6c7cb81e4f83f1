"""Are the reports read rightly that real servers wrote about our own mails?

`real` holds what came back to `tests/acceptance/test_acceptance_bounces.py`, as it came (fictional addresses), and what
each mail says. To keep the reports of other versions, run that test with MIMAMORI_TEST_KEEP_REPORTS=DIRECTORY, and
write down what they say before looking at what is read.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from config.bounces import load_bounces
from mailer.bounce.parse import read

HERE = Path(__file__).parent / "real"
BOOK = load_bounces(Settings.model_validate({}))
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))


def test_each_mail_is_labelled() -> None:
    assert sorted(path.name for path in HERE.glob("*.eml")) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_a_real_report_says_what_it_says(name: str, line_end: bytes) -> None:
    content = (HERE / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", line_end)
    told = [
        {
            "recipient": event.recipient,
            "kind": event.kind.value,
            "reason": event.reason.value,
            "status": event.status,
            "host": event.host,
        }
        for event in read(content, BOOK).events
    ]
    assert told == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_whoever_got_our_mail_quotes_its_reverse_path_or_writes_to_it(name: str) -> None:
    content = (HERE / name).read_bytes()
    mail = read(content, BOOK)
    assert b"\nTo: b-" in content.replace(b"To: <b-", b"To: b-") or any(
        path.startswith("b-") for path in mail.reverse_paths
    )
