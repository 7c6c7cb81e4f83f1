"""Is what was said in a session kept whole in few bytes, and told in the right order?"""

from dataclasses import replace

import pytest

from mailer.smtp.address import parse_address
from mailer.smtp.client import Client, Settled
from mailer.smtp.envelope import Envelope, Fact, ForwardPath, Heard, ReversePath, Transaction
from mailer.smtp.reply import Reply, Stage
from mailer.smtp.transcript import Mail, heard, kept, offers, opening, transaction

FROM = ReversePath(parse_address("b-1@mail.example.jp"))
TO = ForwardPath(parse_address("guardian@docomo.example"))
CONTENT = b"Subject: x\r\n\r\nsecret\r\n"
MAIL = Mail(FROM, TO, len(CONTENT), eight_bit=False)
CHUNKING = b"250-mx\r\n250-SIZE 100\r\n250-PIPELINING\r\n250 CHUNKING\r\n"


def ready(offered: bytes) -> Client:
    client = Client("mx.ours.example", starttls=True)
    client.receive(b"220 mx\r\n", 5)
    client.outgoing()
    client.receive(offered, 10)
    return client


def trusted() -> Client:
    """Return a client whose server has taken chunks twice."""
    client = ready(CHUNKING)
    for _ in range(2):
        handed_over(client, b"250 ok\r\n250 ok\r\n", b"250 ok\r\n", lost=False)
    return client


def handed_over(
    client: Client, *answers: bytes, paths: tuple[ForwardPath, ...] = (TO,), alone: bool = False, lost: bool = True
) -> tuple[Fact, ...]:
    """Hand one mail over to answers that come 10 ms after each other, then lose the connection."""
    client.send(Transaction(Envelope(FROM, paths), CONTENT, alone=alone))
    events = []
    for number, answer in enumerate(answers, start=2):
        client.outgoing()
        events += client.receive(answer, number * 10)
    client.outgoing()
    events += client.fail("timeout") if lost else []
    return next(event.facts for event in events if isinstance(event, Settled))


def told(client: Client, fact: Fact) -> list[str]:
    """Return the lines of a mail's conversation after it was kept and read again."""
    again = list(heard(kept(fact.heard, fact.reply), fact.reply))
    marks = {"server": "<", "client": ">", "ahead": "+"}
    return [
        f"{'' if said.at is None else said.at}{marks[said.by]} {said.text}"
        for said in transaction(again, replace(MAIL, way=fact.way), offers(client.heard))
    ]


def test_a_mail_in_lock_step() -> None:
    client = ready(b"250 mx\r\n")
    (fact,) = handed_over(client, b"250 2.1.0 Ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 queued\r\n")
    assert told(client, fact) == [
        "> MAIL FROM:<b-1@mail.example.jp>",
        "20< 250 2.1.0 Ok",
        "> RCPT TO:<guardian@docomo.example>",
        "30< 250 ok",
        "> DATA",
        "40< 354 go",
        "> <22 octets>",
        "50< 250 queued",
    ]
    assert kept(fact.heard, fact.reply) == "m 20 250 2.1.0 Ok\nr 30 250 ok\nd 40 354 go\ne 50"


def test_a_mail_in_one_flight() -> None:
    client = trusted()
    (fact,) = handed_over(client, b"250 ok\r\n250 ok\r\n250 ok\r\n", b"250 ok\r\n")
    assert told(client, fact) == [
        "> MAIL FROM:<b-1@mail.example.jp> SIZE=22",
        "20< 250 ok",
        "> RCPT TO:<guardian@docomo.example>",
        "20< 250 ok",
        "> BDAT 22 LAST <22 octets>",
        "20< 250 ok",
    ]


@pytest.mark.parametrize(
    ("answers", "last"),
    [
        ([b"250 ok\r\n"], ["20< 250 ok", "> RCPT TO:<guardian@docomo.example>"]),
        ([b"250 ok\r\n450 later\r\n"], ["> RCPT TO:<guardian@docomo.example>", "20< 450 later"]),
        ([b"250 ok\r\n250 ok\r\n"], ["20< 250 ok", "> BDAT 22 LAST <22 octets>"]),
        ([b"250 ok\r\n250 ok\r\n", b"452 full\r\n"], ["> BDAT 22 LAST <22 octets>", "30< 452 full"]),
    ],
)
def test_chunks_that_are_not_trusted_yet_are_said_apart(answers: list[bytes], last: list[str]) -> None:
    client = ready(CHUNKING)
    (fact,) = handed_over(client, *answers)
    assert told(client, fact)[-len(last) :] == last


@pytest.mark.parametrize(
    ("answers", "last"),
    [
        ([b"250 ok\r\n"], ["20< 250 ok", "> RCPT TO:<guardian@docomo.example>", "> DATA"]),
        ([b"250 ok\r\n250 ok\r\n354 go\r\n"], ["> DATA", "20< 354 go", "> <22 octets>"]),
    ],
)
def test_data_is_told_though_chunks_were_offered(answers: list[bytes], last: list[str]) -> None:
    client = trusted()
    (fact,) = handed_over(client, *answers, alone=True)
    assert told(client, fact)[-len(last) :] == last


@pytest.mark.parametrize(
    ("offered", "answers", "last"),
    [
        (b"250 mx\r\n", [b"250 ok\r\n"], ["> RCPT TO:<guardian@docomo.example>"]),
        (b"250 mx\r\n", [b"250 ok\r\n", b"550-No\r\n550 such user\r\n"], ["30< 550-No", "30< 550 such user"]),
        (b"250 mx\r\n", [b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"], ["40< 354 go", "> <22 octets>"]),
        (b"250-mx\r\n250 PIPELINING\r\n", [b"250 ok\r\n"], ["> RCPT TO:<guardian@docomo.example>", "> DATA"]),
        (CHUNKING, [b"250 ok\r\n250 ok\r\n"], ["20< 250 ok", "> BDAT 22 LAST <22 octets>"]),
    ],
)
def test_what_was_said_and_never_answered(offered: bytes, answers: list[bytes], last: list[str]) -> None:
    client = ready(offered)
    (fact,) = handed_over(client, *answers)
    assert told(client, fact)[-len(last) :] == last


@pytest.mark.parametrize(
    ("offered", "answers", "last"),
    [
        (
            CHUNKING,
            b"250 ok\r\n450 later\r\n554 no valid recipients\r\n",
            ["> RCPT TO:<guardian@docomo.example>", "+ BDAT 22 LAST <22 octets>", "20< 450 later"],
        ),
        (
            b"250-mx\r\n250 PIPELINING\r\n",
            b"250 ok\r\n450 later\r\n554 no valid recipients\r\n",
            ["> RCPT TO:<guardian@docomo.example>", "+ DATA", "20< 450 later"],
        ),
        (
            CHUNKING,
            b"421 bye\r\n",
            ["+ RCPT TO:<guardian@docomo.example>", "+ BDAT 22 LAST <22 octets>", "20< 421 bye"],
        ),
        (CHUNKING, b"250 ok\r\n250 ok\r\n452 full\r\n", ["> BDAT 22 LAST <22 octets>", "20< 452 full"]),
    ],
)
def test_what_left_ahead_of_the_reply_that_decided_is_told_before_it(
    offered: bytes, answers: bytes, last: list[str]
) -> None:
    client = trusted() if offered is CHUNKING else ready(offered)
    (fact,) = handed_over(client, answers)
    assert told(client, fact)[-len(last) :] == last


def test_each_recipient_hears_of_itself_alone() -> None:
    other = ForwardPath(parse_address("other@docomo.example"))
    client = ready(b"250-mx\r\n250 PIPELINING\r\n")
    answers = b"250 ok\r\n550 no\r\n250 yes\r\n354 go\r\n"
    first, second = handed_over(client, answers, b"250 queued\r\n", paths=(TO, other))
    assert [reply.text for _, _, reply in first.heard] == ["ok", "no"]
    assert [reply.text for _, _, reply in second.heard] == ["ok", "yes", "go", "queued"]


def test_nothing_is_told_where_nothing_was_heard() -> None:
    assert list(transaction([], MAIL, offers([]))) == []


def test_the_opening_with_tls_and_without() -> None:
    client = ready(b"250-mx\r\n250 STARTTLS\r\n")
    client.outgoing()
    client.receive(b"220 go\r\n", 20)
    client.tls_established()
    client.outgoing()
    client.receive(b"250 mx\r\n", 30)
    again = list(heard(kept(client.heard)))
    assert [(said.at, said.by, said.text) for said in opening(again, "mx.ours.example", "TLSv1.3 X")] == [
        (5, "server", "220 mx"),
        (None, "client", "EHLO mx.ours.example"),
        (10, "server", "250-mx"),
        (10, "server", "250 STARTTLS"),
        (None, "client", "STARTTLS"),
        (20, "server", "220 go"),
        (None, "tls", "TLSv1.3 X"),
        (None, "client", "EHLO mx.ours.example"),
        (30, "server", "250 mx"),
    ]


def test_the_opening_with_helo_and_up_to_quit() -> None:
    client = Client("mx.ours.example", starttls=True)
    for at, line in enumerate((b"220 mx\r\n", b"502 what?\r\n", b"250 mx\r\n")):
        client.receive(line, at)
        client.outgoing()
    client.quit()
    client.outgoing()
    client.receive(b"221 bye\r\n", 9)
    texts = [said.text for said in opening(client.heard, "ours", "")]
    assert texts == ["220 mx", "EHLO ours", "502 what?", "HELO ours", "250 mx"]


@pytest.mark.parametrize(
    "text", ["", " two  spaces ", "a\nb\\n", "日本語", "日本語\n二行", "\x00\x85\u2028\t", "\\u3042", "x" * 1024]
)
def test_whatever_a_server_says_is_read_again_as_it_was(text: str) -> None:
    said: list[Heard] = [(Stage.MAIL, 7, Reply(250, text)), (Stage.EOD, 8, Reply(0, text))]
    assert list(heard(kept(said))) == said
    assert list(heard("")) == []
