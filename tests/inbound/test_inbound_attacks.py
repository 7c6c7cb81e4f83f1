"""Does port 25 withstand the peers that mean ill?"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.net.inbound_doors import Limits
from mailer.net.inbound_session import Mail
from tests.inbound.port25 import DOMAIN, VERP, Client, Port25, until

BOUNCE = f"MAIL FROM:<>\r\nRCPT TO:<{VERP.make(7)}>\r\nDATA\r\n".encode()
SECOND = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<postmaster>\r\nDATA\r\nsmuggled\r\n.\r\n"
RELAYS = [
    "<victim@evil.example>",
    '<"victim@evil.example">',
    "<victim%evil.example>",
    f"<victim%evil.example@{DOMAIN}>",
    f'<"victim@evil.example"@{DOMAIN}>',
    f'<"victim%evil.example"@{DOMAIN}>',
    f"<@{DOMAIN}:victim@evil.example>",
    f'<@{DOMAIN}:"victim@evil.example">',
    f"<@evil.example,@{DOMAIN}:victim@other.example>",
    f"<evil.example!victim@{DOMAIN}>",
    "<evil.example!victim>",
    f"<victim@evil.example@{DOMAIN}>",
    "<victim@[192.0.2.1]>",
    f"<postmaster@{DOMAIN}.evil.example>",
    f"<victim@{DOMAIN}@evil.example>",
]


async def begin_data(client: Client) -> None:
    """Bring a session to the point where content is expected."""
    await client.send(BOUNCE)
    assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]


async def drips(client: Client, byte: bytes) -> float:
    """Send a byte every 20 ms and return the seconds until the other side has had enough."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with suppress(ConnectionError):
        while loop.time() < began + 10 and not client.reader.at_eof():
            await client.send(byte)
            await asyncio.sleep(0.02)
    return loop.time() - began


async def pours(client: Client) -> int:
    """Send without an end and return the octets sent until the other side has had enough."""
    sent = 0
    with suppress(ConnectionError):
        while sent < 100_000_000:
            await client.send(b"x" * 65536)
            sent += 65536
            await asyncio.sleep(0)
    return sent


@pytest.mark.parametrize("false_end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n\x00.\r\n"])
async def test_a_smuggled_mail_is_part_of_the_first(port25: Port25, peer: Client, false_end: bytes) -> None:
    await begin_data(peer)
    await peer.send(b"first" + false_end + SECOND)
    assert await peer.reply() == "250 2.0.0 Ok: kept as M1"
    assert await peer.ask("NOOP") == "250 2.0.0 Ok"
    assert len(port25.mails) == 1
    assert b"\r\nsmuggled\r\n" in port25.mails[0][1]


@pytest.mark.parametrize("sender", ["<>", "<a@b.example>", f"<t-daiichi@{DOMAIN}>"])
async def test_no_spelling_opens_a_relay(port25: Port25, limits: Callable[..., Limits], sender: str) -> None:
    async with port25.open(limits(faults=100)):
        client = await port25.hello()
        assert await client.ask(f"MAIL FROM:{sender}") == "250 2.1.0 Ok"
        replies = [await client.ask(f"RCPT TO:{address}") for address in RELAYS]
    assert [reply for reply in replies if not reply.startswith("55")] == []
    assert replies[0] == "550 5.7.1 Relaying denied"


async def test_who_talks_before_the_greeting_is_cut(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(greeting_seconds=1)):
        client = await port25.connect(greeted=False)
        await client.send(b"EHLO x\r\n" + BOUNCE + b"x\r\n.\r\n")
        assert (await client.rest()).startswith((b"554 5.5.0", b""))
    assert not port25.mails


@pytest.mark.parametrize("flight", [b"EHLO x\r\n" + BOUNCE, b"EHLO x\r\nNOOP\r\n", b"HELO x\r\nQUIT\r\n"])
async def test_who_does_not_wait_for_the_greetings_answer_is_cut(
    port25: Port25, limits: Callable[..., Limits], flight: bytes
) -> None:
    async with port25.open(limits()):
        client = await port25.connect()
        await client.send(flight)
        assert b"354" not in await client.rest()


async def test_content_before_the_354_is_cut(port25: Port25, peer: Client) -> None:
    await peer.send(BOUNCE + b"content\r\n.\r\n")
    assert b"554 5.5.0 You talked before my reply\r\n" in await peer.rest()
    assert not port25.mails


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\n", b"POST / x\r\n"]
)
async def test_what_is_not_smtp_is_cut_at_once(port25: Port25, limits: Callable[..., Limits], first: bytes) -> None:
    async with port25.open(limits()):
        client = await port25.connect()
        await client.send(first)
        assert (await client.rest()).startswith(b"500 5.5.2")


@pytest.mark.parametrize(
    ("command", "at_most"),
    [(b"BOGUS\r\n", 20), (b"\r\n", 20), (b"NOOP\r\n", 101), (b"RSET\r\n", 101), (b"a\0b\r\n", 20)],
)
async def test_a_flood_of_commands_is_cut_with_421(peer: Client, command: bytes, at_most: int) -> None:
    await peer.send(command * 300)
    replies = (await peer.rest()).decode().splitlines()
    assert replies[-1].startswith("421 4.7.0")
    assert len(replies) <= at_most + 1


async def test_naming_one_recipient_for_ever_is_cut(peer: Client) -> None:
    await peer.ask("MAIL FROM:<>")
    await peer.say(*["RCPT TO:<postmaster>"] * 300)
    replies = (await peer.rest()).decode().splitlines()
    assert replies[-1] == "421 4.7.0 Too many commands without mail"
    assert len(replies) <= 102


async def test_harvesting_is_cut(peer: Client) -> None:
    await peer.ask("MAIL FROM:<>")
    await peer.say(*(f"RCPT TO:<guess{number}@{DOMAIN}>" for number in range(100)))
    replies = (await peer.rest()).decode().splitlines()
    assert replies[:-1] == ["550 5.1.1 No such address here"] * 20
    assert replies[-1] == "421 4.7.0 Too many faults"


async def test_more_than_a_hundred_recipients_are_told_to_come_later(
    port25: Port25, limits: Callable[..., Limits]
) -> None:
    async with port25.open(limits()):
        client = await port25.hello()
        await client.ask("MAIL FROM:<>")
        await client.say(*(f"RCPT TO:<{VERP.make(number)}>" for number in range(110)))
        replies = [await client.reply() for _ in range(110)]
        assert await client.ask("DATA") == "354 End with CRLF.CRLF"
        assert (await client.ask("x", ".")).startswith("250")
    assert replies == ["250 2.1.5 Ok"] * 100 + ["452 4.5.3 Too many recipients"] * 10
    assert len(port25.mails[0][0].recipients) == 100


async def test_a_session_ends_after_so_many_mails(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(transactions=2)):
        client = await port25.hello()
        for _ in range(2):
            await begin_data(client)
            await client.ask("x", ".")
        await client.send(BOUNCE)
        assert (await client.rest()).startswith(b"421 4.7.0 Enough")


async def test_without_room_mail_is_told_to_come_later_and_taken_when_there_is_room(
    port25: Port25, peer: Client
) -> None:
    port25.has_room = False
    assert await peer.ask("MAIL FROM:<>") == "452 4.3.1 No room now, try again later"
    port25.has_room = True
    await begin_data(peer)
    assert (await peer.ask("x", ".")).startswith("250")


async def test_who_asks_for_ever_whether_there_is_room_is_cut(port25: Port25, peer: Client) -> None:
    port25.has_room = False
    await peer.send(b"MAIL FROM:<>\r\n" * 150)
    replies = (await peer.rest()).splitlines()
    assert (len(replies), replies[-1][:9]) == (100, b"421 4.7.0")


async def test_many_mails_at_once_wait_on_disk(port25: Port25, limits: Callable[..., Limits], tmp_path: Path) -> None:
    async with port25.open(limits(spools=1)):
        first, second = await port25.hello(), await port25.hello()
        for client in (first, second):
            await begin_data(client)
            await client.say("x" * 1000)
        assert (await second.ask(".")).startswith("250")
        assert (await first.ask(".")).startswith("250")
    assert [content for _, content in port25.mails] == [b"x" * 1000 + b"\r\n"] * 2


async def test_one_address_cannot_take_all_the_room(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(connections_per_address=3)):
        held = [await port25.connect() for _ in range(3)]
        fourth = await port25.connect(greeted=False)
        assert (await fourth.rest()).startswith(b"421 4.7.0")
        assert await held[0].ask("QUIT") == "221 2.0.0 Bye"
        await held[0].rest()
        await asyncio.sleep(0.05)
        await port25.connect()


async def holds_a_place(port25: Port25, source: str, inside: list[str]) -> None:
    """Keep a session alive without any mail, and come again when it is ended."""
    while True:
        client = await port25.connect(greeted=False, source=source)
        with suppress(ConnectionError):
            while (reply := await client.reply()).startswith("2"):
                inside += [source] if reply.startswith("220") else []
                await asyncio.sleep(0.2)
                await client.say("NOOP")
        await client.close()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("network", ["127.0.9.{}", "127.0.{}.9"])
async def test_who_holds_all_the_room_without_mail_makes_way_for_others(
    port25: Port25, limits: Callable[..., Limits], network: str
) -> None:
    inside: list[str] = []
    async with port25.open(limits(connections=100, connections_per_address=4)):
        sources = [network.format(number) for number in range(1, 26)] * 4
        attack = [asyncio.create_task(holds_a_place(port25, source, inside)) for source in sources]
        await until(lambda: len(inside) == 100)
        async with asyncio.timeout(5):
            for host in range(10):
                client = await port25.connect(source=f"127.0.200.{1 + host}")
                await asyncio.sleep(0.1)
                await client.ask("EHLO peer.example")
                await begin_data(client)
                assert (await client.ask("x", ".")).startswith("250")
                assert (await client.ask("QUIT")).startswith("221")
        for task in attack:
            task.cancel()
    assert len(port25.mails) == 10


async def test_who_is_handing_over_a_mail_makes_way_for_nobody(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(connections=3, connections_per_address=3)):
        idle, busy, last = [await port25.hello() for _ in range(3)]
        await begin_data(busy)
        assert (await (await port25.connect(source="127.0.1.1")).ask("NOOP")).startswith("250")
        assert (await idle.rest()) == b"421 4.7.0 Others wait for your place, and you have brought no mail lately\r\n"
        turned_away = await port25.connect(greeted=False, source="127.0.1.1")
        assert (await turned_away.rest()).startswith(b"421 4.7.0")
        assert (await busy.ask("x", ".")).startswith("250 2.0.0")
        assert (await last.ask("NOOP")).startswith("250")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_ipv4_peers_of_a_socket_for_both_families_are_told_apart(
    port25: Port25, limits: Callable[..., Limits]
) -> None:
    both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    async with port25.open(limits(connections_per_address=1), both):
        await port25.connect()
        client = await port25.connect(source="127.0.0.2")
        await client.ask("EHLO peer.example")
        await begin_data(client)
        await client.ask("x", ".")
        mail, _ = port25.mails[0]
        assert mail.peer == "127.0.0.2"
        assert b" ([127.0.0.2])" in mail.trace


@pytest.mark.parametrize("sent", [b"", b"EHLO x", b"EHLO peer.example\r\nMAIL"])
async def test_an_idle_peer_and_a_half_line_are_cut_with_421(
    port25: Port25, limits: Callable[..., Limits], sent: bytes
) -> None:
    async with port25.open(limits(seconds=0.2)):
        client = await port25.connect()
        await client.send(sent)
        assert (await client.rest()).splitlines()[-1] in (
            b"421 4.4.2 Too slow, closing",
            b"554 5.5.0 You talked before my reply",
        )


async def test_a_peer_who_drips_a_command_gets_no_more_time(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(seconds=0.3)):
        client = await port25.connect()
        assert await drips(client, b"N") < 1


async def test_a_peer_who_drips_the_content_is_cut(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(seconds=0.3)):
        client = await port25.hello()
        await begin_data(client)
        assert await drips(client, b"x") < 1
    assert not port25.mails


async def test_a_peer_who_falls_silent_after_much_content_is_cut(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(seconds=0.3)):
        client = await port25.hello()
        await begin_data(client)
        await client.send(b"x" * 500_000)
        assert await client.rest() == b"421 4.4.2 Too slow, closing\r\n"


async def test_a_slow_but_steady_content_is_taken(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(seconds=0.5, rate=1000)):
        client = await port25.hello()
        await begin_data(client)
        for _ in range(8):
            await client.send(b"x" * 198 + b"\r\n")
            await asyncio.sleep(0.09)
        assert (await client.ask(".")).startswith("250")


async def test_in_a_crowd_a_peer_who_lets_his_mail_drip_is_cut(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(seconds=0.5, stress_seconds=0.5, rate=10, stress_rate=1000, connections=2)):
        client = await port25.hello()
        await begin_data(client)
        dripping = asyncio.create_task(drips(client, b"x"))
        other = await port25.hello()  # and most places are taken
        while not dripping.done():
            await other.ask("NOOP")
            await asyncio.wait([dripping], timeout=0.1)
        assert dripping.result() < 3


async def test_a_peer_who_never_reads_is_dropped(port25: Port25, limits: Callable[..., Limits]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)  # by itself the kernel takes megabytes for him
    async with port25.open(limits(seconds=0.3, idle_commands=10**9), listener):
        client = await port25.connect()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can pause

        async def flood() -> None:
            while True:
                await client.send(b"EHLO x\r\n" * 1000)  # long answers fill the buffers between us soon

        flooding = asyncio.create_task(flood())
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(flooding, 10)


async def test_a_session_that_lasts_too_long_is_ended(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(session_seconds=0.3)):
        client = await port25.connect()
        assert await client.ask("NOOP") == "250 2.0.0 Ok"
        assert await client.rest() == b"421 4.4.2 This session has lasted too long\r\n"


async def test_a_line_or_mail_without_an_end_takes_no_memory(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits(size=100_000)):
        endless = await port25.connect()
        assert await pours(endless) < 1_000_000
        client = await port25.hello()
        await begin_data(client)
        assert await pours(client) < 4_000_000
    assert not port25.mails


async def test_a_peer_who_leaves_during_the_store_does_not_stop_it(port25: Port25, peer: Client) -> None:
    begun, done = asyncio.Event(), asyncio.Event()
    stored: list[bytes] = []

    async def slow(mail: Mail) -> str:
        begun.set()
        await asyncio.sleep(0.1)
        stored.append(mail.content())
        done.set()
        return "M1"

    port25.take = slow
    await begin_data(peer)
    await peer.say("x", ".")
    await begun.wait()
    peer.writer.transport.abort()
    async with asyncio.timeout(5):
        await done.wait()
    assert stored == [b"x\r\n"]


async def test_a_mail_cut_off_before_its_dot_is_not_taken(port25: Port25, peer: Client) -> None:
    await begin_data(peer)
    await peer.send(b"half a mail\r\n")
    peer.writer.write_eof()
    assert await peer.rest() == b""
    assert not port25.mails


async def test_a_half_closed_peer_still_hears_that_his_mail_was_kept(port25: Port25, peer: Client) -> None:
    await begin_data(peer)
    await peer.say("x", ".")
    peer.writer.write_eof()
    assert await peer.rest() == b"250 2.0.0 Ok: kept as M1\r\n"


async def test_closing_lets_the_mail_under_way_end(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits()) as inbound:
        idle, sending = await port25.hello(), await port25.hello()
        await begin_data(sending)
        await sending.say("x")
        closing = asyncio.create_task(inbound.close(5))
        assert (await idle.rest()).startswith(b"421 4.3.2")
        assert (await sending.ask(".")).startswith("250 2.0.0")
        assert (await sending.rest()).startswith(b"421 4.3.2")
        await closing


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.binary(max_size=60), max_size=15))
def test_odd_bytes_get_clean_replies(port25: Port25, limits: Callable[..., Limits], lines: list[bytes]) -> None:
    async def talk() -> bytes:
        async with port25.open(limits()):
            client = await port25.connect()
            words = [os.fsencode(word) for word in ("", "MAIL FROM:", "RCPT TO:<", "EHLO ", "VRFY ")]
            await client.say(*(words[len(line) % 5] + line for line in lines), "QUIT")
            return await client.rest()

    said = asyncio.run(talk())
    assert all(byte in b"\r\n" or 32 <= byte < 127 for byte in said)
    assert b"Error" not in said


async def test_the_log_names_no_address_and_no_control(
    port25: Port25, limits: Callable[..., Limits], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with port25.open(limits()):
            client = await port25.hello()
            await client.ask("MAIL FROM:<sender@b.example>")
            await client.ask(b"RCPT TO:<\x1b[2Jx@y.example>")
            await client.ask("RCPT TO:<guardian@docomo.ne.jp>")
            await client.ask("QUIT")
    ours = [record for record in caplog.records if record.name.startswith("mailer.")]
    assert all(record.getMessage().isprintable() for record in ours)
    assert not [record for record in caplog.records if record.name == "mail.log"]
    assert any("NOQUEUE: reject: RCPT from unknown[127.0.0.1]: 550 5.7.1" in record.getMessage() for record in ours)
