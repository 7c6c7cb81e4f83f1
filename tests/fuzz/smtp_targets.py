"""What may servers, peers of port 25 and zones of the DNS say to us?"""

import re
from functools import cache

from config import Settings
from config.carriers import load_carriers
from mailer.carrier.group import Carriers
from mailer.carrier.quoted import read_quoted, reply_in
from mailer.carrier.rule import STAGES
from mailer.net.inbound_body import Body
from mailer.net.inbound_conversation import CHUNK
from mailer.net.inbound_dsn import MAIL_WORDS, RCPT_WORDS, take_words
from mailer.net.inbound_hops import loops
from mailer.net.inbound_lines import LINE_BYTES, BadLine, EndlessLine, Incoming
from mailer.net.inbound_path import PathError, read_argument
from mailer.net.inbound_policy import Recipient, policy
from mailer.report.wanted import Web, read_record
from mailer.smtp.address import Address, AddressError, parse_address
from mailer.smtp.capabilities import read_capabilities
from mailer.smtp.client import Client, Closed, Event, Settled, StartTls
from mailer.smtp.envelope import FAILURES, Envelope, ForwardPath, ReversePath, Transaction
from mailer.smtp.reply import KEPT_CHARACTERS, ReplyReader
from mailer.smtp.sts import StsInvalid, read_id, read_policy, told_lines
from mailer.smtp.tlsa import read_tlsa, strongest
from tests.fuzz.target import MAIL, Target, shown, storable

CONTENT = b"Subject: test\r\n\r\n.a dot first\r\nend\r\n"
MOST_SENT = 6


@cache
def _carriers() -> Carriers:
    return load_carriers(Settings.model_validate({}))


# --- what servers answer


def _replies(content: bytes) -> None:
    replies = ReplyReader().feed(content)
    if len(content) < KEPT_CHARACTERS:
        pieces, cut = ReplyReader(), len(content) // 3
        found = [*pieces.feed(content[:cut]), *pieces.feed(content[cut : cut + 1]), *pieces.feed(content[cut + 1 :])]
        assert found == replies, f"{found!r} in pieces, {replies!r} at once"
    for reply in set(replies):
        assert reply.code == 0 or 100 <= reply.code <= 599, reply.code
        assert len(reply.text) <= KEPT_CHARACTERS
        storable(reply.text, str(reply.enhanced or ""), reply.kind)


def _session(content: bytes) -> None:
    """Hand over mails to a server that says this, a line at a time."""
    client = Client("mail.example.jp", starttls=content[:1] < b"3")
    events: list[Event] = []
    sent = 0
    for line in content.split(b"\n"):
        sent += _sent(client, events, MOST_SENT - sent)
        led_to = client.receive(line + b"\n")
        events += led_to
        if any(isinstance(event, StartTls) for event in led_to):
            client.tls_established()
        if any(isinstance(event, Closed) for event in led_to):
            break
    else:
        client.quit()
        client.outgoing()
        events += client.eof()
    settled = [event for event in events if isinstance(event, Settled)]
    assert len(settled) == sent, f"{sent} mails sent, {len(settled)} settled"
    assert sum(isinstance(event, Closed) for event in events) == 1
    for fact in (fact for event in settled for fact in event.facts):
        assert not fact.failure or fact.failure in FAILURES, fact.failure
        assert not fact.accepted or (fact.reply is not None and fact.reply.positive)


def _sent(client: Client, events: list[Event], most: int) -> int:
    count = 0
    while client.room and count < most:
        paths = (ForwardPath(parse_address("a..b@docomo.example")), ForwardPath(parse_address("c@docomo.example")))
        events += client.send(Transaction(Envelope(ReversePath(None), paths), CONTENT))
        count += 1
    client.outgoing()
    return count


def _quoted(content: bytes) -> None:
    text = content.decode("utf-8", "backslashreplace")
    mx = ("mfsmax.docomo.ne.jp", "au.com", "mx.example.jp")[len(content) % 3]
    reading = read_quoted(_carriers(), mx, STAGES[len(content) % len(STAGES)], text)
    quoted = reply_in(text)
    assert reading.kind in ("hard", "soft")
    assert reading.action in ("refuse", "defer")
    assert reading.kind == "soft" or quoted.code // 100 == 5, f"{reading} of code {quoted.code}"
    storable(reading.reason, quoted.enhanced, quoted.text)


def _capabilities(content: bytes) -> None:
    size = read_capabilities(content.decode("utf-8", "backslashreplace")).size
    assert size is None or size >= 0


# --- what peers of port 25 say

_POLICY = policy("mail.example.jp", ("t-daiichi",), lambda local: 7 if local.startswith("b-") else None)
_ARGUMENTS = re.compile(r"(?P<verb>MAIL|RCPT) (?P<argument>.*)", re.IGNORECASE | re.DOTALL)


def _command(content: bytes) -> None:
    """Read a command as the conversation does: from lines, as printable UTF-8."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return
    command = _ARGUMENTS.fullmatch(text)
    if command is None or not text.isprintable():
        return
    keyword = "FROM:" if command["verb"].upper() == "MAIL" else "TO:"
    path, parameters = read_argument(keyword, command["argument"])
    assert not {"<", ">", "\r", "\n"} & set(path.domain)
    assert len(path.text) <= 254 + len('""')
    storable(path.text, *parameters, *parameters.values())
    said = take_words(dict(parameters), MAIL_WORDS if keyword == "FROM:" else RCPT_WORDS)
    assert said.isascii()
    assert said.isprintable()
    verdict = _POLICY.judge(path)
    if isinstance(verdict, Recipient):
        assert path.domain.lower() in ("", "mail.example.jp")


def _lines(content: bytes) -> None:
    incoming = Incoming()
    third = len(content) // 3
    for piece in (content[:third], content[third : third * 2], content[third * 2 :]):
        incoming.feed(piece)
        while (line := _line(incoming)) is not None:
            assert len(line) <= 1024
            assert b"\n" not in line


def _line(incoming: Incoming) -> bytes | None:
    """Return the next line, an empty one for a bad one: the conversation goes on."""
    try:
        return incoming.line()
    except EndlessLine:
        raise
    except BadLine:
        return b""


def _body(content: bytes) -> None:
    whole = _kept(content, len(content) or 1)
    pieces = _kept(content, max(1, len(content) // 7))
    assert whole == pieces, "pieces differ from the whole"
    kept, rest = whole
    if rest is not None:
        assert content.endswith(rest)
        assert kept.count(b"\r") == kept.count(b"\n") == kept.count(b"\r\n")
    loops(kept)


def _kept(content: bytes, size: int) -> tuple[bytes, bytes | None]:
    """Return what is kept of a DATA stream that comes in such pieces, and what follows its end."""
    kept: list[bytes] = []
    body = Body(kept.append, MAIL)
    for begin in range(0, len(content), size):
        rest = body.feed(content[begin : begin + size])
        if rest is not None:
            return b"".join(kept), rest + content[begin + size :]
    return b"".join(kept), None


# --- what people and zones write


def _address(content: bytes) -> None:
    text = content.decode("utf-8", "surrogatepass" if content.find(b"\xed") >= 0 else "replace")
    address = parse_address(text)
    wire = address.wire()
    assert not set(b"\r\n<> \0") & set(wire), wire
    assert len(address.wire(bare=True)) <= 254
    assert parse_address(address.text) == address
    assert parse_address(address.header).key == address.key
    storable(address.text, address.key)
    assert Address(address.local, address.domain).utf8 is not address.local.isascii()


def _sts(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    for line in told_lines(text):
        shown(line, 200)
    found = read_id(text.split("\n"))
    assert found is None or (found.isascii() and len(found) <= 32)
    policy = read_policy(text)
    assert 0 <= policy.max_age <= 31_557_600
    for host in policy.mx:
        policy.names(host.removeprefix("*."))
        storable(host)


def _tls_report_record(content: bytes) -> None:
    for destination in read_record(content.decode("latin-1").split("\n")):
        if isinstance(destination, Web):
            assert destination.url.isascii()
            assert "\n" not in destination.url
        else:
            storable(destination.address.text)


def _tlsa(content: bytes) -> None:
    record = read_tlsa(content.decode("latin-1"))
    strongest((record, record))


_CODES = (*(b"220 ", b"250 ", b"250-", b"354 ", b"421 ", b"450 ", b"550-", b"550 ", b"554 "), b"250 2.1.5 ", b"#5.1.1 ")
_OFFERS = (b"250-PIPELINING\r\n", b"250-CHUNKING\r\n", b"250-STARTTLS\r\n", b"250-SIZE 10\r\n", b"250 SMTPUTF8\r\n")
_OK = b"220 mx\r\n250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
_SAID = (
    b"550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table",
    b"host mx.example.jp[192.0.2.1] said: 421-4.7.0 [203.0.113.25] Our system has detected 421 4.7.0 unusual rate",
    b"smtp; 550-5.7.26 This mail is unauthenticated\n550 5.7.26 DKIM = did not pass",
    b"452 4.2.2 <a@b.example>: mailbox full (#4.2.2)",
)

SMTP_TARGETS = (
    Target(
        "reply", _replies, (b"250 2.1.5 ok\r\n", b"550-5.1.1 no\r\n550 5.1.1 such user\r\n", b"42"), _CODES, weight=8
    ),
    Target(
        "session",
        _session,
        (
            _OK + b"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n250 kept\r\n221 bye\r\n",
            b"220 mx\r\n250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n" + b"250 ok\r\n" * 12,
            b"220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n250 mx\r\n250 ok\r\n421 gone\r\n",
            b"220 mx\r\n502 what\r\n250 mx\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n451 later\r\n",
        ),
        (*_CODES, *_OFFERS, b"250 ok\r\n", b"354 go\r\n", b"550 no\r\n", b"421 gone\r\n"),
        weight=5,
    ),
    Target("quoted", _quoted, _SAID, (*_CODES, b"said: ", b"smtp; ", b"<<< ", b"returned ", b"->"), weight=6),
    Target(
        "capabilities",
        _capabilities,
        (b"mx.example.jp hello\nPIPELINING\nSIZE 10485760\nSTARTTLS",),
        (b"\nSIZE ",),
        weight=3,
    ),
    Target(
        "command",
        _command,
        (
            b"RCPT TO:<b-2f-0123456789abcdef0123456789@mail.example.jp>",
            b'MAIL FROM:<"a b"@[192.0.2.1]> SIZE=100 BODY=8BITMIME SMTPUTF8',
            b"RCPT TO:<@a.example,@b.example:c..d.@docomo.example> NOTIFY=NEVER",
            b'RCPT TO:<"a\\"\\\\b@c"@mail.example.jp>',
            b"MAIL FROM:<> RET=HDRS ENVID=a+2B",
            b"RCPT TO:<postmaster> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+40b.example",
        ),
        (b"<", b'"', b'\\"', b"@", b",@", b" A=", b" ", b"-", b"_", b".", b"+2B", b"+"),
        (PathError,),
        weight=10,
        longest=LINE_BYTES,
    ),
    Target(
        "lines", _lines, (b"EHLO a\r\nMAIL FROM:<>\r\n", b"DATA\nx\r\n", b"\x16\x03\x01"), (), (EndlessLine,), weight=6
    ),
    Target(
        "body",
        _body,
        (b"Received: a\r\n\r\nx\r\n..y\r\n.\r\nQUIT\r\n", b".\r\n", b"a\r\n.\n.\r.\r\n.\r\n"),
        (b"\r\n.", b".\r\n"),
        weight=6,
        longest=CHUNK,
    ),
    Target(
        "address",
        _address,
        (
            b"taro..hanako.@docomo.ne.jp",
            b'".a"@ezweb.ne.jp',
            "山田@例え.jp".encode(),
            b"a@xn--r8jz45g.jp",
            b"a@[192.0.2.1]",
        ),
        (b"xn--", b"@", "．".encode(), "＠".encode(), b"\xc3\x9f", b"\xe2\x80\x8d", b"\xd7\x90", b"a.", b"-"),
        (AddressError, UnicodeDecodeError),
        weight=10,
    ),
    Target(
        "mta-sts",
        _sts,
        (
            b"version: STSv1\r\nmode: enforce\r\nmx: *.example.jp\r\nmx: mx.example.jp\r\nmax_age: 604800\r\n",
            b'"v=STSv1; id=20260101;"',
        ),
        (b"mx: ", b"a.", b"a-", b"*.", b"max_age: ", b'"v=STSv1;"', b";id="),
        (StsInvalid,),
        weight=6,
    ),
    Target(
        "tlsrpt",
        _tls_report_record,
        (b'"v=TLSRPTv1; rua=mailto:a@example.jp,https://r.example/x"', b'"v=TLSRPTv1;" "x=y;rua=mailto:%61@b.example"'),
        (b"rua=", b"mailto:", b"https://", b"[::1]", b"[", b":0", b"%00", b"%ff", b"%ED%A0%80", b"://", b"!10m"),
        weight=6,
    ),
    Target(
        "tlsa",
        _tlsa,
        (b"3 1 1 " + b"9f86d081884c7d659a2feaa0c55ad015" * 2, b"2 0 2 " + b"00" * 64, b"3 1 0 aabb"),
        (b" ", b"00", b"_1", b"+3", b"\xb2"),
        (ValueError,),
        weight=4,
    ),
)
