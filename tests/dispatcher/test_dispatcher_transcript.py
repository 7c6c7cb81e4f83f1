"""Is what was said in each attempt written down, once for a session and briefly for a mail?"""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mailer.carrier.group import Manners
from mailer.cli.mailing import Mailing
from mailer.clock import system_clock
from mailer.dispatcher import record
from mailer.rehearsal.moods import Forms, Greeting, Mood
from mailer.service import broadcast, queue, transcript
from mailer.service.office import Office
from mailer.service.transcript import Line
from mailer.smtp.address import Address, parse_address
from mailer.smtp.client import Client, Settled
from mailer.smtp.envelope import Envelope, ForwardPath, ReversePath, Transaction
from mailer.smtp.transcript import heard, offers, transaction
from mailer.store.database import select
from tests.dispatcher.town import town

WELL = Mood()


@pytest.fixture
def office(office: Office) -> Office:
    """The common office on the real clock."""
    return replace(office, clock=system_clock)


def said(office: Office, sent: str) -> dict[str, list[Line]]:
    """Return the conversation of the first attempt at each address."""
    found = {}
    for one in broadcast.recipients(sent):
        shown = queue.show(office, one["queue_id"])
        assert shown is not None
        found[one["address"]] = shown.transcripts[0]
    return found


def tried(sent: str) -> bool:
    return all(one["evidence"]["at"] for one in broadcast.recipients(sent))


def texts(lines: list[Line], by: str) -> list[str]:
    return [line.text for line in lines if line.by == by]


async def test_the_conversation_of_each_mail_is_told(office: Office) -> None:
    mood = replace(WELL, capabilities=("PIPELINING", "SIZE 1000000", "8BITMIME"))
    async with town(office, {"a.example": mood, "b.example": mood}) as here:
        here.register(["good@a.example", "unknown-1@a.example", "reset-1@a.example", "a..b@b.example"])
        before = system_clock()
        sent = here.send()
        await here.run_until(lambda: tried(sent))
        told = said(office, sent)
    good = told["good@a.example"]
    assert good[0].by == "connect"
    assert good[0].text == f"mx.a.example[127.0.77.1]:{here.port}"
    assert texts(good, "server")[0].startswith("220 ")
    ours = texts(good, "client")
    assert ours[0] == "EHLO mx.ours.example"
    assert ours[1].startswith("MAIL FROM:<")
    assert ours[1].split("SIZE=")[1] == ours[-1].strip("<>").split(" ")[0].replace(",", "")
    assert ours[2:4] == ["RCPT TO:<good@a.example>", "DATA"]
    times = [line.at for line in good if line.at is not None]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= system_clock()
    assert texts(told["unknown-1@a.example"], "server")[-1].startswith("550 ")
    assert told["reset-1@a.example"][-1].text == "reset"
    assert 'RCPT TO:<"a..b"@b.example>' in texts(told["a..b@b.example"], "client")
    assert not any("不審者" in line.text for lines in told.values() for line in lines)


@pytest.mark.parametrize("receipt", [True, False])
async def test_the_command_tells_the_size_that_the_receiver_is_told(office: Office, receipt: bool) -> None:
    async with town(office, {"a.example": WELL, "b.example": WELL}) as here:
        here.register(["good@a.example", "a..b@b.example"])
        sent = here.send(receipt=receipt)
        waiting = {item.address: Mailing(office).octets(item) for item in queue.list_(queue.Selection())}
        await here.run_until(lambda: here.show(sent)["accepted"] == 2)
        told = {
            address: int(next(text for text in texts(lines, "client") if "SIZE=" in text).split("SIZE=")[1].split()[0])
            for address, lines in said(office, sent).items()
        }
    assert waiting == told


@pytest.mark.parametrize(("before", "ahead"), [([], []), (["good-1@a.example", "good-2@a.example"], ["BDAT"])])
async def test_content_that_left_before_the_address_was_refused_is_told_as_such(
    office: Office, before: list[str], ahead: list[str]
) -> None:
    async with town(office, {"a.example": WELL}, manners=Manners(1, 100, None, None, 300)) as here:
        here.register([*before, "unknown-1@a.example"])
        sent = here.send()
        await here.run_until(lambda: tried(sent))
        lines = said(office, sent)["unknown-1@a.example"]
    mail, rcpt, *between, reply = [line for line in lines if line.by != "end"][-3 - len(ahead) :]
    assert mail.text.startswith("250")
    assert (rcpt.by, rcpt.text) == ("client", "RCPT TO:<unknown-1@a.example>")
    assert [(line.by, line.text.split()[0]) for line in between] == [("ahead", word) for word in ahead]
    assert (reply.by, reply.text[0]) == ("server", "5")


async def test_a_session_is_written_once_and_briefly_used(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here:
        here.register([f"g{number}@a.example" for number in range(200)])
        sent = here.send()
        await here.run_until(lambda: here.show(sent)["accepted"] == 200)
    named, sessions = select("SELECT COUNT(session_id), COUNT(DISTINCT session_id) FROM attempt")[0]
    assert (named, sessions) == (200, select("SELECT COUNT(*) FROM smtp_session")[0][0])
    assert sessions <= 20
    assert select("SELECT MAX(LENGTH(CAST(transcript AS BLOB))) FROM attempt")[0][0] <= 140


async def test_a_receiver_that_does_not_let_us_in_is_told_of_too(office: Office) -> None:
    async with town(office, {"a.example": replace(WELL, greeting=Greeting.THROTTLE)}) as here:
        here.register(["good@a.example"])
        sent = here.send()
        await here.run_until(lambda: tried(sent))
        (lines,) = said(office, sent).values()
    assert [line.by for line in lines] == ["connect", "server"]
    assert lines[1].text.startswith(("421", "4", "5"))


async def test_a_mail_that_goes_again_in_another_form_is_told_of_twice(office: Office) -> None:
    async with town(office, {"a.example": replace(WELL, forms=Forms.BARE)}) as here:
        here.register(["a..b@a.example"])
        sent = here.send()
        await here.run_until(lambda: here.show(sent)["accepted"] == 1)
        (lines,) = said(office, sent).values()
    asked = [text for text in texts(lines, "client") if text.startswith("RCPT")]
    assert asked == ['RCPT TO:<"a..b"@a.example>', "RCPT TO:<a..b@a.example>"]
    assert [line.by for line in lines].count("connect") == 1
    replies = texts(lines, "server")
    assert any(text.startswith("5") for text in replies)
    assert replies[-1].startswith("250 ")


def test_a_mail_that_asked_for_requiretls_is_told_as_such(office: Office) -> None:
    client = Client("mx.ours.example", starttls=True)
    for answer in (b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"220 go\r\n"):
        client.receive(answer, 1)
        client.outgoing()
    client.tls_established(authenticated=True)
    client.outgoing()
    client.receive(b"250-mx\r\n250 REQUIRETLS\r\n", 2)
    to = ForwardPath(parse_address("good@a.example"))
    reverse_path = ReversePath(Address(office.verp.local_part(1), office.domain))
    client.send(Transaction(Envelope(reverse_path, (to,), require_tls=True), b"Subject: x\r\n\r\nx\r\n"))
    line = client.outgoing().decode().strip()
    assert line.endswith(" REQUIRETLS")
    (event,) = client.receive(b"550 no\r\n", 3)
    assert isinstance(event, Settled)
    about, _, replies = record._transcript(event.facts[0], None).partition("\n")
    mail = transcript._mail(office, cast(Any, SimpleNamespace(id=1, address="good@a.example")), about)
    told = [one.text for one in transaction(list(heard(replies)), mail, offers(client.heard)) if one.by == "client"]
    assert told == [line]
