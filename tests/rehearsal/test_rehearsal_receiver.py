"""Does a simulated receiver hold its own on a real socket, against clients that are not ours?"""

import asyncio
import contextlib
import json
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from mailer.clock import system_clock
from mailer.rehearsal.certificate import server_context
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.ledger import Journal, Ledger, Mail
from mailer.rehearsal.moods import Mood
from mailer.rehearsal.ports import PortTaken
from mailer.rehearsal.receiver import Receiver, Surroundings

HOST = "127.0.88.1"
FROM = "b-1@mail.example"
Result = TypeVar("Result")


@contextlib.asynccontextmanager
async def receiving(mood: Mood, journal: Journal | None = None, **more: object) -> AsyncIterator[tuple[Receiver, int]]:
    surroundings = Surroundings(system_clock, **more)  # type: ignore[arg-type]  # the fields by name
    receiver = Receiver(Desk("docomo", mood, Ledger("docomo", journal, keep=None)), surroundings)
    port = await receiver.listen([HOST, "127.0.88.2"], 0)
    try:
        yield receiver, port
    finally:
        await receiver.stop()


async def with_smtplib(port: int, talk: Callable[[smtplib.SMTP], Result]) -> Result:
    """Let Python's own client talk, in a thread."""

    def run() -> Result:
        with smtplib.SMTP(HOST, port, local_hostname="me.example", timeout=5) as client:
            return talk(client)

    return await asyncio.to_thread(run)


def send(address: str) -> Callable[[smtplib.SMTP], object]:
    return lambda client: client.sendmail(FROM, [address], b"Subject: x\r\n\r\n.dot\r\nhello\r\n")


async def test_python_s_own_client_gets_its_mail_through() -> None:
    told: list[tuple[Mail, bytes]] = []
    async with receiving(Mood(), on_kept=(lambda mail, content: told.append((mail, content)),)) as (receiver, port):
        await with_smtplib(port, send("a@docomo.ne.jp"))
        ledger = receiver.desk.ledger
        assert [mail.recipients for mail in ledger.answered] == [("a@docomo.ne.jp",)]
        assert told == list(ledger.contents)
        assert told[0][1] == b"Subject: x\r\n\r\n.dot\r\nhello\r\n"
        await until(lambda: ledger.counters.connections == 0)
        assert (ledger.counters.sessions, ledger.counters.most_messages) == (1, 1)


async def test_tls_works_and_is_noted() -> None:
    tls = server_context(["mx.example", "mx2.example"], system_clock())
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE

    def talk(client: smtplib.SMTP) -> None:
        client.starttls(context=trusting)
        client.ehlo()
        assert not client.has_extn("starttls")
        for _ in range(3):
            send("a@docomo.ne.jp")(client)

    async with receiving(Mood(starttls=True), tls=tls) as (receiver, port):
        await with_smtplib(port, talk)
        assert [mail.tls for mail in receiver.desk.ledger.answered] == [True] * 3
        assert receiver.desk.ledger.counters.tls_sessions == 1


async def test_a_reset_is_a_reset() -> None:
    async with receiving(Mood()) as (receiver, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        await reader.readline()
        writer.write(b"EHLO me\r\nMAIL FROM:<b@x>\r\nRCPT TO:<reset-a@docomo.ne.jp>\r\nDATA\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)
        writer.close()
        assert receiver.desk.ledger.counters.resets == 1


@pytest.mark.parametrize(("local", "kept"), [("dropdata-a", 0), ("lostreply-a", 1)])
async def test_a_connection_may_end_before_the_reply(local: str, kept: int) -> None:
    async with receiving(Mood()) as (receiver, port):
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            await with_smtplib(port, send(f"{local}@docomo.ne.jp"))
        assert len(receiver.desk.ledger.received) == kept
        assert receiver.desk.ledger.answered == []


async def test_silence_keeps_the_mail_and_the_connection() -> None:
    async with receiving(Mood()) as (receiver, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"EHLO me\r\nMAIL FROM:<b@x>\r\nRCPT TO:<silent-a@docomo.ne.jp>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n")
        await reader.readuntil(b"354 End data with <CR><LF>.<CR><LF>\r\n")
        await until(lambda: len(receiver.desk.ledger.received) == 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        writer.close()


async def test_a_round_trip_delays_each_flight_once() -> None:
    async with receiving(Mood(round_trip_seconds=0.5)) as (_, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        loop = asyncio.get_running_loop()
        await reader.readline()
        began = loop.time()
        writer.write(b"NOOP\r\n" * 50)
        assert await reader.readexactly(50 * len(b"250 2.0.0 Ok\r\n"))
        assert 0.475 < loop.time() - began < 0.95
        began = loop.time()
        for _ in range(3):
            writer.write(b"NOOP\r\n")
            await asyncio.sleep(0.01)
        assert await reader.readexactly(3 * len(b"250 2.0.0 Ok\r\n"))
        assert 0.475 < loop.time() - began < 1.25
        writer.close()


async def test_slow_replies_come_in_their_order() -> None:
    async with receiving(Mood(slow_seconds=0.1)) as (_, port):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"EHLO me\r\nMAIL FROM:<b@x>\r\nRCPT TO:<slow-a@docomo.ne.jp>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
        said = (await reader.read(-1)).decode()
        codes = [line[:3] for line in said.splitlines() if line[3] == " "]
        assert codes == ["220", "250", "250", "250", "354", "250", "221"]
        writer.close()


async def test_so_many_connections_and_no_more() -> None:
    async with receiving(Mood(connections=2)) as (receiver, port):
        streams = [await asyncio.open_connection(HOST, port) for _ in range(3)]
        greetings = [(await reader.readline())[:3] for reader, _ in streams]
        assert sorted(greetings) == [b"220", b"220", b"421"]
        for _, writer in streams:
            writer.close()
        await until(lambda: receiver.desk.ledger.counters.connections == 0)


async def test_the_journal_tells_what_was_received_and_what_was_answered(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    async with receiving(Mood(), Journal(path)) as (_, port):
        await with_smtplib(port, send("a@docomo.ne.jp"))
        with contextlib.suppress(smtplib.SMTPServerDisconnected, ConnectionError):
            await with_smtplib(port, send("lostreply-a@docomo.ne.jp"))
        await until(lambda: len(path.read_text().splitlines()) == 3)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    by_kind = [(line["kind"], line["address"]) for line in lines]
    assert sorted(by_kind) == [
        ("answered", "a@docomo.ne.jp"),
        ("received", "a@docomo.ne.jp"),
        ("received", "lostreply-a@docomo.ne.jp"),
    ]
    assert path.stat().st_mode & 0o077 == 0


async def test_says_that_a_port_is_taken() -> None:
    async with receiving(Mood()) as (receiver, port):
        with pytest.raises(PortTaken):
            await receiver.listen([HOST], port)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - a ledger tells nobody of its changes
            await asyncio.sleep(0.01)
