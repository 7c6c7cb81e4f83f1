"""Does a mail that came in lie in the store before its 250, and does a report return its queue item?"""

import asyncio
import logging
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest
from peewee import OperationalError

from config import Settings
from config.bounces import load_bounces
from mailer.appliance import make_secrets, open_office
from mailer.domain import alarm as alarms
from mailer.domain.answering import Replies, ReplyPolicy
from mailer.domain.school import Schools
from mailer.inbound_app import BIG, keeper, learn, run, watch_room
from mailer.keeping import keeping
from mailer.net.inbound_policy import Kind, Recipient
from mailer.net.inbound_session import Mail, NotKept
from mailer.reading import Reading, read_all
from mailer.reserve import CALM_SECONDS, MIB, Reserve
from mailer.sealed import SealedRoom
from mailer.service import alarm, bounce, replies
from mailer.service.office import Office
from mailer.store import inbound as kept
from mailer.store.database import select
from mailer.store.reader import Reader
from mailer.store.writer import Writer
from tests.inbound.port25 import ADDRESS, Client, until

BOOK = load_bounces(Settings.model_validate({}))
REPORT = """\
From: MAILER-DAEMON@mfsmax.docomo.ne.jp
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mfsmax.docomo.ne.jp

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 Unknown user {address}

--b--
"""


def report(address: str = ADDRESS) -> bytes:
    """Return a report that the mail to an address failed, with CRLF."""
    return REPORT.format(address=address).replace("\n", "\r\n").encode()


async def read_what_came(office: Office, writer: Writer) -> None:
    """Read all that is unread."""
    room, reader = SealedRoom(BOOK), Reader()
    await read_all(Reading(office, writer, reader, room, learn, asyncio.Event()))
    await room.close()
    reader.close()


def mail(office: Office, item: int, content: bytes, octets: int = 1000) -> Mail:
    """Return a mail to the postmaster and the item's VERP address."""
    recipients = (Recipient(f"postmaster@{office.domain}"), Recipient(office.verp.make(item), Kind.BOUNCE, item))
    return Mail("", recipients, "192.0.2.1", b"Return-Path: <>\r\n", octets, lambda: content)


async def test_a_report_returns_the_item_and_is_kept_raw(office: Office, item: int) -> None:
    writer = Writer()
    take = keeper(office, writer, asyncio.Event().set)
    names = [await take(mail(office, item, report())) for _ in range(2)]
    assert names == ["I1", "I1"]
    assert select("SELECT state FROM queue_item") == [("accepted",)]
    await read_what_came(office, writer)
    writer.close()
    assert select("SELECT state, enhanced FROM queue_item") == [("returned", "5.1.1")]
    assert kept.raw(1) == b"Return-Path: <>\r\n" + report()
    paths = f"postmaster@{office.domain}, {office.verp.make(item)}"
    assert select("SELECT forward_path, item_id FROM inbound_mail") == [(paths, item)]


async def keep(office: Office, *paths: str | Recipient, content: bytes, sender: str = "") -> None:
    """Let a mail come to these forward-paths."""
    recipients = tuple(path if isinstance(path, Recipient) else Recipient(path) for path in paths)
    writer = Writer()
    trace = f"Return-Path: <{sender}>\r\n".encode()
    take = keeper(office, writer, asyncio.Event().set)
    await take(Mail(sender, recipients, "192.0.2.1", trace, 1000, lambda: content))
    await read_what_came(office, writer)
    writer.close()


def led_to() -> list[tuple[str, str, str, str]]:
    """Return what mail led to."""
    return [(one.school, one.kind, one.state, one.reason) for one in reversed(replies.list_("", 10, unsent=False))]


async def test_what_a_mail_leads_to_is_written_with_it(office: Office, item: int) -> None:
    school = f"T-Daiichi@{office.domain}"
    content = f"From: {ADDRESS}\r\nTo: {school}\r\n\r\nthanks\r\n".encode()
    await keep(office, school, content=content, sender=ADDRESS)
    await keep(
        office, school, Recipient(office.verp.make(item), Kind.BOUNCE, item), content=content, sender="b@docomo.ne.jp"
    )
    await keep(office, f"postmaster@{office.domain}", f"abuse@{office.domain}", content=content, sender=ADDRESS)
    await keep(office, Recipient(office.verp.make(item), Kind.BOUNCE, item), content=report())
    assert led_to() == [("t-daiichi", "notice", "waiting", ""), ("t-daiichi", "notice", "kept", "returned")]
    assert select("SELECT COUNT(*) FROM inbound_mail") == [(4,)]


async def test_a_copy_that_comes_back_is_marked_and_leads_to_nothing(office: Office, item: int) -> None:
    forwarding = Replies(ReplyPolicy.FORWARD, "box@city.example.jp")
    schools = {one.code: replace(one, replies=forwarding) for one in office.schools}
    office = replace(office, schools=Schools(schools))
    await keep(office, f"t-daini@{office.domain}", content=b"From: a\r\n\r\nx\r\n", sender=ADDRESS)
    assert led_to() == [("t-daini", "forward", "waiting", "")]
    select("UPDATE single_mail SET state = 'accepted'")
    back = office.verp.of_singles().make(1)
    await keep(office, back, content=b"Subject: vacation\r\n\r\nx\r\n", sender="box@city.example.jp")
    assert led_to() == [("t-daini", "forward", "accepted", "")]
    await keep(office, back, content=report("chief@elsewhere.example"))
    assert led_to() == [("t-daini", "forward", "returned", "")]
    assert replies.get(1).reply == "Unknown user chief@elsewhere.example"
    assert select("SELECT state FROM queue_item") == [("accepted",)]


async def test_a_report_about_somebody_else_returns_nothing(office: Office, item: int) -> None:
    writer = Writer()
    await keeper(office, writer, asyncio.Event().set)(mail(office, item, report("other@docomo.ne.jp")))
    await read_what_came(office, writer)
    writer.close()
    assert select("SELECT state FROM queue_item") == [("accepted",)]


async def test_a_store_that_refuses_keeps_nothing(office: Office, item: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> int:
        raise OperationalError(apsw.FullError("database or disk is full"))

    monkeypatch.setattr("mailer.service.bounce.keep", fails)
    writer = Writer()
    with pytest.raises(NotKept) as refused:
        await keeper(office, writer, asyncio.Event().set)(mail(office, item, report()))
    assert refused.value.no_room
    writer.close()


async def test_one_mail_that_cannot_be_kept_takes_down_no_other(
    office: Office, item: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_at_once = bounce.keep

    def keep(office: Office, packed: bounce.Packed) -> tuple[int, bool]:
        if packed.facts.content.endswith(b"bad"):
            raise OperationalError("this one")
        return keep_at_once(office, packed)

    monkeypatch.setattr("mailer.service.bounce.keep", keep)
    writer = Writer()
    take = keeper(office, writer, asyncio.Event().set)
    contents = (b"1", b"2", b"bad", b"3")
    kept = await asyncio.gather(*(take(mail(office, item, one)) for one in contents), return_exceptions=True)
    writer.close()
    assert isinstance(kept.pop(2), NotKept)
    assert sorted(map(str, kept)) == ["I1", "I2", "I3"]


async def test_big_mails_are_read_one_after_another(office: Office, item: int, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[bytes] = []
    first, go_on = threading.Event(), threading.Event()

    def pack(facts: bounce.InboundFacts) -> bounce.Packed:
        begun.append(facts.content[-1:])
        if facts.content.endswith(b"1"):
            first.set()
            assert go_on.wait(10)
        return pack_at_once(facts)

    pack_at_once = bounce.pack
    monkeypatch.setattr("mailer.service.bounce.pack", pack)
    writer = Writer()
    take = keeper(office, writer, asyncio.Event().set)
    one = asyncio.ensure_future(take(mail(office, item, b"big 1", BIG + 1)))
    assert await asyncio.to_thread(first.wait, 10)
    two = asyncio.ensure_future(take(mail(office, item, b"big 2", BIG + 1)))
    await take(mail(office, item, b"small 3", BIG))
    assert begun == [b"1", b"3"]
    go_on.set()
    await asyncio.gather(one, two)
    writer.close()
    assert begun == [b"1", b"3", b"2"]


async def test_somebody_is_called_while_mail_is_put_off_and_hears_when_it_is_taken_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mailer.inbound_app.ROOM_SECONDS", 0.01)
    usage, now, writer = SimpleNamespace(total=1000 * MIB, free=500 * MIB), [0.0], Writer()
    room = Reserve(Path("/var/lib/x"), 10, 512, now=lambda: now[0], usage=lambda _: usage)
    with caplog.at_level(logging.INFO):
        async with keeping(partial(watch_room, office, writer, room)):
            await until(alarm.list_)
            ((kind, subject, words),) = [(one.kind, one.subject, one.words) for one in alarm.list_()]
            alarm.dismiss(office, [], "tester")
            await until(alarm.list_)
            usage.free, now[0] = 600 * MIB, CALM_SECONDS
            await until(lambda: not alarm.list_())
    await asyncio.to_thread(writer.close)
    assert (kind, subject, words) == (alarms.Kind.MAIL_PUT_OFF, "/var/lib/x", "500 MiB < 512 MiB")
    assert [record.getMessage() for record in caplog.records if record.name == "mailer.inbound_app"] == [
        "too little room in /var/lib/x, mail is told to come later: 500 MiB < 512 MiB",
        "enough room in /var/lib/x again, mail is taken",
    ]


@asynccontextmanager
async def serving(tmp_path: Path, **inbound: object) -> AsyncIterator[tuple[int, Office]]:
    """Run the whole inbound service on loopback; give its port and its office."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings.model_validate(
        {"state": {"directory": str(tmp_path)}, "inbound": {"listen": [f"127.0.0.1:{port}"], "timeout": 5, **inbound}}
    )
    make_secrets(settings)
    office = open_office(settings, create=True)
    ready, stop = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(run(settings, ready.set, stop))
    async with asyncio.timeout(5):
        await ready.wait()
    try:
        yield port, office
    finally:
        stop.set()
        await running


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[tuple[int, Office]]:
    """The whole inbound service on loopback; its port and its office."""
    async with serving(tmp_path) as running:
        yield running


async def test_the_service_without_room_puts_mail_off_and_calls_somebody(tmp_path: Path) -> None:
    async with serving(tmp_path, free_megabytes=1_000_000) as (port, _office):
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        await client.reply()
        await client.ask("EHLO peer.example")
        assert await client.ask("MAIL FROM:<>") == "452 4.3.1 No room now, try again later"
        await until(alarm.list_)
        ((kind, subject),) = [(one.kind, one.subject) for one in alarm.list_()]
        assert (kind, subject) == (alarms.Kind.MAIL_PUT_OFF, str(tmp_path))
        await client.close()


async def test_the_service_takes_a_mail_and_ends_cleanly(service: tuple[int, Office]) -> None:
    port, office = service
    client = Client(*await asyncio.open_connection("127.0.0.1", port))
    await client.reply()
    await client.ask("EHLO peer.example")
    assert await client.ask("MAIL FROM:<>") == "250 2.1.0 Ok"
    assert await client.ask(f"RCPT TO:<t-kaiseij@{office.domain}>") == "250 2.1.5 Ok"
    assert (await client.ask("RCPT TO:<x@evil.example>")).startswith("550 5.7.1")
    await client.ask("DATA")
    assert await client.ask("Subject: reply", "", "thanks", ".") == "250 2.0.0 Ok: kept as I1"
    assert select("SELECT forward_path FROM inbound_mail") == [(f"t-kaiseij@{office.domain}",)]
    await until(lambda: select("SELECT meaning FROM inbound_mail") == [("mail",)])
    assert (kept.raw(1) or b"").startswith(b"Return-Path: <>\r\nReceived: from peer.example ([127.0.0.1])\r\n")
    await client.close()


@pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")
@pytest.mark.parametrize("arguments", [(), ("--pipeline",)])
async def test_swaks_hands_a_report_over(service: tuple[int, Office], arguments: tuple[str, ...]) -> None:
    port, office = service
    command = ["swaks", "--server", f"127.0.0.1:{port}", "--helo", "peer.example", "--from", "<>", *arguments]
    process = await asyncio.create_subprocess_exec(*command, "--to", office.verp.make(5), stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert select("SELECT count(*) FROM inbound_mail") == [(1,)]
