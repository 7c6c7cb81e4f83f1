"""Does the rehearsal's name server answer as a real one does?"""

import asyncio
import socket
from collections.abc import AsyncIterator

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import pytest

from mailer.rehearsal.dns import DnsMood, DnsServer, Records

LONG = "v=DKIM1; k=rsa; p=" + "MIIB" * 100
ZONE = {
    "docomo.ne.jp": Records(mx=((10, "mfsmax.docomo.ne.jp"), (20, "second.docomo.ne.jp"))),
    "mfsmax.docomo.ne.jp": Records(a=("127.0.20.1",), aaaa=("::1",)),
    "alias.example": Records(cname="chain.example"),
    "chain.example": Records(cname="mfsmax.docomo.ne.jp"),
    "lost.example": Records(cname="nowhere.example"),
    "null.example": Records(mx=((0, "."),)),
    "key._domainkey.example": Records(txt=(LONG, 'a"b\\c')),
    "many.example": Records(a=tuple(f"127.0.9.{number}" for number in range(1, 200))),
    "servfail.example": Records(mood=DnsMood.SERVFAIL),
    "refused.example": Records(mood=DnsMood.REFUSED),
    "timeout.example": Records(mood=DnsMood.TIMEOUT),
    "truncated.example": Records(a=("127.0.9.9",), mood=DnsMood.TRUNCATED),
}


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    running = DnsServer(ZONE)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def resolver(server: DnsServer) -> dns.asyncresolver.Resolver:
    asking = dns.asyncresolver.Resolver(configure=False)
    asking.nameservers = ["127.0.0.1"]
    asking.port = server.port
    asking.timeout, asking.lifetime = 0.2, 0.3
    return asking


async def texts(resolver: dns.asyncresolver.Resolver, name: str, kind: str) -> list[str]:
    return sorted(record.to_text() for record in await resolver.resolve(name, kind))


async def ask(server: DnsServer, name: str, kind: str, **how: object) -> dns.message.Message:
    query = dns.message.make_query(name, kind, **how)  # type: ignore[arg-type]  # passes on what dnspython takes
    return await dns.asyncquery.udp(query, "127.0.0.1", port=server.port, timeout=1)


async def test_answers_from_the_mapping(resolver: dns.asyncresolver.Resolver) -> None:
    assert await texts(resolver, "docomo.ne.jp", "MX") == ["10 mfsmax.docomo.ne.jp.", "20 second.docomo.ne.jp."]
    assert await texts(resolver, "MFSMAX.docomo.ne.jp", "A") == ["127.0.20.1"]
    assert await texts(resolver, "mfsmax.docomo.ne.jp", "AAAA") == ["::1"]
    assert await texts(resolver, "null.example", "MX") == ["0 ."]


async def test_follows_aliases_to_their_end(server: DnsServer, resolver: dns.asyncresolver.Resolver) -> None:
    assert await texts(resolver, "alias.example", "A") == ["127.0.20.1"]
    reply = await ask(server, "lost.example", "A")
    assert reply.rcode() == dns.rcode.NXDOMAIN
    assert len(reply.answer) == 1


async def test_cuts_a_long_text_into_strings(resolver: dns.asyncresolver.Resolver) -> None:
    found = await resolver.resolve("key._domainkey.example", "TXT")
    assert sorted(b"".join(record.strings).decode() for record in found) == sorted([LONG, 'a"b\\c'])


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("docomo.ne.jp", "TXT", dns.rcode.NOERROR),
        ("ne.jp", "A", dns.rcode.NOERROR),
        ("nobody.docomo.ne.jp", "A", dns.rcode.NXDOMAIN),
        ("unheard-of.example", "MX", dns.rcode.NXDOMAIN),
    ],
)
async def test_tells_no_such_name_from_no_such_record(
    server: DnsServer, name: str, kind: str, code: dns.rcode.Rcode
) -> None:
    reply = await ask(server, name, kind)
    assert (reply.rcode(), reply.answer) == (code, [])
    assert reply.authority[0].rdtype == dns.rdatatype.SOA
    assert reply.flags & dns.flags.AA


@pytest.mark.parametrize(
    ("name", "code"), [("servfail.example", dns.rcode.SERVFAIL), ("refused.example", dns.rcode.REFUSED)]
)
async def test_fails_where_the_mood_says_so(server: DnsServer, name: str, code: dns.rcode.Rcode) -> None:
    assert (await ask(server, name, "MX")).rcode() == code


async def test_keeps_silent_where_the_mood_says_so(resolver: dns.asyncresolver.Resolver) -> None:
    with pytest.raises(dns.resolver.LifetimeTimeout):
        await resolver.resolve("timeout.example", "A")


async def test_sends_to_tcp_what_is_truncated(server: DnsServer, resolver: dns.asyncresolver.Resolver) -> None:
    reply = await ask(server, "truncated.example", "A")
    assert reply.flags & dns.flags.TC
    assert reply.answer == []
    assert await texts(resolver, "truncated.example", "A") == ["127.0.9.9"]


async def test_sends_to_tcp_what_does_not_fit(server: DnsServer, resolver: dns.asyncresolver.Resolver) -> None:
    assert (await ask(server, "many.example", "A", use_edns=False)).flags & dns.flags.TC
    assert not (await ask(server, "many.example", "A", use_edns=0, payload=8192)).flags & dns.flags.TC
    assert len(await resolver.resolve("many.example", "A")) == 199


async def test_counts_what_it_was_asked(server: DnsServer) -> None:
    for _ in range(3):
        await ask(server, "docomo.ne.jp", "MX")
    assert server.answers.asked["docomo.ne.jp MX"] == 3


async def test_what_is_put_later_is_answered_at_once(server: DnsServer, resolver: dns.asyncresolver.Resolver) -> None:
    assert (await ask(server, "later.example", "A")).rcode() == dns.rcode.NXDOMAIN
    server.answers.put("later.example", Records(a=("127.0.9.1",)))
    assert await texts(resolver, "later.example", "A") == ["127.0.9.1"]


async def test_lives_through_garbage(server: DnsServer, resolver: dns.asyncresolver.Resolver) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
        for garbage in (
            b"",
            b"x",
            b"\xff" * 12,
            b"\x00" * 600,
            dns.message.make_query("a.example", "A").to_wire()[:-3],
        ):
            rude.sendto(garbage, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"\x00\x05hello")
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    assert await texts(resolver, "mfsmax.docomo.ne.jp", "A") == ["127.0.20.1"]


async def test_says_that_a_port_is_taken(server: DnsServer) -> None:
    with pytest.raises(OSError, match="use"):
        await DnsServer({}).start(port=server.port)
