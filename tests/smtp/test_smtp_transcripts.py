"""Does the client say and understand what the transcripts tell, in whatever pieces the bytes come?"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.smtp.address import parse_address
from mailer.smtp.capabilities import Capabilities
from mailer.smtp.client import Client, Closed, Event, Ready, Settled, StartTls
from mailer.smtp.envelope import FAILURES, Envelope, Fact, ForwardPath, ReversePath, Transaction

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
CONTENT = b"Subject: test\r\n\r\n.a dot first\r\n..\r\nend\r\n"
EIGHT_BIT = "Subject: 試験\r\n\r\n".encode()
OFFERS = {
    "pipelining": "pipelining",
    "chunking": "chunking",
    "eight_bit_mime": "8bitmime",
    "smtputf8": "smtputf8",
    "starttls": "starttls",
    "requiretls": "requiretls",
}

Step = tuple[str, list[str]]


def steps(path: Path) -> list[Step]:
    """Return the transcript as (mark, lines); lines of one mark that follow one another are one step."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    pairs = [(line[:1], line[2:].removeprefix(" ")) for line in lines]
    single = itertools.count()  # each act of the edge is a step of its own
    groups = itertools.groupby(pairs, key=lambda pair: (pair[0], next(single) if pair[0] == "E" else 0))
    return [(mark, [text for _, text in group]) for (mark, _), group in groups]


def said(step: Step) -> bytes:
    """Return what the server says in a step."""
    mark, lines = step
    if mark == "S":
        return "".join(f"{line}\r\n" for line in lines).encode()
    return "".join(lines).encode("latin-1").decode("unicode_escape").encode("latin-1")


def pieces(script: list[Step], way: str) -> Iterator[tuple[Step, list[bytes]]]:
    """Yield each step, with the pieces in which the server's words arrive."""
    early = b""
    for number, step in enumerate(script):
        if step[0] not in "SRI":
            yield step, []
            continue
        data, early = said(step).removeprefix(early), b""
        if way == "bytes" and step[0] != "I":
            yield step, [data[at : at + 1] for at in range(len(data))]
            continue
        if way == "tail" and ("=", ["starttls"]) not in script[number : number + 2]:
            early = next((said(later)[:3] for later in script[number + 1 :] if later[0] in "SR"), b"")
        yield step, [data + early]


def words(event: Event) -> str:
    """Return an event as the transcripts write it."""
    if isinstance(event, StartTls):
        return "starttls"
    if isinstance(event, Ready):
        return " ".join(["ready", *offers(event.capabilities)])
    if isinstance(event, Closed):
        assert not event.failure or event.failure in FAILURES
        return f"closed {event.failure or '-'}" + (f" {event.reply.code}" if event.reply else "")
    return "settled " + " | ".join(fact_words(fact) for fact in event.facts)


def offers(capabilities: Capabilities) -> list[str]:
    named = [word for name, word in OFFERS.items() if getattr(capabilities, name)]
    return named if capabilities.size is None else [*named, f"size={capabilities.size}"]


def fact_words(fact: Fact) -> str:
    assert not fact.failure or fact.failure in FAILURES
    code = "-" if fact.reply is None else str(fact.reply.code)
    parts = [fact.forward_path.address.text, fact.stage, code, fact.failure, "kept?" if fact.kept_unknown else ""]
    return " ".join(part for part in parts if part)


def act(client: Client, line: str) -> list[Event]:
    """Do what the edge does."""
    verb, *arguments = line.split()
    if verb in ("send", "send8", "bare", "sendtls", "alone"):
        paths = tuple(ForwardPath(parse_address(text), bare=verb == "bare") for text in arguments)
        envelope = Envelope(ReversePath(parse_address("b-1@mail.example.jp")), paths, require_tls=verb == "sendtls")
        assert client.room > 0
        content = EIGHT_BIT if verb == "send8" else CONTENT
        return client.send(Transaction(envelope, content, alone=verb == "alone"))
    if verb == "fail":
        return client.fail(arguments[0])
    if verb == "eof":
        return client.eof()
    if verb == "tls":
        client.tls_established(authenticated=arguments == ["proved"])
    else:
        {"quit": client.quit}[verb]()
    return []


@pytest.mark.parametrize("way", ["whole", "bytes", "tail"])
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=[path.stem for path in TRANSCRIPTS])
def test_transcript(path: Path, way: str) -> None:
    script = steps(path)
    first = script[0][1][0] if script[0][0] == "E" else ""
    client = Client("mail.example.jp", starttls=first != "plain", demanded=first == "demanded")
    events: list[str] = []
    for (mark, lines), data in pieces(script[bool(first) :], way):
        if mark == "C":
            assert client.outgoing().decode() == "".join(f"{line}\r\n" for line in lines)
        elif mark == "=":
            assert [events.pop(0) for _ in lines] == lines
        elif mark == "W":
            waiting = client.waiting
            assert lines == ["-" if waiting is None else f"{waiting.stage} {waiting.serial}"]
        elif mark == "E":
            events += map(words, act(client, lines[0]))
        for piece in data:
            events += map(words, client.receive(piece))
    assert (client.outgoing(), events) == (b"", [])


def test_every_settled_tag_comes_back() -> None:
    client = Client("mail.example.jp", starttls=False)
    client.receive(b"220 mx\r\n250 mx\r\n"[:8])
    client.outgoing()
    client.receive(b"250 mx\r\n")
    envelope = Envelope(ReversePath(None), (ForwardPath(parse_address("a@x.example")),))
    client.send(Transaction(envelope, CONTENT, tag=17))
    assert client.outgoing() == b"MAIL FROM:<>\r\n"
    settled, closed = client.eof()
    assert isinstance(settled, Settled)
    assert settled.transaction.tag == 17
    assert isinstance(closed, Closed)
