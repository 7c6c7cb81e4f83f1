"""Which records must stand in DNS for our mail to be taken?

One MX, so that bounces come back; addresses; SPF for the domain and for the HELO name (RFC 7208 §2.3, §2.4); a DKIM
record per key that signs or is about to (RFC 6376 §3.6.2); DMARC (RFC 7489 §6.3); where reports about TLS are wanted
(RFC 8460 §3); and the address's reverse name, which stands with the network's owner (RFC 1912 §2.1). Where an address
of this machine is not known, the value is left empty, to be filled in. Names and values are those a DNS panel asks for;
`zone` writes a BIND file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from mailer.standing.key import Key, KeyState

TTL = 3600  # seconds
LONGEST_STRING = 255  # octets of one string of a TXT record, RFC 1035 §3.3
NOT_KNOWN = {"A": "<IPv4 address of this machine>", "PTR": "<reverse name of this machine's address>"}

#: Why each record is needed, for whoever enters it.
WHY: Mapping[str, str] = {
    "mx": "Returned mail and mail to the schools comes back to this machine.",
    "address": "The mail server's name leads to this machine; where no address stands, fill in its public one.",
    "web": "The links in mails lead to this machine; where no address stands, fill in its public one.",
    "spf": "Only this machine may send mail of the domain; docomo, au and SoftBank refuse or mark mail without it.",
    "helo_spf": "The same for the name that this machine greets with; au asks for it.",
    "dkim": "Receivers check the signature of every mail with this key.",
    "dmarc": "Receivers set aside mail that pretends to be ours.",
    "tlsrpt": "Other servers report to us how TLS with this machine went.",
    "ptr": "The network provider enters it: the address must lead back to the mail server's name.",
}

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Place:
    """What the records depend on; `addresses` are the public ones that mail leaves from, as far as they are known."""

    domain: str
    hostname: str
    web_host: str | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One record to publish: `value` is empty where it must be filled in, `why` a key of WHY."""

    name: str
    type: str
    value: str
    why: str


def records(place: Place, keys: Iterable[Key]) -> tuple[Record, ...]:
    """Return the records to publish; private and loopback addresses count as not known."""
    addresses = [address for address in map(ip_address, place.addresses) if address.is_global]
    return (
        Record(place.domain, "MX", f"10 {place.hostname}.", "mx"),
        *_host(place.hostname, addresses, "address"),
        *_web(place, addresses),
        Record(place.domain, "TXT", _spf(place.hostname, addresses), "spf"),
        *_helo_spf(place, addresses),
        *_dkim(place.domain, keys),
        Record(f"_dmarc.{place.domain}", "TXT", _dmarc(place.domain), "dmarc"),
        Record(f"_smtp._tls.{place.domain}", "TXT", f"v=TLSRPTv1; rua=mailto:postmaster@{place.domain}", "tlsrpt"),
        *_reverse(place.hostname, addresses),
    )


def zone(found: Sequence[Record]) -> str:
    """Return the records as lines of a BIND zone file (RFC 1035 §5.1); what cannot stand there is a comment."""
    return "".join(f"{line}\n" for line in _zone_lines(found))


def _host(name: str, addresses: Sequence[Address], why: str) -> Iterator[Record]:
    for address in addresses:
        yield Record(name, "A" if address.version == 4 else "AAAA", str(address), why)
    if not any(address.version == 4 for address in addresses):
        yield Record(name, "A", "", why)


def _web(place: Place, addresses: Sequence[Address]) -> Iterator[Record]:
    host = place.web_host
    if host and host != place.hostname and (host == place.domain or host.endswith(f".{place.domain}")):
        yield from _host(host, addresses, "web")


def _spf(hostname: str, addresses: Sequence[Address]) -> str:
    named = " ".join(f"ip{address.version}:{address}" for address in addresses)
    return f"v=spf1 {named or f'a:{hostname}'} -all"


def _helo_spf(place: Place, addresses: Sequence[Address]) -> Iterator[Record]:
    if place.hostname != place.domain:
        yield Record(place.hostname, "TXT", _spf(place.hostname, addresses), "helo_spf")


def _dkim(domain: str, keys: Iterable[Key]) -> Iterator[Record]:
    """A key is for every service (RFC 6376 §3.6.1: no `s=` is `*`), for mail and for the reports about TLS alike.

    RFC 8460 §3 would like `s=tlsrpt`, but one key signs both, and verifiers that do not read a list there (dkimpy for
    one) would find no key for the mail in `s=email:tlsrpt`.
    """
    for key in keys:
        if key.state is not KeyState.RETIRED:
            yield Record(f"{key.selector}._domainkey.{domain}", "TXT", key.record, "dkim")


def _dmarc(domain: str) -> str:
    """Strict alignment holds because everything stands under the one domain (F3); what fails is set aside, not lost."""
    return f"v=DMARC1; p=quarantine; adkim=s; aspf=s; rua=mailto:postmaster@{domain}"


def _reverse(hostname: str, addresses: Sequence[Address]) -> Iterator[Record]:
    for address in addresses:
        yield Record(address.reverse_pointer, "PTR", f"{hostname}.", "ptr")
    if not addresses:
        yield Record("", "PTR", f"{hostname}.", "ptr")


def _zone_lines(found: Sequence[Record]) -> Iterator[str]:
    for record in found:
        yield f"; {WHY[record.why]}"
        value = _quoted(record.value) if record.type == "TXT" else record.value
        name = f"{record.name}." if record.name else NOT_KNOWN["PTR"]
        line = f"{name} {TTL} IN {record.type} {value or NOT_KNOWN['A']}"
        yield line if record.value and record.type != "PTR" else f"; {line}"


def _quoted(value: str) -> str:
    """Return a TXT value as quoted strings of at most 255 octets each; receivers join them (RFC 7208 §3.3)."""
    pieces = [value[start : start + LONGEST_STRING] for start in range(0, len(value), LONGEST_STRING)]
    escaped = [piece.replace("\\", "\\\\").replace('"', '\\"') for piece in pieces]
    return " ".join(f'"{piece}"' for piece in escaped)
