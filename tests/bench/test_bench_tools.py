"""Do the tools of the benchmarks count what they say they count?"""

import asyncio
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench.injector import Ready
from tests.bench.journal import Tail, read
from tests.bench.okayama import ABSENT, WELL, Times, Town
from tests.bench.plot import Bar, Curve, bars, curves
from tests.bench.product import lags
from tests.bench.receiver import HALF_A_TICK, Book, Distance, LeanReceiver

ADDRESS = "127.0.82.1"
MAIL = b"MAIL FROM:<b-2f-00@mail.example.jp>\r\nRCPT TO:<a@d01.example>\r\n"
CONTENT = b"Subject: x\r\n\r\ntext\r\n"
BY_DATA = [b"EHLO x\r\n", MAIL + b"DATA\r\n", CONTENT + b".\r\n" + MAIL + b"DATA\r\n", CONTENT + b".\r\n", b"QUIT\r\n"]
BY_BDAT = [b"EHLO x\r\n", 2 * (MAIL + b"BDAT %d LAST\r\n%b" % (len(CONTENT), CONTENT)), b"QUIT\r\n"]


async def speak(flights: list[bytes], journal: Path, *, seconds: float, piece: int) -> float:
    """Speak to a lean receiver, each flight after the reply to the one before; return how long it took."""
    book = Book(journal)
    receiver = LeanReceiver("d01.example", book, Distance(seconds), chunking=True)
    port = await receiver.listen([ADDRESS], 0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    reader, writer = await asyncio.open_connection(ADDRESS, port)
    await reader.readuntil(b"\r\n")
    for flight in flights:
        for start in range(0, len(flight), piece):
            writer.write(flight[start : start + piece])
            await writer.drain()
        answers = max(1, flight.count(b"MAIL") * 2 + flight.count(b"DATA\r\n") + flight.count(CONTENT))
        for _ in range(answers if not flight.startswith(b"EHLO") else 7):
            assert (await reader.readuntil(b"\r\n"))[:1] in b"23"
    took = loop.time() - began
    assert await reader.read() == b""
    writer.close()
    await receiver.stop()
    book.close()
    return took


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize(("flights", "rounds"), [(BY_DATA, 3), (BY_BDAT, 1)], ids=["DATA", "BDAT"])
async def test_a_lean_receiver_takes_mail_in_any_pieces(
    tmp_path: Path, flights: list[bytes], rounds: int, piece: int
) -> None:
    journal = tmp_path / "journal"
    await speak(flights, journal, seconds=0.0, piece=piece)
    account = read(journal)
    assert [(one.address, one.item) for one in account.taken] == [("a@d01.example", 0x2F)] * 2
    assert all(one.rcpt <= one.at for one in account.taken)
    assert account.total("mails") == 2
    assert account.total("octets") == 2 * len(CONTENT)
    assert account.most_connections == 1
    assert piece < 10_000 or account.total("rounds") == rounds


async def test_a_lean_receiver_is_as_far_away_as_it_is_told(tmp_path: Path) -> None:
    took = await speak(BY_DATA, tmp_path / "journal", seconds=0.02, piece=10_000)
    assert took >= 6 * (0.02 - HALF_A_TICK)  # the greeting and five flights
    assert Tail(tmp_path / "journal").look() == 2


def test_an_envelope_is_one_flight() -> None:
    assert Ready("r@x.example", "f@y.example", b"").envelope == (
        b"MAIL FROM:<r@x.example>\r\nRCPT TO:<f@y.example>\r\nDATA\r\n"
    )


def test_a_tail_counts_whole_lines_and_leaves_out_what_it_is_told(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    tail = Tail(journal, but=b'@d02.example"')
    assert tail.look() == 0
    journal.write_bytes(b'{"kind":"answered","address":"a@d01.example"}\n{"kind":"answered","address":"b@d02.exa')
    assert tail.look() == 1
    with journal.open("ab") as more:
        more.write(b'mple"}\n{"kind":"received"}\n{"kind":"answered","address":"c@d03.example"}\n')
    assert tail.look() == 2


def test_the_store_is_as_far_behind_as_the_oldest_250_that_it_lacks() -> None:
    answered = [1.0, 2.0, 3.0]
    assert lags([(0.5, 0)], answered) == []
    assert lags([(2.5, 1)], answered) == [0.5]
    assert lags([(2.5, 2)], answered) == [0.0]
    assert lags([(9.0, 3)], answered) == []


def test_the_town_without_the_provider_has_its_others_all_the_same() -> None:
    town = Town(registrants=101, broadcasts=3)
    assert len(town.addresses(WELL)) == 101
    assert town.others == 3 * len(town.addresses(ABSENT))
    assert not [one for one in town.addresses(ABSENT) if one.endswith("@d02.example")]


def test_rounds_are_compared_with_the_same_round() -> None:
    times = Times({WELL: [1.0, 2.0, 4.0], "silent": [1.1, 2.0, 4.0]})
    assert times.longer("silent") == pytest.approx([0.1, 0.0, 0.0])
    assert times.median_longer("silent") == 0.0


def test_pictures_are_well_formed() -> None:
    drawn = bars("a < b", "note & note", [("group", [Bar("one", 0.0, "0"), Bar("two", 2.0, "2 s", 1, mark=1.0)])])
    grown = curves("growth", "", [Curve("memory", [(1000, 50.0), (1_000_000, 60.0)], "MiB", 200.0)])
    assert [ElementTree.fromstring(one).tag for one in (drawn, grown)] == ["{http://www.w3.org/2000/svg}svg"] * 2
