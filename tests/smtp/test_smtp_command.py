"""Are commands and content written so that no byte of them can be taken for something else?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.smtp import command
from mailer.smtp.address import parse_address
from mailer.smtp.capabilities import NOTHING, Capabilities, read_capabilities
from mailer.smtp.envelope import Envelope, Fact, ForwardPath, ReversePath, Transaction
from mailer.smtp.reply import Reply, Stage

TO = ForwardPath(parse_address("taro@docomo.example"))
ENVELOPE = Envelope(ReversePath(None), (TO,))


@pytest.mark.parametrize("hostname", ["", "mail example.jp", "mail\r\nMAIL", "例え.jp", "mail\0"])
def test_bad_hostname_is_our_bug(hostname: str) -> None:
    with pytest.raises(ValueError, match="EHLO"):
        command.checked_hostname(hostname)


@pytest.mark.parametrize(
    "content", [b"", b"\r\n.", b"a", b"a\n", b"a\r", b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"\n\r\r\n"]
)
def test_content_with_other_line_ends_is_our_bug(content: bytes) -> None:
    with pytest.raises(ValueError, match="content"):
        Transaction(ENVELOPE, content)


def test_forward_path_is_quoted_unless_told_otherwise() -> None:
    address = parse_address("a..b@docomo.example")
    assert ForwardPath(address).wire() == b'"a..b"@docomo.example'
    assert ForwardPath(address, bare=True).wire() == b"a..b@docomo.example"


def test_envelope_needs_a_forward_path() -> None:
    with pytest.raises(ValueError, match="forward-path"):
        Envelope(ReversePath(None), ())


@pytest.mark.parametrize(
    ("content", "written"),
    [
        (b"\r\n", b"\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"..\r\n.\r\n", b"...\r\n..\r\n.\r\n"),
        (b"a\r\n.b\r\n", b"a\r\n..b\r\n.\r\n"),
        (b"a.\r\n\r\n.\r\n\r\n", b"a.\r\n\r\n..\r\n\r\n.\r\n"),
    ],
)
def test_dots_are_stuffed(content: bytes, written: bytes) -> None:
    assert command.data(content) == written


@given(st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"MAIL FROM:<>"]), min_size=1))
def test_receiver_gets_back_what_was_stuffed(lines: list[bytes]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    received = command.data(content).split(b"\r\n")
    assert received.index(b".") == len(received) - 2
    assert b"".join(line.removeprefix(b".") + b"\r\n" for line in received[:-2]) == content


def test_mail_says_only_what_was_offered() -> None:
    path = ReversePath(parse_address("b-1@mail.example.jp"))
    everything = Capabilities(size=0, eight_bit_mime=True, smtputf8=True)
    eight_bit = "é\r\n".encode()
    assert command.mail(path, eight_bit, True, everything) == (
        b"MAIL FROM:<b-1@mail.example.jp> SIZE=4 BODY=8BITMIME SMTPUTF8\r\n"
    )
    assert command.mail(path, b"e\r\n", False, everything) == b"MAIL FROM:<b-1@mail.example.jp> SIZE=3\r\n"
    assert command.mail(ReversePath(None), b"e\r\n", False, NOTHING) == b"MAIL FROM:<>\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mx\nPIPELINING\nSIZE 100\n8BITMIME", Capabilities(pipelining=True, size=100, eight_bit_mime=True)),
        ("mx\nStartTls\nsmtputf8 x\nChunking", Capabilities(starttls=True, smtputf8=True, chunking=True)),
        ("mx\nENHANCEDSTATUSCODES\n\n \n-", NOTHING),
        ("PIPELINING", NOTHING),
        ("mx\nSIZE", Capabilities(size=0)),
        ("mx\nSIZE 0", Capabilities(size=0)),
        ("mx\nSIZE \u00b2", Capabilities(size=0)),
        ("mx\nSIZE -1", Capabilities(size=0)),
        ("mx\nSIZE " + "9" * 5000, Capabilities(size=0)),
        ("mx\nSIZE " + "9" * 20, Capabilities(size=10**20 - 1)),
        ("mx\nSIZE 5 6", Capabilities(size=0)),
        ("mx\nSIZE 5\nSIZE 7", Capabilities(size=5)),
        ("mx Ok.\nXVERP=Courier\nPIPELINING\n8BITMIME", Capabilities(eight_bit_mime=True)),
        ("", NOTHING),
    ],
)
def test_capabilities(text: str, expected: Capabilities) -> None:
    assert read_capabilities(text) == expected


@given(st.text())
def test_any_text_has_capabilities(text: str) -> None:
    size = read_capabilities("mx\n" + text).size
    assert size is None or size >= 0


@pytest.mark.parametrize(
    ("fact", "accepted"),
    [
        (Fact(TO, Stage.EOD, Reply(250, "")), True),
        (Fact(TO, Stage.RCPT, Reply(250, "")), False),
        (Fact(TO, Stage.EOD, Reply(550, "")), False),
        (Fact(TO, Stage.EOD, None, "timeout", True), False),
        (Fact(TO, Stage.EOD, Reply(250, ""), "garbage"), False),
    ],
)
def test_only_a_good_answer_to_the_end_of_data_is_accepted(fact: Fact, accepted: bool) -> None:
    assert fact.accepted is accepted
    assert not Fact(TO, Stage.RCPT, None).kept_unknown
