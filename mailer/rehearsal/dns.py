"""What does the rehearsal's name server answer?

A name server on loopback (UDP and TCP, RFC 1035 §4.2) that answers with authority from a plain mapping of
names. A name that is not in the mapping is NXDOMAIN, a name without the asked type NODATA, both with an SOA
(RFC 2308 §2). A name may have a mood: SERVFAIL, bogus, REFUSED, no answer at all, or answers that only fit TCP.
Answers are built once and then only given the query's id.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT

from mailer.rehearsal.ports import PortTaken, on_one_port

PLAIN_UDP = 512
PLAIN_HEADER = 12
EDNS_PAYLOAD = 1232
MOST_KNOWN = 20_000
NEGATIVE_SECONDS = 5
CHAIN = 8


class DnsMood(StrEnum):
    """How the server treats questions about one name."""

    ANSWER = "answer"
    SERVFAIL = "servfail"
    BOGUS = "bogus"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Records:
    """What stands under one name; `ttl` in seconds. An MX host of "." is the Null MX of RFC 7505 §3.

    `secure` names are answered as a validating resolver answers for signed ones; nothing is signed here.
    """

    mx: tuple[tuple[int, str], ...] = ()
    a: tuple[str, ...] = ()
    aaaa: tuple[str, ...] = ()
    txt: tuple[str, ...] = ()
    tlsa: tuple[str, ...] = ()
    secure: bool = False
    cname: str = ""
    mood: DnsMood = DnsMood.ANSWER
    ttl: int = 300


Zone = Mapping[str, Records]
_Known = tuple[bytes | None, str]


def _absolute(name: str) -> str:
    return name if name.endswith(".") else name + "."


def _rrsets(name: dns.name.Name, records: Records) -> Iterator[dns.rrset.RRset]:
    """Yield all that stands under `name`."""
    texts = {
        "MX": [f"{preference} {_absolute(host)}" for preference, host in records.mx],
        "A": list(records.a),
        "AAAA": list(records.aaaa),
        "TLSA": list(records.tlsa),
        "CNAME": [_absolute(records.cname)] if records.cname else [],
    }
    for kind, lines in texts.items():
        if lines:
            yield dns.rrset.from_text_list(name, records.ttl, "IN", kind, lines)
    if records.txt:
        yield dns.rrset.from_rdata_list(name, records.ttl, [_txt(text) for text in records.txt])


def _txt(text: str) -> dns.rdata.Rdata:
    raw = text.encode()
    strings = [raw[at : at + 255] for at in range(0, len(raw), 255)] or [b""]
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings)


def _key(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


class Answers:
    """The answers to all questions about one mapping; no socket."""

    def __init__(self, zone: Zone) -> None:
        self.asked: Counter[str] = Counter()
        self._zone: dict[str, Records] = {}
        self._known: dict[bytes, _Known] = {}
        self._parents: set[str] = set()
        for name, records in zone.items():
            self.put(name, records)

    def put(self, name: str, records: Records) -> None:
        """Let `records` stand under `name` from now on, instead of what stood there."""
        key = name.rstrip(".").lower()
        self._zone[key] = records
        labels = key.split(".")
        self._parents.update(".".join(labels[at:]) for at in range(1, len(labels)))
        self._known.clear()

    def answer(self, query: bytes, *, udp: bool) -> bytes | None:
        """Return the answer's bytes, or None where the server keeps silent (a mood, or bytes that are no query)."""
        if len(query) < PLAIN_HEADER:
            return None
        known = self._known.get((b"u" if udp else b"t") + query[2:])
        if known is None:
            known = self._learn(query, udp=udp)
        reply, asked = known
        self.asked[asked] += 1
        return None if reply is None else query[:2] + reply

    def _learn(self, query: bytes, *, udp: bool) -> _Known:
        try:
            known = self._build(dns.message.from_wire(query), udp=udp)
        except dns.exception.DNSException:
            return None, "unreadable"
        if len(self._known) < MOST_KNOWN:
            self._known[(b"u" if udp else b"t") + query[2:]] = known
        return known

    def _build(self, query: dns.message.Message, *, udp: bool) -> _Known:
        if len(query.question) != 1 or query.opcode() != dns.opcode.QUERY:
            return None, "unreadable"
        question = query.question[0]
        asked = f"{_key(question.name)} {dns.rdatatype.to_text(question.rdtype)}"
        mood = self._zone.get(_key(question.name), Records()).mood
        if mood is DnsMood.TIMEOUT:
            return None, asked
        reply = dns.message.make_response(query, recursion_available=True)
        reply.flags |= dns.flags.AA
        if mood is DnsMood.TRUNCATED and udp:
            reply.flags |= dns.flags.TC
        else:
            self._fill(reply, question, mood)
        return self._wire(query, reply, udp=udp)[2:], asked

    def _fill(self, reply: dns.message.Message, question: dns.rrset.RRset, mood: DnsMood) -> None:
        if mood is DnsMood.SERVFAIL:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif mood is DnsMood.BOGUS:  # a validating resolver that says why (RFC 8914 §4.7)
            reply.set_rcode(dns.rcode.SERVFAIL)
            reply.use_edns(0, 0, EDNS_PAYLOAD, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS)])
        elif mood is DnsMood.REFUSED:
            reply.set_rcode(dns.rcode.REFUSED)
        else:
            self._look_up(reply, question)

    def _look_up(self, reply: dns.message.Message, question: dns.rrset.RRset) -> None:
        """Fill in the records asked for, following CNAMEs (RFC 1034 §3.6.2), or the SOA of a negative answer."""
        name, secure = question.name, True
        for _ in range(CHAIN):
            records = self._zone.get(_key(name))
            secure = secure and records is not None and records.secure
            reply.flags = reply.flags | dns.flags.AD if secure else reply.flags & ~dns.flags.AD
            if records is None and _key(name) not in self._parents:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            found = {} if records is None else {rrset.rdtype: rrset for rrset in _rrsets(name, records)}
            if question.rdtype in found:
                reply.answer.append(found[question.rdtype])
                return
            if dns.rdatatype.CNAME not in found:
                break
            reply.answer.append(found[dns.rdatatype.CNAME])
            name = dns.name.from_text(_absolute(records.cname if records else ""))
        reply.authority.append(_soa(name))

    @staticmethod
    def _wire(query: dns.message.Message, reply: dns.message.Message, *, udp: bool) -> bytes:
        if not udp:
            return reply.to_wire(max_size=65_535)
        room = max(query.payload, PLAIN_UDP) if query.edns >= 0 else PLAIN_UDP
        try:
            return reply.to_wire(max_size=room)
        except dns.exception.TooBig:
            short = dns.message.make_response(query, recursion_available=True)
            short.flags |= dns.flags.AA | dns.flags.TC
            return short.to_wire()


def _soa(name: dns.name.Name) -> dns.rrset.RRset:
    owner = dns.name.Name(name.labels[-3:]) if len(name.labels) > 3 else name
    numbers = f"1 3600 600 86400 {NEGATIVE_SECONDS}"
    return dns.rrset.from_text(owner, NEGATIVE_SECONDS, "IN", "SOA", f"ns.rehearsal. hostmaster.rehearsal. {numbers}")


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answers.answer(data, udp=True)
        if reply is not None:
            self._transport.sendto(reply, addr)


class DnsServer:
    """The name server, listening on UDP and TCP of one port."""

    def __init__(self, zone: Zone) -> None:
        self.answers = Answers(zone)
        self.host = ""
        self.port = 0
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen on `host` and `port`; with port 0 on one that is free. Raises OSError if the port is taken."""
        self.host = host
        self.port = await on_one_port(port, self._listen)

    async def _listen(self, port: int) -> int:
        tcp = await asyncio.start_server(self._talk, self.host, port)
        chosen = int(tcp.sockets[0].getsockname()[1])
        loop = asyncio.get_running_loop()
        try:
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self.answers), (self.host, chosen))
        except OSError as error:
            tcp.close()
            raise PortTaken(str(error)) from error
        self._tcp = tcp
        return chosen

    async def stop(self) -> None:
        """Close both sockets."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        await asyncio.sleep(0)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the questions of one TCP connection, each after its length (RFC 1035 §4.2.2)."""
        try:
            while length := await reader.readexactly(2):
                reply = self.answers.answer(await reader.readexactly(int.from_bytes(length)), udp=False)
                if reply is not None:
                    writer.write(len(reply).to_bytes(2) + reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
