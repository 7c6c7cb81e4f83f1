"""Does the client keep its promises whatever the server says and however the edge misuses it?"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.smtp.address import parse_address
from mailer.smtp.client import Client, ClientMisused, Closed, Event, Ready, Settled
from mailer.smtp.envelope import BDAT_REFUSED, Envelope, ForwardPath, ReversePath, Transaction
from mailer.smtp.reply import KEPT_CHARACTERS, Stage

CONTENT = b"Subject: test\r\n\r\nhello\r\n"
REVERSE = ReversePath(parse_address("b-1@mail.example.jp"))


def mail(*recipients: str, tag: object = None) -> Transaction:
    paths = tuple(ForwardPath(parse_address(text)) for text in recipients or ("taro@docomo.example",))
    return Transaction(Envelope(REVERSE, paths), CONTENT, tag)


def opened(*offers: str, starttls: bool = False) -> tuple[Client, list[Event]]:
    """Return a client that has been greeted by a server with these offers."""
    client = Client("mail.example.jp", starttls=starttls)
    assert client.receive(b"220 mx\r\n") == []
    client.outgoing()
    lines = ["mx", *offers]
    reply = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}\r\n"
    return client, client.receive(reply.encode())


def trusted() -> Client:
    """Return a client whose server has taken chunks twice."""
    client, _ = opened("PIPELINING", "CHUNKING")
    for _ in range(2):
        client.send(mail())
        client.outgoing()
        client.receive(b"250 ok\r\n250 ok\r\n")
        client.outgoing()
        client.receive(b"250 ok\r\n")
    return client


def test_room_is_what_the_offers_allow() -> None:
    client = Client("mail.example.jp", starttls=False)
    assert client.room == 0
    assert opened()[0].room == 1
    assert opened("PIPELINING")[0].room == 2
    assert opened("PIPELINING", "CHUNKING")[0].room == 1
    assert trusted().room == 4


def test_room_shrinks_with_each_mail_and_ends_with_quit() -> None:
    client, _ = opened("PIPELINING")
    client.send(mail())
    assert client.room == 1
    client.outgoing()
    assert client.room == 1
    client.send(mail())
    assert client.room == 0
    with pytest.raises(ClientMisused):
        client.send(mail())
    client, _ = opened()
    client.quit()
    assert client.room == 0


def test_calls_out_of_turn_are_our_mistake() -> None:
    client = Client("mail.example.jp", starttls=True)
    with pytest.raises(ClientMisused):
        client.send(mail())
    with pytest.raises(ClientMisused):
        client.tls_established()
    with pytest.raises(ValueError, match="EHLO"):
        Client("mail\r\n", starttls=True)


def test_closed_client_does_nothing_more() -> None:
    client, _ = opened("PIPELINING")
    client.send(mail())
    client.outgoing()
    events = client.receive(b"what?\r\n")
    assert [type(event) for event in events] == [Settled, Closed]
    assert (client.receive(b"250 ok\r\n"), client.eof(), client.fail("timeout")) == ([], [], [])
    assert (client.outgoing(), client.waiting, client.room) == (b"", None, 0)
    client.quit()
    assert client.outgoing() == b""
    with pytest.raises(ClientMisused):
        client.send(mail())


def test_quit_waits_for_what_is_under_way() -> None:
    client, _ = opened("PIPELINING")
    client.send(mail())
    client.quit()
    assert client.outgoing().endswith(b"DATA\r\n")
    client.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    assert client.outgoing().endswith(b"\r\n.\r\n")
    client.receive(b"250 ok\r\n")
    assert client.outgoing() == b"QUIT\r\n"


def test_serial_is_renewed_by_replies_alone() -> None:
    client, _ = opened("PIPELINING")
    client.send(mail())
    client.outgoing()
    first = client.waiting
    assert first is not None
    client.receive(b"250-a\r\n250-b\r\n250")
    client.outgoing()
    assert client.waiting == first
    client.receive(b"\r\n")
    second = client.waiting
    assert second is not None
    assert (first.stage, second.stage) == (Stage.MAIL, Stage.RCPT)
    assert first.serial != second.serial


def test_long_answer_to_ehlo_is_read_to_its_end() -> None:
    fillers = [f"X-FILLER-{number} {'x' * 60}" for number in range(90)]
    _, events = opened(*fillers, "PIPELINING")
    (ready,) = events
    assert isinstance(ready, Ready)
    assert ready.capabilities.pipelining


def test_long_refusal_of_ehlo_is_shortened() -> None:
    client = Client("mail.example.jp", starttls=False)
    client.receive(b"220 mx\r\n")
    client.outgoing()
    (closed,) = client.receive(b"450 " + b"x" * 9000 + b"\r\n")
    assert isinstance(closed, Closed)
    assert closed.reply is not None
    assert len(closed.reply.text) == KEPT_CHARACTERS


@pytest.mark.parametrize("flood", [b"x" * 65536, b"250-x\r\n" * 8192, b"220-x\r\n" * 8192])
def test_endless_greeting_is_given_up(flood: bytes) -> None:
    client = Client("mail.example.jp", starttls=False)
    events: list[Event] = []
    for _ in range(64):
        events += client.receive(flood)
    (closed,) = events
    assert isinstance(closed, Closed)
    assert closed.failure == "garbage"


WAYS: dict[str, Callable[[], Client]] = {"data": lambda: opened("PIPELINING")[0], "bdat": trusted}


def content_under_way(way: str, *tags: str) -> tuple[Client, int]:
    """Return a client that has said the content of mails, and how long its last write was; MAIL and RCPT are taken."""
    client = WAYS[way]()
    for tag in tags:
        client.send(mail(tag=tag))
    written = len(client.outgoing())
    client.receive(b"250 ok\r\n250 ok\r\n" + b"354 go\r\n" * (way == "data"))
    return client, len(client.outgoing()) or written


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kept_back", "kept_unknown"), [(1, True), (len(CONTENT), True), (len(CONTENT) + 40, False)])
def test_positive_reply_before_the_end_has_left_is_no_acceptance(way: str, kept_back: int, kept_unknown: bool) -> None:
    client, _ = content_under_way(way, "a")
    settled, closed = client.receive(b"250 taken\r\n", 0, kept_back)
    assert isinstance(settled, Settled)
    assert isinstance(closed, Closed)
    (fact,) = settled.facts
    assert (fact.stage, fact.failure, fact.kept_unknown) == (Stage.EOD, "garbage", kept_unknown)
    assert not fact.accepted
    assert closed.failure == "garbage"


@pytest.mark.parametrize("way", WAYS)
def test_reply_counts_once_the_end_has_left_whatever_rides_behind(way: str) -> None:
    client, _ = content_under_way(way, "a", "b")
    behind = len(b"RSET\r\nMAIL FROM:<b-1@mail.example.jp>\r\nRCPT TO:<taro@docomo.example>\r\n")
    (settled,) = client.receive(b"250 taken\r\n", 0, behind)
    assert isinstance(settled, Settled)
    assert settled.facts[0].accepted


def test_what_rides_behind_content_that_has_not_left_is_nowhere() -> None:
    client, written = content_under_way("bdat", "a", "b")
    first, second, _ = client.receive(b"250 taken\r\n", 0, written // 2 + len(b"RSET\r\n"))
    assert isinstance(first, Settled)
    assert isinstance(second, Settled)
    assert [event.facts[0].kept_unknown for event in (first, second)] == [True, False]


@pytest.mark.parametrize("way", WAYS)
def test_refusal_before_the_end_has_left_counts_and_ends_the_session(way: str) -> None:
    client, _ = content_under_way(way, "a")
    settled, closed = client.receive(b"552 too big\r\n", 0, 5)
    assert isinstance(settled, Settled)
    assert (settled.facts[0].failure, settled.facts[0].kept_unknown) == ("", False)
    assert isinstance(closed, Closed)
    assert closed.failure == "garbage"


@pytest.mark.parametrize("kept_back", [0, 5])
@pytest.mark.parametrize("code", [500, 501, 502, 503, 504])
def test_chunks_that_are_offered_and_not_known_leave_no_copy(code: int, kept_back: int) -> None:
    client, _ = opened("PIPELINING", "CHUNKING")
    client.send(mail())
    client.outgoing()
    client.receive(b"250 ok\r\n250 ok\r\n")
    assert client.outgoing().startswith(b"BDAT ")
    settled, closed = client.receive(b"%d what?\r\n" % code, 0, kept_back)
    assert isinstance(settled, Settled)
    (fact,) = settled.facts
    assert (fact.failure, fact.reply, fact.kept_unknown, fact.heard[-1][2].code) == (BDAT_REFUSED, None, False, code)
    assert isinstance(closed, Closed)
    assert closed.failure == BDAT_REFUSED


def test_an_offer_that_shall_not_be_used_is_none() -> None:
    client = Client("mail.example.jp", starttls=False, chunking=False)
    client.receive(b"220 mx\r\n")
    client.outgoing()
    client.receive(b"250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n")
    assert client.room == 2
    client.send(mail())
    assert client.outgoing().endswith(b"DATA\r\n")


def test_a_long_session_by_chunks_takes_at_most_half_a_round_trip_for_a_mail() -> None:
    client, _ = opened("PIPELINING", "CHUNKING")
    taken, rounds = 0, 0
    while taken < 100:
        while client.room:
            client.send(mail())
        written = client.outgoing()
        events = client.receive(
            b"250 ok\r\n" * sum(written.count(verb) for verb in (b"RSET", b"MAIL", b"RCPT", b"BDAT"))
        )
        taken += len(events)
        rounds += 1
    assert rounds <= 29  # two for each mail of the trial, then one for four


def test_farewell_may_come_at_any_time() -> None:
    client, _ = content_under_way("data", "a")
    settled, closed = client.receive(b"421 bye\r\n", 0, 5)
    assert isinstance(settled, Settled)
    assert (settled.facts[0].failure, settled.facts[0].kept_unknown) == ("", False)
    assert isinstance(closed, Closed)
    assert closed.failure == "closed"


def test_answer_to_a_command_that_has_not_left_is_no_answer() -> None:
    client, _ = opened("PIPELINING")
    client.send(mail())
    written = len(client.outgoing())
    settled, closed = client.receive(b"550 no\r\n", 0, written)
    assert isinstance(settled, Settled)
    assert (settled.facts[0].failure, settled.facts[0].kept_unknown) == ("garbage", False)
    assert isinstance(closed, Closed)


REPLIES = st.sampled_from(
    [
        b"250 ok",
        b"250-a\r\n250 b",
        b"354 go",
        b"450 later",
        b"550 5.1.1 no",
        b"503 bad",
        b"421 bye",
        b"199 x",
        b"",
        b"250-a\r\n550 b",
    ]
)
GOOD_REPLIES = st.sampled_from([b"250 ok", b"250 ok", b"250 ok", b"354 go", b"354 go", b"550 no", b"451 no"])
OFFERS = st.lists(st.sampled_from(["PIPELINING", "CHUNKING", "SIZE 9999", "8BITMIME"]), unique=True)


@given(st.lists(st.binary(max_size=30) | REPLIES.map(lambda line: line + b"\r\n"), max_size=40), st.booleans())
def test_any_bytes_from_the_server_lead_to_events(pieces: list[bytes], starttls: bool) -> None:
    client = Client("mail.example.jp", starttls=starttls)
    events: list[Event] = []
    for piece in pieces:
        events += client.receive(piece)
        if client.room:
            events += client.send(mail())
        client.outgoing()
    events += client.eof()
    assert [isinstance(event, Closed) for event in events].index(True) == len(events) - 1


@given(OFFERS, st.lists(GOOD_REPLIES | REPLIES, max_size=60), st.integers(1, 3), st.sampled_from(["closed", "timeout"]))
def test_each_mail_is_settled_once_and_never_kept_without_its_end(
    offers: list[str], replies: list[bytes], recipients: int, failure: str
) -> None:
    client, events = opened(*offers)
    sent = 0
    written = b""
    for reply in replies:
        while client.room:
            events += client.send(mail(*[f"r{number}@x.example" for number in range(recipients)], tag=sent))
            sent += 1
        written += client.outgoing()
        events += client.receive(reply + b"\r\n")
    events += client.fail(failure)
    settled = [event for event in events if isinstance(event, Settled)]
    assert [event.transaction.tag for event in settled] == list(range(sent))
    assert isinstance(events[-1], Closed)
    facts = [fact for event in settled for fact in event.facts]
    assert len(facts) == sent * recipients
    contents = written.count(CONTENT)
    assert sum(event.facts[0].kept_unknown or any(f.accepted for f in event.facts) for event in settled) <= contents
    assert written.count(b"\n") == written.count(b"\r\n") == written.count(b"\r")
    for fact in facts:
        assert fact.failure or fact.reply is not None
        assert not (fact.accepted and fact.kept_unknown)
