"""Does `bounce reading` answer every line, whatever stands on it, and at once?"""

import json

import pytest
from click.testing import CliRunner

from mailer.cli.root import root

QUESTION = {"id": "7", "mx": "mx.example.jp", "stage": "rcpt", "reply": "550 5.1.1 <a@example.jp>... User unknown"}


def answers(stdin: bytes, exit_code: int = 0) -> list[dict[str, object]]:
    """Return what the verb answers; it needs no configuration and says nothing else."""
    result = CliRunner().invoke(root, ["--config", "/none", "bounce", "reading"], input=stdin)
    assert result.exit_code == exit_code, result.output
    assert bool(result.stderr) == bool(exit_code)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_reply_is_read() -> None:
    assert answers(json.dumps(QUESTION).encode()) == [{"id": "7", "kind": "hard", "reason": "address_unknown"}]


def test_the_stage_and_the_host_count() -> None:
    asked = {**QUESTION, "mx": "mfsmax.docomo.ne.jp", "stage": "EOD", "reply": "550 Unknown user a@docomo.ne.jp"}
    assert answers(json.dumps(asked).encode())[0]["reason"] == "recipient_filter"


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b"[" * 60_000,
        b'{"id": 1}',
        b'{"id": 1, "stage": "rcpt", "reply": 550}',
        b'{"id": 1, "stage": "helo", "reply": "550"}',
        b'{"id": 1, "stage": "rcpt", "mx": null, "reply": "550"}',
        b'{"id": ' + b"9" * 5_000 + b"}",
        b'{"reply": "' + b"x" * 200_000 + b'"}',
    ],
)
def test_a_spoilt_line_is_told_and_the_next_is_read(line: bytes) -> None:
    spoilt, good = answers(line + b"\n" + json.dumps(QUESTION).encode() + b"\n", exit_code=1)
    assert spoilt["line"] == 1
    assert (spoilt["kind"], spoilt["reason"]) == ("soft", "unclear")
    assert spoilt["problem"]
    assert good["reason"] == "address_unknown"


def test_what_names_a_question_is_said_again() -> None:
    asked = [{**QUESTION, "id": name} for name in (7, "é\ud800", {"a": 1}, None)]
    stdin = "\n".join(map(json.dumps, asked)).encode()
    assert [answer["id"] for answer in answers(stdin)] == [7, "é\ud800", None, None]


def test_every_line_that_cannot_be_read_is_named_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_LANGUAGE", "en")
    good = json.dumps(QUESTION).encode()
    stdin = b"\n".join((good, b"{", b"", good, b'{"id": 1, "stage": "helo"}', good))
    result = CliRunner().invoke(root, ["--config", "/none", "bounce", "reading"], input=stdin)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[:2] == [
        "line 2: the line is not JSON",
        "line 5: stage must be one of connect, ehlo, starttls, mail, rcpt, data, eod",
    ]
    assert "2 of 5" in result.stderr
    assert [json.loads(line)["reason"] for line in result.stdout.splitlines()].count("address_unknown") == 3


def test_a_reply_that_nobody_knows_is_no_broken_line() -> None:
    asked = {**QUESTION, "reply": "somewhat else"}
    assert answers(json.dumps(asked).encode())[0]["kind"] == "soft"
