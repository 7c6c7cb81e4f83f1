"""What does the DNS say, asked as seldom as possible?

dnspython asks; this module remembers. Answers are kept for their time to live, absences for a minute, failures
for a few seconds, and questions under way are shared: twenty mails to one domain ask once. A failure of the DNS
is never an absence (`DnsTrouble` is temporary; RFC 2308 §7.1 allows to remember failures for a short time).
An answer counts as secure where a resolver on loopback says that it validated it: from further away the AD bit may be
anybody's (RFC 7672). A failure counts as the zone's own where the resolver says that DNSSEC forbids what it got
(RFC 8914); many do so only if they are told to, and of a bare failure nobody knows whose it is.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from mailer.smtp.route import NULL, MxRecord

LONGEST = 3600.0
SHORTEST = 30.0
ABSENT = 60.0
FAILED = 5.0
GRACE = 1.0  # for the AAAA records of a host whose A records are there
MOST_REMEMBERED = 20_000
MOST_RECORDS = 100
MOST_ADDRESSES = 32
#: Octets that an answer over UDP may have: less than any network cuts.
PAYLOAD = 1232
#: What a resolver says of data that DNSSEC does not vouch for as it should (RFC 8914 §4.7 to §4.13).
BOGUS = frozenset({6, 7, 8, 9, 10, 11, 12})


class DnsTrouble(Exception):
    """The DNS gave no answer that can be trusted; ask again later.

    `is_bogus` says that the resolver blames the zone: its data is not what DNSSEC says that it should be.
    """

    def __init__(self, text: str, *, is_bogus: bool = False) -> None:
        super().__init__(text)
        self.is_bogus = is_bogus


class NameUnknown(Exception):
    """The name does not exist (NXDOMAIN)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one question, and for how many seconds they hold.

    `canonical` is the name for which the one asked is an alias, or empty; `secure` says that DNSSEC vouches for it all.
    """

    records: tuple[str, ...]
    seconds: float
    canonical: str = ""
    secure: bool = False


_Remembered = tuple[float, "Answer | Exception"]


class Resolver:
    """Asks the configured name servers; `monotonic` gives seconds and is only compared with itself."""

    def __init__(
        self, nameservers: Sequence[tuple[str, int]], *, timeout: float, lifetime: float, monotonic: Callable[[], float]
    ) -> None:
        self._asker = dns.asyncresolver.Resolver(configure=False)
        self._asker.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in nameservers]
        self._asker.flags = dns.flags.RD | dns.flags.AD  # the second asks whether the answer was validated
        self._asker.use_edns(0, 0, PAYLOAD)  # without EDNS nobody says why he failed
        self._asker.timeout = timeout
        self._asker.lifetime = self.lifetime = lifetime
        self._monotonic = monotonic
        self._remembered: dict[tuple[str, str], _Remembered] = {}
        self._under_way: dict[tuple[str, str], asyncio.Task[Answer | Exception]] = {}

    async def exchanges(self, domain: str) -> tuple[list[MxRecord], Answer]:
        """Return the best MX records of a domain (none is an empty list) and the answer they came in."""
        answer = await self.ask(domain, "MX")
        best = sorted((_exchange(record) for record in answer.records), key=lambda exchange: exchange.preference)
        return best[:MOST_RECORDS], answer

    async def addresses(self, host: str) -> Answer:
        """Return the IPv4 and then the IPv6 addresses of a host.

        IPv4 first: the Japanese carriers judge senders by IPv4 (au asks for IPv4 mechanisms in SPF).
        """
        answers = await self._both(host)
        found = [answer for answer in answers if isinstance(answer, Answer)]
        records = tuple(record for answer in found for record in answer.records)
        if not records:
            _raise_worst(answers)
        # Half of an answer is soon asked for again: the other half may be the way that works.
        whole = len(found) == len(answers) == 2
        seconds = min(answer.seconds for answer in found) if whole else FAILED
        given = [answer for answer in found if answer.records]
        canonical = next((answer.canonical for answer in given if answer.canonical), "")
        return Answer(records[:MOST_ADDRESSES], seconds, canonical, all(answer.secure for answer in given))

    async def _both(self, host: str) -> "list[Answer | Exception]":
        """Return what is known of A, and of AAAA if that comes in time; where A gave nothing, there is time."""
        four, six = (asyncio.create_task(self._learn(host, kind)) for kind in ("A", "AAAA"))
        try:
            first = await four
            enough = isinstance(first, Answer) and first.records
            await asyncio.wait({six}, timeout=GRACE if enough else None)
            return [first, six.result()] if six.done() else [first]
        finally:
            four.cancel()
            six.cancel()

    async def ask(self, name: str, kind: str) -> Answer:
        """Return the records of `name` as text; raise NameUnknown or DnsTrouble."""
        return _given(await self._learn(name, kind))

    def forget(self, *domains: str) -> None:
        """Ask anew for the way to these domains, and for what protects it, when it is wanted next."""
        for domain in domains:
            for key in list(self._way(domain)):
                self._remembered.pop(key, None)

    def _way(self, domain: str) -> Iterator[tuple[str, str]]:
        """Yield the questions that lead to a domain's mail hosts, as far as is known which they are."""
        yield domain, "MX"
        yield f"_mta-sts.{domain}", "TXT"
        exchanges = [_exchange(record).host for record in self._records(domain, "MX").records]
        for host in exchanges or [domain]:
            canonical = [self._records(host, kind).canonical for kind in ("A", "AAAA")]
            yield from ((host, "A"), (host, "AAAA"), (host, "CNAME"))
            yield from ((f"_25._tcp.{base}", "TLSA") for base in (host, *canonical))

    def _records(self, name: str, kind: str) -> Answer:
        """Return the records that are remembered, whether they still hold or not."""
        _, known = self._remembered.get((name, kind), (0.0, None))
        return known if isinstance(known, Answer) else Answer((), 0.0)

    async def _learn(self, name: str, kind: str) -> "Answer | Exception":
        key = (name, kind)
        until, known = self._remembered.get(key, (0.0, None))
        if known is not None and until > self._monotonic():
            return known
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._ask_once(key))
            self._under_way[key] = task
        return await asyncio.shield(task)

    async def _ask_once(self, key: tuple[str, str]) -> "Answer | Exception":
        """Ask and remember. A failure is returned, not raised: perhaps nobody waits for it any more."""
        answer: Answer | Exception
        try:
            answer = await self._query(*key)
            self._remember(key, answer.seconds, answer)
        except (NameUnknown, DnsTrouble) as trouble:
            answer = trouble
            self._remember(key, ABSENT if isinstance(trouble, NameUnknown) else FAILED, trouble)
        finally:
            del self._under_way[key]
        return answer

    def _remember(self, key: tuple[str, str], seconds: float, what: "Answer | Exception") -> None:
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = (self._monotonic() + seconds, what)

    async def _query(self, name: str, kind: str) -> Answer:
        try:
            found = await self._asker.resolve(name + ".", kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as absent:
            raise NameUnknown(name) from absent
        except (dns.exception.DNSException, OSError, ValueError) as trouble:
            raise DnsTrouble(f"{name} {kind}: {trouble}", is_bogus=_is_bogus(trouble)) from trouble
        secure = _is_validated(found)
        if found.rrset is None:
            return Answer((), ABSENT, secure=secure)
        canonical = found.canonical_name.to_text(omit_final_dot=True).lower()
        canonical = "" if found.canonical_name == dns.name.from_text(name) else canonical
        seconds = min(max(float(found.rrset.ttl), SHORTEST), LONGEST)
        return Answer(tuple(record.to_text() for record in found.rrset), seconds, canonical, secure)


def _is_validated(found: dns.resolver.Answer) -> bool:
    """Tell whether a resolver on this machine says that it validated the answer."""
    validated = bool(found.response.flags & dns.flags.AD)
    return validated and found.nameserver is not None and ipaddress.ip_address(found.nameserver).is_loopback


def _is_bogus(trouble: Exception) -> bool:
    """Tell whether a name server says of its failure that it comes from bogus data."""
    if not isinstance(trouble, dns.resolver.NoNameservers):
        return False
    answers = [answer for *_, answer in trouble.kwargs["errors"] if answer is not None]
    return any(said.code in BOGUS for answer in answers for said in answer.extended_errors())


def _given(known: "Answer | Exception") -> Answer:
    if isinstance(known, Exception):
        raise known
    return known


def _raise_worst(answers: Sequence["Answer | Exception"]) -> None:
    """Raise a failure before an absence: an unanswered AAAA may hide the only address."""
    for kind in (DnsTrouble, NameUnknown):
        for answer in answers:
            if isinstance(answer, kind):
                raise answer
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def _exchange(record: str) -> MxRecord:
    preference, _, host = record.partition(" ")
    return MxRecord(int(preference), NULL if host == NULL else host.rstrip(".").lower())
