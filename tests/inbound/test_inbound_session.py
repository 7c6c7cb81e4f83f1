"""Is port 25 a correct SMTP server for the peers that mean well?"""

import asyncio
import re
import smtplib
from collections.abc import Callable
from errno import EIO, ENOSPC

import pytest

from mailer.net.inbound_doors import Limits
from mailer.net.inbound_policy import Kind, Recipient
from mailer.net.inbound_session import Mail, NotKept
from tests.inbound.port25 import DOMAIN, VERP, Client, Port25

REPLY_WITH_STATUS = re.compile(r"[245]\d\d ([245])\.\d{1,3}\.\d{1,3} [ -~]+")
BOUNCE = f"MAIL FROM:<> SIZE=100\r\nRCPT TO:<{VERP.make(7)}>\r\nDATA\r\n".encode()


async def test_it_offers_what_it_can_in_one_write(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits()):
        client = await port25.connect()
        await client.say("EHLO peer.example")
        assert (await client.reader.read(4096)).decode().split("\r\n") == [
            f"250-{DOMAIN}",
            "250-PIPELINING",
            "250-SIZE 10485760",
            "250-8BITMIME",
            "250-SMTPUTF8",
            "250 ENHANCEDSTATUSCODES",
            "",
        ]


async def test_a_mail_is_taken_with_its_trace_and_its_queue_item(port25: Port25, peer: Client) -> None:
    await peer.send(BOUNCE)
    assert [await peer.reply() for _ in range(3)] == [
        "250 2.1.0 Ok",
        "250 2.1.5 Ok",
        "354 End with CRLF.CRLF",
    ]
    assert await peer.ask("Subject: x", "", "..a", ".") == "250 2.0.0 Ok: kept as M1"
    assert await peer.ask("QUIT") == "221 2.0.0 Bye"
    assert await peer.rest() == b""
    mail, content = port25.mails[0]
    assert (mail.reverse_path, mail.recipients, mail.peer) == (
        "",
        (Recipient(VERP.make(7), Kind.BOUNCE, 7),),
        "127.0.0.1",
    )
    assert content == b"Subject: x\r\n\r\n.a\r\n"
    assert mail.trace.decode() == (
        "Return-Path: <>\r\n"
        "Received: from peer.example ([127.0.0.1])\r\n"
        f"\tby {DOMAIN} with ESMTP;\r\n"
        "\tFri, 10 Apr 2026 06:00:00 +0000\r\n"
    )


async def test_two_mails_ride_in_one_flight(port25: Port25, peer: Client) -> None:
    await peer.send(BOUNCE)
    await asyncio.gather(*(peer.reply() for _ in range(1)))
    assert [await peer.reply() for _ in range(2)][1].startswith("354")
    await peer.send(b"one\r\n.\r\n" + BOUNCE)
    replies = [await peer.reply() for _ in range(4)]
    assert [reply[:3] for reply in replies] == ["250", "250", "250", "354"]
    assert await peer.ask("two", ".") == "250 2.0.0 Ok: kept as M2"
    assert [content for _, content in port25.mails] == [b"one\r\n", b"two\r\n"]


def say_with_smtplib(port: int) -> dict[str, tuple[int, bytes]]:
    """Hand one mail over with the standard library; return the refused recipients."""
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
        smtp.ehlo("peer.example")
        assert smtp.has_extn("SMTPUTF8")
        recipients = [f"abuse@{DOMAIN}", "victim@evil.example", f"T-Daiichi@{DOMAIN}"]
        return smtp.sendmail("保護者@example.jp", recipients, "Subject: 件名\r\n\r\n本文\r\n".encode(), ["SMTPUTF8"])


async def test_the_standard_library_hands_over_a_mail(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits()):
        refused = await asyncio.to_thread(say_with_smtplib, port25.port)
    assert refused == {"victim@evil.example": (550, b"5.7.1 Relaying denied")}
    mail, content = port25.mails[0]
    assert mail.reverse_path == "保護者@example.jp"
    assert [each.forward_path for each in mail.recipients] == [f"abuse@{DOMAIN}", f"T-Daiichi@{DOMAIN}"]
    assert content == "Subject: 件名\r\n\r\n本文\r\n".encode()


async def test_the_same_recipient_twice_is_one_recipient(port25: Port25, peer: Client) -> None:
    await peer.ask("MAIL FROM:<a@b.example>")
    for address in (f"abuse@{DOMAIN}", f"ABUSE@{DOMAIN.upper()}"):
        assert await peer.ask(f"RCPT TO:<{address}>") == "250 2.1.5 Ok"
    await peer.ask("DATA")
    await peer.ask("x", ".")
    assert len(port25.mails[0][0].recipients) == 1


async def test_a_small_and_a_spooled_mail_are_kept_whole(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(spool=1000)):
        client = await port25.hello()
        for size in (10, 300_000):
            await client.send(BOUNCE)
            assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
            await client.send(b"\r\n" * size + b"end\r\n.\r\n")
            assert (await client.reply()).startswith("250 2.0.0 Ok")
    assert [len(content) for _, content in port25.mails] == [25, 600_005]


async def test_it_says_250_only_after_the_mail_was_taken(port25: Port25, peer: Client) -> None:
    taken = asyncio.Event()

    async def slow(mail: Mail) -> str:
        await taken.wait()
        return "M9"

    port25.take = slow
    await peer.send(BOUNCE)
    assert [(await peer.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
    await peer.say("x", ".")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(peer.reader.readline(), 0.1)
    taken.set()
    assert await peer.reply() == "250 2.0.0 Ok: kept as M9"


async def test_without_room_the_peer_hears_so(port25: Port25, peer: Client) -> None:
    async def full(mail: Mail) -> str:
        raise NotKept(no_room=True)

    port25.take = full
    await peer.send(BOUNCE)
    assert [(await peer.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
    assert await peer.ask("x", ".") == "452 4.3.1 No room now, try again later"


@pytest.mark.parametrize(
    "error",
    [
        NotKept(no_room=False),
        RuntimeError("x\r\n250 2.0.0 Ok"),
        TimeoutError("名前"),
    ],
)
async def test_a_fault_of_ours_is_temporary_and_shows_no_text(port25: Port25, peer: Client, error: Exception) -> None:
    async def failing(mail: Mail) -> str:
        raise error

    port25.take = failing
    await peer.send(BOUNCE)
    assert [(await peer.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
    assert await peer.ask("x", ".") == "451 4.3.0 A fault of ours, try again later"
    assert await peer.ask("NOOP") == "250 2.0.0 Ok"


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (OSError(ENOSPC, "No space left on device"), "452 4.3.1 No room now, try again later"),
        (OSError(EIO, "Input/output error"), "451 4.3.0 A fault of ours, try again later"),
    ],
)
async def test_a_disk_that_fails_while_spooling_is_told_after_the_final_dot(
    port25: Port25, limits: Callable[..., Limits], monkeypatch: pytest.MonkeyPatch, error: OSError, reply: str
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", fails)
    async with port25.open(limits(spool=10)):
        client = await port25.hello()
        await client.send(BOUNCE)
        assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        assert await client.ask("x" * 100, ".") == reply
    assert not port25.mails


@pytest.mark.parametrize(
    ("dialogue", "reply"),
    [
        (["MAIL FROM:<>", "MAIL FROM:<>"], "503 5.5.1 A mail is under way already"),
        (["RCPT TO:<postmaster>"], "503 5.5.1 Say MAIL first"),
        (["DATA"], "503 5.5.1 No valid recipients"),
        (["MAIL FROM:<>", "DATA"], "503 5.5.1 No valid recipients"),
        (["MAIL FROM:<>", "RCPT TO:<>"], "501 5.1.3 An address is needed"),
        (["MAIL FROM:<>", "RCPT TO:<postmaster> NOTIFY=OFTEN"], "501 5.5.4 Syntax error in NOTIFY"),
        (["MAIL FROM:<postmaster>"], "553 5.1.7 That is not an address"),
        (["MAIL FROM:<a@b.example> SIZE=10485761"], "552 5.3.4 At most 10485760 octets"),
        (["MAIL FROM:<a@b.example> SIZE=" + "9" * 900], "552 5.3.4 At most 10485760 octets"),
        (["MAIL FROM:<a@b.example> SIZE=²"], "555 5.5.4 Parameters not recognised"),
        (["MAIL FROM:<a@b.example> BODY=BINARYMIME"], "555 5.5.4 Parameters not recognised"),
        (["MAIL FROM:<名前@b.example>"], "553 5.6.7 A non-ASCII address needs SMTPUTF8"),
        (["MAIL FROM:<名前@b.example> SMTPUTF8"], "250 2.1.0 Ok"),
        (["MAIL FROM:<"], "501 5.5.4 Syntax: FROM:<address>"),
        (["MAIL"], "501 5.5.4 Syntax: FROM:<address>"),
        (["VRFY t-daiichi"], "252 2.0.0 Send mail and see"),
        (["EXPN all"], "502 5.5.1 Command not implemented"),
        (["AUTH PLAIN AGEAYg=="], "502 5.5.1 Command not implemented"),
        (["STARTTLS"], "502 5.5.1 Command not implemented"),
        (["BDAT 5 LAST"], "500 5.5.1 Command not recognised"),
        (["EHLO"], "501 5.5.4 Say your name"),
        (["MAIL FROM:<>", "RSET", "RCPT TO:<postmaster>"], "503 5.5.1 Say MAIL first"),
        (["x" * 2000], "500 5.5.2 Line too long"),
        ([""], "500 5.5.2 Command not recognised"),
    ],
)
async def test_the_order_of_commands_and_their_words(peer: Client, dialogue: list[str], reply: str) -> None:
    replies = [await peer.ask(line) for line in dialogue]
    assert replies[-1] == reply
    assert all(REPLY_WITH_STATUS.fullmatch(line) and line[0] == line[4] for line in replies)


@pytest.mark.parametrize("odd", [b"\xff", b"\xed\xa0\x80", b"\0", b"\xc2\x85", b"\xe2\x80\xa8"])
async def test_a_path_that_no_store_could_keep_is_no_command(peer: Client, odd: bytes) -> None:
    assert (await peer.ask(b"MAIL FROM:<a" + odd + b"@b.example> SMTPUTF8")).startswith("500 5.5.2 ")


async def test_nothing_is_taken_before_a_greeting(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits()):
        client = await port25.connect()
        assert await client.ask("MAIL FROM:<>") == "503 5.5.1 Say EHLO first"
        assert await client.ask("HELO peer.example") == f"250 {DOMAIN}"
        assert await client.ask("MAIL FROM:<>") == "250 2.1.0 Ok"


async def test_a_mail_over_the_size_is_refused_and_the_session_stays_in_step(
    port25: Port25, limits: Callable[..., Limits]
) -> None:
    async with port25.open(limits(size=1000)):
        client = await port25.hello()
        await client.send(BOUNCE)
        assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        await client.send(b"x" * 1500 + b"\r\n.\r\n")
        assert await client.reply() == "552 5.3.4 At most 1000 octets"
        assert await client.ask("NOOP") == "250 2.0.0 Ok"
    assert not port25.mails


async def test_words_about_reports_are_kept_above_the_mail(port25: Port25, peer: Client) -> None:
    assert "DSN" not in await peer.ask("EHLO peer.example")
    assert await peer.ask("MAIL FROM:<a@b.example> RET=hdrs ENVID=QQ+2B314159") == "250 2.1.0 Ok"
    words = "NOTIFY=SUCCESS,DELAY ORCPT=rfc822;postmaster@x.example"
    assert await peer.ask(f"RCPT TO:<postmaster> {words}") == "250 2.1.5 Ok"
    assert await peer.ask(f"RCPT TO:<abuse@{DOMAIN}>") == "250 2.1.5 Ok"
    await peer.ask("DATA")
    assert (await peer.ask("x", ".")).startswith("250")
    trace = port25.mails[0][0].trace.decode()
    assert trace.endswith(f"X-DSN: RET=hdrs ENVID=QQ+2B314159\r\nX-DSN: <postmaster> {words}\r\n")


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("MAIL FROM:<> RET=ALL", "501 5.5.4 Syntax error in RET"),
        ("MAIL FROM:<> ENVID=", "501 5.5.4 Syntax error in parameters"),
        ("MAIL FROM:<> ENVID=a+2b", "501 5.5.4 Syntax error in ENVID"),
        (f"MAIL FROM:<> ENVID={'x' * 101}", "501 5.5.4 Syntax error in ENVID"),
        ("MAIL FROM:<> NOTIFY=NEVER", "555 5.5.4 Parameters not recognised"),
        ("RCPT TO:<postmaster> NOTIFY=NEVER,DELAY", "501 5.5.4 Syntax error in NOTIFY"),
        ("RCPT TO:<postmaster> ORCPT=postmaster", "501 5.5.4 Syntax error in ORCPT"),
        ("RCPT TO:<postmaster> RET=FULL", "555 5.5.4 Parameters not recognised"),
    ],
)
async def test_words_about_reports_are_checked(peer: Client, command: str, reply: str) -> None:
    if command.startswith("RCPT"):
        await peer.ask("MAIL FROM:<>")
    assert await peer.ask(command) == reply
