"""Is forgotten what was kept long enough, nothing else, and is every answer that is left still right?"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from config import Settings
from config.bounces import load_bounces
from config.carriers import load_carriers
from mailer.bounce.parse import read
from mailer.domain.announcement import Kind as Announced
from mailer.domain.household import Entry
from mailer.domain.lane import Lane
from mailer.domain.receipt import token
from mailer.domain.retention import RULES, Kind, Terms, until
from mailer.forgetting import forget_all
from mailer.schedule.outcome import Evidence, Outcome, SmtpSession, Verdict
from mailer.service import audit, bounce, broadcast, dispatch, explain, queue, receipt, retention, roster
from mailer.service.announce import NewAnnouncement, announce, audience
from mailer.service.office import Office
from mailer.service.queue import Selection
from mailer.service.retention import Forgotten
from mailer.store.bounce_events import Listed
from mailer.store.database import Sqlite, change, select, transaction
from mailer.store.reader import Reader
from mailer.store.schema import TABLES
from mailer.store.writer import Writer
from tests.conftest import FakeClock
from tests.forgetting import forget

ADDRESS, OTHER = "hanako@docomo.ne.jp", "work@example.jp"
PEER, SAID = "203.0.113.77", "250 2.0.0 said by the server"
CARRIERS = load_carriers(Settings.model_validate({}))
BOOK = load_bounces(Settings.model_validate({}))
YEARS = timedelta(days=3 * 365 + 5)


def test_every_table_has_its_place_in_the_table_of_terms() -> None:
    """Who adds a table decides how long it is kept, and says so in `mailer.domain.retention`."""
    named = {noun for rule in RULES.values() for noun in rule.nouns}
    assert named == {table.__name__ for table in TABLES}


def test_every_settable_kind_is_forgotten_and_no_other() -> None:
    assert set(retention.PARTS) == {kind for kind, rule in RULES.items() if rule.is_settable}


def test_terms_end_at_midnight_in_japan(clock: FakeClock) -> None:
    # 15:00 of April 10
    before = until(Kind.ALARMS, Terms(alarms=timedelta(days=60)), clock())
    assert before is not None
    assert before.isoformat() == "2026-02-09T00:00:00+09:00"
    assert until(Kind.AUDIT, Terms(), clock()) is None


@dataclass(frozen=True)
class Sent:
    """A broadcast to one household with two addresses: one accepted and opened, one refused."""

    id: str
    household: int
    items: tuple[int, int]


@pytest.fixture
def sent(office: Office, clock: FakeClock) -> Sent:
    entry = Entry("t-daiichi", "3", "1組", "山田 太郎", "", "y1", {1: ADDRESS, 2: OTHER}, True)
    away = Entry("t-daiichi", "3", "1組", "山田 次郎", "", "y2", {1: "away@example.jp"}, False)
    roster.import_entries(office, [(2, entry), (3, away)], "test")
    clock.advance(seconds=1)
    new = NewAnnouncement(Announced.BROADCAST, Lane.SAFETY, ("t-daiichi",), "件名", "本文", True, "test", ())
    name = announce(office, new, audience(office, ("t-daiichi",))).id
    clock.advance(seconds=1)
    settle(office, "docomo.ne.jp", Verdict.ACCEPTED, 250)
    settle(office, "example.jp", Verdict.REFUSED, 550)
    items = [number for (number,) in select("SELECT id FROM queue_item ORDER BY address")]
    with transaction():
        facts = receipt.VisitFacts(clock.advance(minutes=1), "GET", PEER, [("User-Agent", "Handset/1.0")])
        assert receipt.visit(office, token(office.receipt_key, items[0]), facts)
    ((household,),) = select("SELECT id FROM household WHERE login = 'y1'")
    return Sent(name, household, (items[0], items[1]))


def settle(office: Office, domain: str, verdict: Verdict, code: int) -> None:
    now = office.clock()
    with transaction():
        (claimed,) = dispatch.claim(office, [domain], 10, "w1")
        number = round(now.timestamp() * 1000) << 20 | claimed.item_id
        session = SmtpSession(number, "mx[192.0.2.1]:25", now, 1, "mail.example.jp", "", "1 220 hello")
        evidence = Evidence("eod", "mx.example.jp", code=code, text=SAID)
        outcome = Outcome(verdict, evidence, now).told(session, f"2544\n5 {SAID}")
        dispatch.settle(office, [(claimed.item_id, claimed.attempt, outcome)])


def rows(*nouns: str) -> list[int]:
    named = {table.__name__: table for table in TABLES}
    return [named[noun].select().count() for noun in nouns]


def test_transcripts_go_first_and_the_proof_stays(office: Office, sent: Sent, clock: FakeClock) -> None:
    assert forget(office, Kind.TRANSCRIPTS) == 0
    clock.advance(days=92)
    assert forget(office, Kind.TRANSCRIPTS) == 4  # two attempts, two sessions
    assert forget(office, Kind.TRANSCRIPTS) == 0
    assert rows("SmtpSession", "Attempt") == [0, 2]
    shown = queue.show(office, f"Q{sent.items[0]:X}")
    assert shown is not None
    assert (shown.transcripts, shown.attempts[0].evidence.code) == (([],), 250)
    assert broadcast.verify(office, sent.id) == []


def test_of_a_visit_stays_when_and_how(office: Office, sent: Sent, clock: FakeClock) -> None:
    clock.advance(days=367)
    assert [forget(office, Kind.VISITS) for _ in "12"] == [1, 0]
    assert select("SELECT peer, headers, method FROM visit") == [("", "", "GET")]
    assert broadcast.show(office, sent.id)["confirmed"] == 1
    assert explain.ask(office, CARRIERS, str(sent.household), sent.id)[0].case.confirmed


def test_the_sums_of_a_broadcast_stay_when_its_recipients_go(office: Office, sent: Sent, clock: FakeClock) -> None:
    before = broadcast.show(office, sent.id)
    assert (before["accepted"], before["refused"], before["confirmed"], before["excluded"]) == (
        1,
        1,
        1,
        {"option_off": 1},
    )
    clock.advance(days=3 * 365)
    assert forget(office, Kind.BROADCASTS) == 0  # the term begins with the deadline
    clock.advance(days=3)
    assert forget(office, Kind.BROADCASTS) == 3  # two recipients and an exclusion
    gone = ("QueueItem", "ItemSlot", "Attempt", "Visit", "Receipt", "Exclusion")
    assert rows(*gone) == [0] * len(gone)
    after = broadcast.show(office, sent.id)
    assert (before.pop("forgotten_at"), after.pop("forgotten_at")) == (None, clock())
    assert after == before
    assert select("PRAGMA foreign_key_check") == []


def test_sums_of_before_possible_duplicates_were_counted_say_nothing_of_them(
    office: Office, sent: Sent, clock: FakeClock
) -> None:
    clock.now += YEARS
    forget(office, Kind.BROADCASTS)
    assert broadcast.show(office, sent.id)["possible_duplicates"] == 0
    with transaction():
        change("UPDATE announcement_sums SET sums = json_remove(sums, '$.possible_duplicates')")
    assert broadcast.show(office, sent.id)["possible_duplicates"] is None


def test_who_asks_for_forgotten_recipients_is_told_so(office: Office, sent: Sent, clock: FakeClock) -> None:
    clock.now += YEARS
    forget(office, Kind.BROADCASTS)
    with pytest.raises(Forgotten):
        broadcast.verify(office, sent.id)
    with pytest.raises(Forgotten):
        broadcast.recipients(sent.id)
    with pytest.raises(Forgotten):
        explain.ask(office, CARRIERS, ADDRESS, sent.id)
    # Unasked it is no broadcast that the household missed.
    assert explain.ask(office, CARRIERS, ADDRESS)[0].case.broadcast is None


def test_what_may_still_leave_is_not_forgotten(office: Office, sent: Sent, clock: FakeClock) -> None:
    clock.now += YEARS
    assert queue.requeue(office, Selection(numbers=(sent.items[1],)), "test").items == 1
    assert forget(office, Kind.BROADCASTS) == 0
    settle(office, "example.jp", Verdict.REFUSED, 550)
    assert forget(office, Kind.BROADCASTS) == 3


def test_what_is_being_forgotten_gets_no_other_life(office: Office, sent: Sent, clock: FakeClock) -> None:
    clock.now += YEARS
    found = retention.over(office)
    assert found is not None
    with transaction():
        retention.close(office, *found)
    assert queue.requeue(office, Selection(announcement_id=sent.id), "test").items == 0


def returned(office: Office, item_id: int) -> Listed:
    content = (
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.docomo.example\r\n\r\n"
        b"Final-Recipient: rfc822; " + ADDRESS.encode() + b"\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    facts = bounce.InboundFacts("", (office.verp.make(item_id),), "192.0.2.1", content, item_id)
    with transaction():
        number, _ = bounce.keep(office, bounce.pack(facts))
        bounce.learn(office, number, read(content, BOOK))
    return bounce.show(number)[1][0]


def test_a_mail_that_returns_late_finds_its_recipient(office: Office, sent: Sent, clock: FakeClock) -> None:
    clock.advance(days=3 * 365)
    for kind in (Kind.TRANSCRIPTS, Kind.VISITS, Kind.BROADCASTS):
        forget(office, kind)
    found = returned(office, sent.items[0])
    assert (found.item_id, found.proved, found.meaning) == (sent.items[0], True, bounce.RETURNED)


def test_a_mail_that_returns_after_all_terms_names_nobody_else(office: Office, sent: Sent, clock: FakeClock) -> None:
    before = broadcast.show(office, sent.id)
    clock.now += YEARS
    forget(office, Kind.BROADCASTS)
    found = returned(office, sent.items[0])
    assert (found.item_id, found.proved, found.meaning) == (None, False, bounce.REPORT)
    after = broadcast.show(office, sent.id)
    assert (before.pop("forgotten_at"), after.pop("forgotten_at")) == (None, clock())
    assert after == before
    # The number that stood in the return address is never given out again.
    new = NewAnnouncement(Announced.BROADCAST, Lane.SAFETY, ("t-daiichi",), "件名", "本文", True, "test", ())
    announce(office, new, audience(office, ("t-daiichi",)))
    assert min(number for (number,) in select("SELECT id FROM queue_item")) > max(sent.items)


def test_a_household_that_left_goes_after_all_that_names_it(office: Office, sent: Sent, clock: FakeClock) -> None:
    later = Entry("t-daini", "1", "1組", "佐藤 花", "", "s1", {1: "s@example.jp"}, True)
    roster.import_entries(office, [(2, later)], "test")
    select("UPDATE household SET deregistered_at = ? WHERE login = 'y1'", (round(clock().timestamp() * 1000),))
    with transaction():
        select("INSERT INTO suspension VALUES (?, 1, 'address_unknown', '550', NULL, NULL)", (ADDRESS,))
        select("INSERT INTO suspension VALUES (?, 1, 'complaint', '', NULL, NULL)", (OTHER,))
    clock.advance(days=400)
    assert forget(office, Kind.HOUSEHOLDS) == 0
    clock.now += YEARS
    forget(office, Kind.BROADCASTS)
    assert forget(office, Kind.HOUSEHOLDS) == 2
    assert select("SELECT login FROM household ORDER BY id") == [("y2",), ("s1",)]
    assert select("SELECT address_key FROM suspension") == [(OTHER,)]


def test_what_is_forgotten_is_overwritten_in_the_file(
    office: Office, sent: Sent, clock: FakeClock, store: Sqlite, tmp_path: Path
) -> None:
    def stands(text: str) -> bool:
        store.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return text.encode() in (tmp_path / "mimamori.db").read_bytes()

    assert [stands(text) for text in (PEER, "Handset/1.0", ADDRESS, SAID)] == [True] * 4
    clock.advance(days=367)
    forget(office, Kind.VISITS)
    assert [stands(text) for text in (PEER, "Handset/1.0", ADDRESS)] == [False, False, True]
    clock.now += YEARS
    forget(office, Kind.BROADCASTS)
    assert not stands(SAID)
    assert select("PRAGMA secure_delete") == [(0,)]


@pytest.fixture
def writer(store: Sqlite) -> Iterator[Writer]:
    opened = Writer()
    yield opened
    opened.close()


async def test_the_mailer_forgets_all_that_is_due_and_says_so(
    office: Office, sent: Sent, clock: FakeClock, writer: Writer
) -> None:
    clock.now += YEARS
    reader = Reader()
    found = await forget_all(office, reader, writer)
    await asyncio.to_thread(reader.close)
    assert found == {**dict.fromkeys(retention.PARTS, 0), Kind.TRANSCRIPTS: 4, Kind.VISITS: 1, Kind.BROADCASTS: 3}
    entered = {one.object: one.detail["forgotten"] for one in audit.list_(10) if one.action == "retention.forget"}
    assert entered == {"transcripts": 4, "visits": 1, "broadcasts": 3}
    assert audit.verify() == []


async def test_a_longer_term_keeps_longer(office: Office, sent: Sent, clock: FakeClock, writer: Writer) -> None:
    clock.now += YEARS
    longer = Terms(**{name: timedelta(days=3650) for name in retention.PARTS})
    reader = Reader()
    assert set((await forget_all(replace(office, kept=longer), reader, writer)).values()) == {0}
    await asyncio.to_thread(reader.close)


def test_what_is_kept_is_told_with_its_number_and_the_oldest(office: Office, sent: Sent) -> None:
    kept = {one.kind: one for one in retention.kept(office)}
    assert set(kept) == set(RULES)
    held = kept[Kind.BROADCASTS].held
    assert held is not None
    assert (held.rows, kept[Kind.AUDIT].term) == (2, None)
    assert retention.room().octets > 0
