"""Does a simulated receiver say the right thing, command by command and in one flight?"""

import hashlib
from dataclasses import replace

import pytest

from mailer.rehearsal.desk import Desk
from mailer.rehearsal.ledger import Ledger
from mailer.rehearsal.moods import Forms, Greeting, Mood
from mailer.rehearsal.session import Session, Step
from mailer.rehearsal.transaction import End
from mailer.rehearsal.wording import Wording

DOMAINS = ("docomo.ne.jp",)
AU = Wording(
    unknown="550 <{address}>: User unknown",
    filtered="550 : User unknown",
    syntax="554 <{address}>: Relay access denied",
)


class Talk:
    """One session, its desk and the time, which stands still."""

    def __init__(self, mood: Mood | None = None, desk: Desk | None = None) -> None:
        self.desk = desk or Desk("docomo", mood or Mood(), Ledger("docomo", keep=None), DOMAINS)
        self.now = 1000.0
        self.steps: list[Step] = []
        self.begin()

    def begin(self) -> bytes:
        welcome = self.desk.enter()
        self.session = Session(self.desk, 1)
        return self._words(self.session.greet(welcome=welcome))

    def say(self, *lines: str) -> bytes:
        return self.raw("".join(line + "\r\n" for line in lines).encode())

    def raw(self, data: bytes) -> bytes:
        return self._words(self.session.receive(data, self.now))

    def mail(self, address: str, content: str = "Subject: x\r\n\r\nhello") -> list[int]:
        """Send a mail in one flight and return the codes of MAIL, RCPT, DATA and the end of the data."""
        said = self.say("MAIL FROM:<b-1@mail.example>", f"RCPT TO:<{address}>", "DATA")
        if said.splitlines()[-1].startswith(b"354"):
            said += self.say(content, ".")
        return [int(line[:3]) for line in said.splitlines() if line[3:4] != b"-"]

    def ehlo(self) -> "Talk":
        self.say("EHLO me.example")
        return self

    @property
    def end(self) -> End:
        return self.steps[-1].end

    def _words(self, steps: list[Step]) -> bytes:
        self.steps = steps
        return b"".join(word for step in steps for word in step.words)


@pytest.fixture
def talk() -> Talk:
    return Talk().ehlo()


def test_takes_a_mail_and_writes_it_down(talk: Talk) -> None:
    assert talk.mail("a@docomo.ne.jp") == [250, 250, 354, 250]
    content = b"Subject: x\r\n\r\nhello\r\n"
    (mail,) = talk.desk.ledger.received
    assert (mail.reverse_path, mail.recipients) == ("b-1@mail.example", ("a@docomo.ne.jp",))
    assert (mail.size, mail.at) == (len(content), 1000.0)
    assert mail.sha256 == hashlib.sha256(content).hexdigest()
    assert talk.desk.ledger.contents[0] == (mail, content)
    assert talk.desk.ledger.answered == []
    assert talk.steps[-1].mails == [(mail, content)]


def test_the_next_mail_may_ride_behind_the_final_dot(talk: Talk) -> None:
    envelope = ("MAIL FROM:<b@mail.example>", "RCPT TO:<a@docomo.ne.jp>", "DATA")
    assert talk.say(*envelope).count(b"\r\n") == 3
    for _ in range(3):
        said = talk.say("one", ".", *envelope)
        assert [line[:3] for line in said.splitlines()] == [b"250", b"250", b"250", b"354"]
    assert talk.say("last", ".", "QUIT").splitlines()[-1].startswith(b"221")
    assert talk.end is End.CLOSE
    assert talk.session.taken == 4


@pytest.mark.parametrize("size", [1, 3, 7])
def test_it_does_not_matter_how_the_bytes_come(size: int) -> None:
    flight = (
        b"EHLO me\r\nMAIL FROM:<b@x>\r\nRCPT TO:<a@docomo.ne.jp>\r\nDATA\r\n..x\r\n.\r\n"
        b"MAIL FROM:<>\r\nRCPT TO:<unknown-a@docomo.ne.jp>\r\nDATA\r\nRSET\r\nQUIT\r\n"
    )
    whole, pieces = Talk(), Talk()
    said = b"".join(pieces.raw(flight[at : at + size]) for at in range(0, len(flight), size))
    assert said == whole.raw(flight)
    assert [mail.sha256 for mail in pieces.desk.ledger.received] == [hashlib.sha256(b".x\r\n").hexdigest()]


def test_chunks_make_a_mail(talk: Talk) -> None:
    said = talk.raw(
        b"MAIL FROM:<b@x>\r\nRCPT TO:<a@docomo.ne.jp>\r\nBDAT 4\r\n.\r\naBDAT 3 LAST\r\nb\r\n"
        b"MAIL FROM:<b@x>\r\nRCPT TO:<unknown-a@docomo.ne.jp>\r\nBDAT 3 LAST\r\nx\r\nRSET\r\n"
    )
    assert [line[:3] for line in said.splitlines()] == [b"250"] * 5 + [b"550", b"554", b"250"]
    assert talk.desk.ledger.contents[0][1] == b".\r\nab\r\n"


def test_offers_what_the_mood_says() -> None:
    assert b"250-SIZE 20971520\r\n" in Talk().say("EHLO me")
    plain = Talk(Mood(capabilities=()))
    assert plain.say("EHLO me") == b"250 docomo\r\n"
    assert plain.say("BDAT 3 LAST").startswith(b"500")
    assert plain.say("STARTTLS").startswith(b"502")
    assert Talk(Mood(starttls=True)).say("EHLO me").endswith(b"250 STARTTLS\r\n")


def test_keeps_to_the_order_of_commands() -> None:
    talk = Talk()
    assert talk.say("MAIL FROM:<b@x>").startswith(b"503")
    talk.ehlo()
    assert talk.say("RCPT TO:<a@docomo.ne.jp>").startswith(b"503")
    assert talk.say("DATA").startswith(b"503")
    assert talk.say("MAIL FROM:<b@x>", "MAIL FROM:<b@x>").splitlines()[1].startswith(b"503")
    assert talk.say("DATA").startswith(b"554")
    assert talk.say("VRFY a", "NOOP", "HELO me").count(b"250") == 2


@pytest.mark.parametrize(
    ("local", "codes"),
    [
        ("a", [250, 250, 354, 250]),
        ("unknown-a", [250, 550, 554]),
        ("tempfail-a", [250, 451, 554]),
        ("full-a", [250, 452, 554]),
        ("greylist-a", [250, 450, 554]),
        ("filtered-a", [250, 250, 354, 550]),
        ("eodfail-a", [250, 250, 354, 451]),
        ("bounce-a", [250, 250, 354, 250]),
        ("reset-a", [250]),
        ("dropdata-a", [250, 250, 354]),
        ("lostreply-a", [250, 250, 354]),
        ("silent-a", [250, 250, 354]),
    ],
)
def test_each_fault_shows_where_it_should(talk: Talk, local: str, codes: list[int]) -> None:
    assert talk.mail(f"{local}@docomo.ne.jp") == codes


@pytest.mark.parametrize(
    ("local", "end", "kept"),
    [("reset-a", End.RESET, 0), ("dropdata-a", End.CLOSE, 0), ("lostreply-a", End.CLOSE, 1), ("silent-a", End.MUTE, 1)],
)
def test_broken_connections_keep_what_they_should(talk: Talk, local: str, end: End, kept: int) -> None:
    talk.mail(f"{local}@docomo.ne.jp")
    assert talk.end is end
    assert len(talk.desk.ledger.received) == kept


def test_a_fault_may_pass(talk: Talk) -> None:
    codes = [talk.mail("tempfail-2-a@docomo.ne.jp")[1] for _ in range(3) if talk.say("RSET")]
    assert codes == [451, 451, 250]


def test_greylisting_ends_after_its_time(talk: Talk) -> None:
    assert talk.mail("greylist-a@docomo.ne.jp")[1] == 450
    talk.say("RSET")
    talk.now += 4.9
    assert talk.mail("greylist-a@docomo.ne.jp")[1] == 450
    talk.say("RSET")
    talk.now += 0.2
    assert talk.mail("greylist-a@docomo.ne.jp")[-1] == 250


def test_uses_the_carriers_own_words() -> None:
    talk = Talk(Mood(wording=AU)).ehlo()
    assert talk.say("MAIL FROM:<b@x>", "RCPT TO:<unknown-a@docomo.ne.jp>").endswith(
        b"550 <unknown-a@docomo.ne.jp>: User unknown\r\n"
    )
    talk.say("RSET")
    talk.say("MAIL FROM:<b@x>", "RCPT TO:<filtered-a@docomo.ne.jp>", "DATA")
    assert talk.say("x", ".") == b"550 : User unknown\r\n"


@pytest.mark.parametrize(
    ("forms", "quoted", "bare"), [(Forms.BOTH, 250, 250), (Forms.QUOTED, 250, 554), (Forms.BARE, 554, 250)]
)
def test_takes_irregular_addresses_in_the_forms_it_knows(forms: Forms, quoted: int, bare: int) -> None:
    talk = Talk(Mood(wording=AU, forms=forms)).ehlo()
    talk.say("MAIL FROM:<b@x>")
    assert int(talk.say('RCPT TO:<"a..b"@docomo.ne.jp>')[:3]) == quoted
    assert int(talk.say("RCPT TO:<a..b@docomo.ne.jp>")[:3]) == bare
    assert talk.say("RCPT TO:<-a.b@docomo.ne.jp>").startswith(b"250")
    talk.say("DATA")
    talk.say(".")
    assert set(talk.desk.ledger.received[0].recipients) == {"a..b@docomo.ne.jp", "-a.b@docomo.ne.jp"}


def test_serves_only_its_own_domains(talk: Talk) -> None:
    talk.say("MAIL FROM:<b@x>")
    assert talk.say("RCPT TO:<a@DoCoMo.ne.jp>").startswith(b"250")
    assert talk.say("RCPT TO:<a@example.com>").startswith(b"554 5.7.1")


def test_ends_a_session_with_too_many_recipients() -> None:
    talk = Talk(Mood(wording=replace(AU, too_many="554 Transaction failed"), recipients_per_session=100)).ehlo()
    for _ in range(100):
        assert talk.mail("a@docomo.ne.jp")[-1] == 250
    assert talk.say("MAIL FROM:<b@x>", "RCPT TO:<a@docomo.ne.jp>", "DATA").endswith(b"554 Transaction failed\r\n")
    assert talk.end is End.CLOSE


def test_throttles_long_sessions_with_words_or_without() -> None:
    talk = Talk(Mood(messages_per_session=2, wording=Wording(throttled="421 "))).ehlo()
    assert [talk.mail("a@docomo.ne.jp")[-1] for _ in range(2)] == [250, 250]
    assert talk.say("MAIL FROM:<b@x>", "RCPT TO:<a@docomo.ne.jp>", "DATA") == b"421 \r\n"
    assert talk.end is End.CLOSE
    assert talk.desk.ledger.counters.throttled == 1


def test_throttles_by_rate_over_all_sessions() -> None:
    talk = Talk(Mood(messages_per_second=2.0)).ehlo()
    assert talk.mail("a@docomo.ne.jp")[-1] == 250
    assert talk.mail("a@docomo.ne.jp")[-1] == 250
    assert talk.mail("a@docomo.ne.jp") == [421]
    talk.begin()
    talk.ehlo().now += 0.5
    assert talk.mail("a@docomo.ne.jp")[-1] == 250


def test_lets_so_many_connections_in() -> None:
    talk = Talk(Mood(connections=1))
    second = Talk(desk=talk.desk)
    assert second.end is End.CLOSE
    assert second.steps[0].words[0].startswith(b"421")
    talk.desk.leave()
    talk.desk.leave()
    assert Talk(desk=talk.desk).end is End.OPEN
    assert (talk.desk.ledger.counters.sessions, talk.desk.ledger.counters.most_connections) == (3, 2)


@pytest.mark.parametrize(
    ("greeting", "end", "words"),
    [(Greeting.THROTTLE, End.CLOSE, b"421"), (Greeting.RESET, End.RESET, b""), (Greeting.SILENT, End.MUTE, b"")],
)
def test_may_refuse_to_talk_at_all(greeting: Greeting, end: End, words: bytes) -> None:
    talk = Talk(Mood(greeting=greeting))
    assert talk.end is end
    assert b"".join(talk.steps[0].words)[:3] == words


def test_refuses_what_is_too_big(talk: Talk) -> None:
    small = Talk(Mood(max_size=100)).ehlo()
    assert small.say("MAIL FROM:<b@x> SIZE=101").startswith(b"552")
    assert small.mail("a@docomo.ne.jp", "x" * 200)[-1] == 552
    assert small.desk.ledger.received == []
    assert talk.raw(b"x" * 5000).startswith(b"500")
    assert talk.end is End.CLOSE


def test_slowness_makes_pauses() -> None:
    talk = Talk(Mood(slow_seconds=3.0)).ehlo()
    talk.say("MAIL FROM:<b@x>", "RCPT TO:<slow-a@docomo.ne.jp>", "DATA")
    assert [step.pause for step in talk.steps] == [0.0, 3.0]
    assert len(talk.steps[1].words) == 2
    slow = Talk(Mood(reply_seconds=0.5)).ehlo()
    slow.say("MAIL FROM:<b@x>", "RCPT TO:<a@docomo.ne.jp>", "DATA")
    assert [step.pause for step in slow.steps] == [0.0, 0.5, 0.5, 0.5]


def test_copies_are_counted(talk: Talk) -> None:
    for _ in range(2):
        talk.mail("a@docomo.ne.jp")
    talk.mail("a@docomo.ne.jp", "other")
    assert sorted(talk.desk.ledger.copies().values()) == [1, 2]
