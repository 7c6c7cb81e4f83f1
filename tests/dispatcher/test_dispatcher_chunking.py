"""Does a server that offers CHUNKING and does not keep to it cost neither mail nor copies nor false words?"""

from dataclasses import replace

import pytest

from mailer.carrier.group import Manners
from mailer.clock import system_clock
from mailer.rehearsal import session as far
from mailer.rehearsal.moods import Mood
from mailer.rehearsal.transaction import End, Transaction
from mailer.service import broadcast, queue
from mailer.service.office import Office
from mailer.store.database import change, select, transaction
from tests.dispatcher.town import FREE, Town, town

ONE = Manners(1, 100, None, None, 300)
FINISH = far.Session._finish


@pytest.fixture
def office(office: Office) -> Office:
    """The common office on the real clock."""
    return replace(office, clock=system_clock)


def words(sent: str) -> dict[str, str]:
    """Return how each address stands."""
    return {one["address"]: one["state"] for one in broadcast.recipients(sent)}


async def sent_to(here: Town, addresses: list[str]) -> str:
    """Send a broadcast to these addresses and wait until nothing of it waits."""
    here.register(addresses)
    sent = here.send()
    await here.run_until(lambda: not {"waiting", "sending"} & set(words(sent).values()), 8.0)
    return sent


def possible_copies() -> int:
    return int(select("SELECT SUM(possible_copies) FROM queue_item")[0][0])


@pytest.mark.parametrize("refusal", ["500 5.5.2 what?", "502 5.5.1 not implemented", "503 5.5.1 bad sequence"])
async def test_where_chunks_are_not_known_all_goes_by_data(
    office: Office, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    asked: list[bytes] = []

    def bdat(self: far.Session, line: bytes) -> None:
        """Refuse the command, and read what follows as more of them."""
        asked.append(line)
        self._say(refusal.encode() + b"\r\n")

    monkeypatch.setattr(far.Session, "_bdat", bdat)
    async with town(office, {"a.example": Mood()}, manners=replace(FREE, connections=4)) as here:
        addresses = [f"good-{number}@a.example" for number in range(60)]
        sent = await sent_to(here, addresses)
        assert set(words(sent).values()) == {"accepted"}
        assert sorted(here.received()) == sorted(addresses)
        assert possible_copies() == 0
        assert 0 < len(asked) <= 4
        learned = select("SELECT COUNT(*) FROM site_memory WHERE connections < 4")[0][0]
    assert learned == 0, "it says nothing of how much the receiver takes"


async def test_the_refusal_of_chunks_is_told_with_what_came_of_the_mail(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far.Session, "_bdat", lambda self, _: self._say(b"502 5.5.1 not implemented\r\n"))
    async with town(office, {"a.example": Mood()}, manners=ONE) as here:
        sent = await sent_to(here, ["good@a.example"])
        (one,) = broadcast.recipients(sent)
        shown = queue.show(office, one["queue_id"])
    assert shown is not None
    (lines,) = shown.transcripts
    said = [line.text.split()[0] for line in lines if line.by == "client"]
    assert said == ["EHLO", "MAIL", "RCPT", "BDAT", "EHLO", "MAIL", "RCPT", "DATA", said[-1]]
    assert [line.text for line in lines if line.by == "server"].count("502 5.5.1 not implemented") == 1


async def test_a_server_that_leaves_after_each_mail_gets_all_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(self: far.Session, mail: Transaction, content: bytes) -> None:
        FINISH(self, mail, content)
        self._steps[-1].end = End.CLOSE

    monkeypatch.setattr(far.Session, "_finish", finish)
    async with town(office, {"a.example": Mood()}) as here:
        addresses = [f"good-{number}@a.example" for number in range(100)]
        sent = await sent_to(here, addresses)
        assert set(words(sent).values()) == {"accepted"}
        assert sorted(here.received()) == sorted(addresses)
        assert possible_copies() == 0


async def test_a_server_that_answers_each_mail_twice_misleads_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(self: far.Session, mail: Transaction, content: bytes) -> None:
        FINISH(self, mail, content)
        self._say(b"250 2.0.0 also filed\r\n")

    monkeypatch.setattr(far.Session, "_finish", finish)
    async with town(office, {"a.example": Mood()}, manners=ONE) as here:
        addresses = [f"{'unknown' if number % 4 == 3 else 'good'}-{number}@a.example" for number in range(20)]
        sent = await sent_to(here, addresses)
        assert words(sent) == {
            address: "refused" if address.startswith("unknown") else "accepted" for address in addresses
        }
        assert sorted(here.received()) == sorted(address for address in addresses if address.startswith("good"))
        assert possible_copies() == 0


async def test_a_mail_of_which_there_may_be_a_copy_goes_by_data(office: Office) -> None:
    async with town(office, {"a.example": Mood()}, manners=ONE) as here:
        here.register([f"good-{number}@a.example" for number in range(12)])
        sent = here.send()
        with transaction():
            change("UPDATE queue_item SET possible_duplicate = 1 WHERE address = 'good-6@a.example'")
        await here.run_until(lambda: set(words(sent).values()) == {"accepted"}, 8.0)
        ways = {}
        for one in broadcast.recipients(sent):
            shown = queue.show(office, one["queue_id"])
            assert shown is not None
            said = {line.text.split()[0] for line in shown.transcripts[0] if line.by == "client"}
            ways[one["address"]] = said & {"DATA", "BDAT"}
    assert ways.pop("good-6@a.example") == {"DATA"}
    assert set(map(frozenset, ways.values())) == {frozenset({"BDAT"})}
