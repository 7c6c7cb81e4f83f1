"""What if a mail that came in kills its reader, holds it up, or asks for what cannot be done?"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from peewee import OperationalError

from config import Settings
from config.bounces import load_bounces
from mailer import sealed
from mailer.domain.retention import Kind
from mailer.inbound_app import learn
from mailer.reading import Reading, keep_reading, read_all
from mailer.report import received
from mailer.sealed import NoReader, SealedRoom, Unreadable
from mailer.sealed_room import Findings
from mailer.service import arrivals, bounce
from mailer.service.office import Office
from mailer.store.database import select, transaction
from mailer.store.reader import Reader
from mailer.store.writer import Writer
from tests.conftest import FakeClock
from tests.forgetting import forget
from tests.inbound.port25 import until
from tests.sinks import loop_factory

BOOK = load_bounces(Settings.model_validate({}))
DMARC = b"""\
Content-Type: application/xml

<?xml version="1.0"?><feedback><report_metadata><org_name>google.com</org_name><email>noreply@google.com</email>
<report_id>1</report_id><date_range><begin>1764547200</begin><end>1764633599</end></date_range></report_metadata>
<policy_published><domain>mail.mimamori-iwamizawa.jp</domain><p>none</p></policy_published>
<record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated><dkim>pass</dkim></policy_evaluated></row>
<identifiers><header_from>mail.mimamori-iwamizawa.jp</header_from></identifiers></record></feedback>
""".replace(b"\n", b"\r\n")
TLS = b"""\
Content-Type: application/tlsrpt+json

{"organization-name": "x", "date-range": {"start-datetime": "2026-11-25T00:00:00Z",
"end-datetime": "2026-11-25T23:59:59Z"}, "contact-info": "a@x.example", "report-id": "7", "policies": [{"policy":
{"policy-type": "sts", "policy-string": [], "policy-domain": "mail.mimamori-iwamizawa.jp"},
"summary": {"total-successful-session-count": 5, "total-failure-session-count": 0}}]}
""".replace(b"\n", b"\r\n")
#: A sealed process whose reading does what the mail says, as Python.
OBEDIENT = """
import sys
from mailer import sealed_room
from mailer.bounce.event import ReadMail
from mailer.mime.correspondence import Correspondence
EMPTY = Correspondence(False, frozenset(), frozenset(), "", 0)
def obey(content, book):
    if content is not sealed_room.TRIAL:
        exec(content)
    return sealed_room.Findings(ReadMail((), subject="read"), None, EMPTY)
sealed_room.findings, sealed_room.CPU_SECONDS = obey, 1
sealed_room.main()
"""


@pytest.fixture
async def room() -> AsyncIterator[SealedRoom]:
    """A sealed process with the shipped rules."""
    made = SealedRoom(BOOK)
    yield made
    await made.close()


@pytest.fixture
async def obedient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SealedRoom]:
    """A sealed process that does what a mail tells it."""
    monkeypatch.setattr(sealed, "PROGRAM", ("-c", OBEDIENT))
    made = SealedRoom(BOOK)
    yield made
    await made.close()


@pytest.fixture
def reading(office: Office) -> Iterator[Callable[[SealedRoom], Reading]]:
    """What reading takes, with a room of the test's choice."""
    writer, reader = Writer(), Reader()
    yield lambda room: Reading(office, writer, reader, room, learn, asyncio.Event())
    writer.close()
    reader.close()


def came(office: Office, *contents: bytes) -> None:
    """Keep mails unread."""
    for content in contents:
        facts = bounce.InboundFacts("", (f"postmaster@{office.domain}",), "192.0.2.1", content, None)
        with transaction():
            bounce.keep(office, bounce.pack(facts))


def meanings() -> list[str]:
    """Return what the mails are taken to mean, in their order."""
    return [meaning for (meaning,) in select("SELECT meaning FROM inbound_mail ORDER BY id")]


async def test_a_sealed_process_reads(room: SealedRoom) -> None:
    found = await room.read("Subject: 件名\r\n\r\n本文\r\n".encode())
    assert isinstance(found, Findings)
    assert (found.said.events, found.said.subject) == ((), "件名")


async def test_a_report_comes_out_of_the_sealed_process_as_it_was_read(room: SealedRoom) -> None:
    """As what it was read to be, with its times, whichever of the two kinds it is."""
    for content in (DMARC, TLS):
        assert (await room.read(content)).reported == received.read(content) is not None


@pytest.mark.parametrize(
    "attempt",
    [
        b"open('/etc/passwd')",
        b"open('/dev/null', 'w')",
        b"import socket; socket.socket()",
        b"import os; os.pipe()",
        b"import subprocess; subprocess.run(['true'])",
        b"x = bytearray(300 * 1024 * 1024)",
        b"while True: pass",
        b"import os; os.write(1, b'nonsense')",
        b"import os; os.write(1, b'\\xff\\xff\\xff\\xff')",
        b"raise SystemExit",
    ],
)
async def test_what_reading_may_not_do_makes_the_mail_unreadable_and_the_next_is_read(
    obedient: SealedRoom, attempt: bytes
) -> None:
    with pytest.raises(Unreadable):
        await obedient.read(attempt)
    assert (await obedient.read(b"")).said.subject == "read"


async def test_a_stop_that_comes_to_all_processes_is_no_mails_fault(room: SealedRoom) -> None:
    await room.read(b"Subject: first\r\n\r\n")
    process = room._process
    assert process is not None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process.send_signal(number)
    assert (await room.read(b"Subject: second\r\n\r\n")).said.subject == "second"
    assert room._process is process


async def test_a_reader_that_only_waits_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "PROGRAM", ("-c", OBEDIENT))
    room = SealedRoom(BOOK, seconds=0.2)
    with pytest.raises(Unreadable):
        await room.read(b"import time; time.sleep(60)")
    await room.close()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_a_reader_that_fails_between_two_mails_is_no_mails_fault(
    monkeypatch: pytest.MonkeyPatch, sign: signal.Signals
) -> None:
    """On the loop that the service runs on: writing to a process that is gone fails there in a way of its own."""
    monkeypatch.setattr(sealed, "PROGRAM", ("-c", OBEDIENT))

    async def read_two() -> list[str]:
        room = SealedRoom(BOOK, seconds=2)
        first = await room.read(b"")
        pid = room._process.pid if room._process else 0
        os.kill(pid, sign)
        await until(lambda: sign != signal.SIGKILL or not Path(f"/proc/{pid}").exists())
        second = await room.read(b"")
        await room.close()
        return [first.said.subject, second.said.subject]

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        assert runner.run(read_two()) == ["read", "read"]


async def test_a_reader_that_does_not_begin_is_no_mails_fault(
    office: Office, reading: Callable[[SealedRoom], Reading], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "PROGRAM", ("-c", "raise SystemExit(3)"))
    came(office, b"a mail")
    with pytest.raises(NoReader):
        await read_all(reading(SealedRoom(BOOK)))
    assert meanings() == ["unread"]


async def test_a_mail_that_kills_its_reader_is_kept_for_a_person_and_delays_no_other(
    office: Office, obedient: SealedRoom, reading: Callable[[SealedRoom], Reading]
) -> None:
    came(office, b"# first", b"import os; os.kill(os.getpid(), 9)", b"# third")
    await read_all(reading(obedient))
    assert meanings() == ["mail", "unreadable", "mail"]
    assert arrivals.content(2) == b"import os; os.kill(os.getpid(), 9)"


async def test_a_mail_that_lies_damaged_in_the_store_is_kept_for_a_person_and_delays_no_other(
    office: Office, room: SealedRoom, reading: Callable[[SealedRoom], Reading]
) -> None:
    came(office, b"damaged", b"whole")
    with transaction():
        select("UPDATE inbound_mail SET content = x'00' WHERE id = 1")
    await read_all(reading(room))
    assert meanings() == ["unreadable", "mail"]


async def test_what_was_left_unread_is_read_at_the_start_and_what_comes_later_when_it_comes(
    office: Office, room: SealedRoom, reading: Callable[[SealedRoom], Reading]
) -> None:
    came(office, b"left by an earlier process")
    given = reading(room)
    task = asyncio.create_task(keep_reading(given))
    await until(lambda: meanings() == ["mail"])
    came(office, b"new")
    given.arrived.set()
    await until(lambda: meanings() == ["mail", "mail"])
    task.cancel()


async def test_what_came_back_of_an_item_is_read_before_a_flood_of_other_mail(
    office: Office,
    item: int,
    obedient: SealedRoom,
    reading: Callable[[SealedRoom], Reading],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also before what was about to be read, where mails before it take long."""
    monkeypatch.setattr("mailer.reading.HANDFUL_SECONDS", 0)
    came(office, *(f"# {number}".encode() for number in range(4)))
    seen: list[list[str]] = []

    def look(office: Office, mail_id: int, found: Findings) -> None:
        learn(office, mail_id, found)
        if mail_id == 1:
            facts = bounce.InboundFacts("", (office.verp.make(item),), "192.0.2.1", b"# back", item)
            bounce.keep(office, bounce.pack(facts))
        if mail_id == 5:
            seen.append(meanings())

    await read_all(replace(reading(obedient), learn=look))
    assert seen == [["mail", "unread", "unread", "unread", "mail"]]
    assert meanings() == ["mail"] * 5


@pytest.mark.parametrize(
    ("error", "expected"), [(ValueError("a fault of ours"), ["unreadable"]), (OperationalError("locked"), ["unread"])]
)
async def test_what_cannot_be_applied_is_kept_unless_it_was_the_stores_fault(
    office: Office,
    room: SealedRoom,
    reading: Callable[[SealedRoom], Reading],
    error: Exception,
    expected: list[str],
) -> None:
    def fails(office: Office, mail_id: int, found: Findings) -> None:
        raise error

    came(office, b"a mail")
    await asyncio.gather(read_all(replace(reading(room), learn=fails)), return_exceptions=True)
    assert meanings() == expected


def test_what_said_something_is_forgotten_sooner_and_what_is_unread_never(office: Office, clock: FakeClock) -> None:
    came(office, b"1", b"2", b"3", b"4")
    with transaction():
        for number, meaning in enumerate(("report", "mail", "unreadable"), 1):
            select("UPDATE inbound_mail SET meaning = ? WHERE id = ?", (meaning, number))

    def due() -> tuple[int, int]:
        return forget(office, Kind.RECEIVED), forget(office, Kind.FOR_A_PERSON)

    assert due() == (0, 0)
    clock.advance(days=91)
    assert (due(), meanings()) == ((1, 0), ["mail", "unreadable", "unread"])
    clock.advance(days=365)
    assert (due(), meanings()) == ((0, 2), ["unread"])
