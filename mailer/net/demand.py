"""How must a connection to one host of a domain be protected, and what will do if that fails?

`Rung` are the ways, `Demand` those that a domain leaves for one of its hosts. Without a policy TLS is opportunistic
(RFC 7435); usable TLSA records demand their certificate, unusable ones any TLS (RFC 7672); an MTA-STS policy demands a
certificate that the system trusts, or in testing only asks for it (RFC 8461). Records of which none is usable do not
outweigh a policy that is enforced: they prove nobody, and the policy does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailer.smtp.sts import MissingPolicy, StsPolicy
from mailer.smtp.tls_result import TlsPolicy, TlsResult
from mailer.smtp.tlsa import DANE_TA, Tlsa, read_tlsa, strongest

TLSA_INVALID, NONE_USABLE = "tlsa-invalid", "no TLSA record is usable"

#: Who is told how each attempt to speak TLS ended.
Observe = Callable[[TlsResult], object]


def unobserved(result: TlsResult) -> None:
    """Tell nobody."""


class Rung(StrEnum):
    """One way to protect a connection."""

    DANE = "dane"
    STS = "sts"
    ANY_TLS = "any"
    PLAIN = "plain"

    @property
    def proves(self) -> bool:
        """Tell whether the server's name is proved on this rung."""
        return self in (Rung.DANE, Rung.STS)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a domain asks for at one host: `rungs` to be tried in this order, the last being the least that will do.

    `tlsa` and `names` are what a certificate is held against on the rung of DANE; `flaw` is what is wrong with the host
    before anything is tried (a word of TLS reports) and `why` says it closer. `unusable` are TLSA records that demand
    nothing beside the policy; whoever published them is to hear of each session.
    """

    policy: TlsPolicy
    rungs: tuple[Rung, ...] = (Rung.ANY_TLS, Rung.PLAIN)
    tlsa: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    flaw: str = ""
    why: str = ""
    unusable: TlsPolicy | None = None

    @property
    def is_dane(self) -> bool:
        """Tell whether TLSA records stand behind it."""
        return self.policy.kind == "tlsa"

    @property
    def key(self) -> str:
        """Return what tells its connections apart from those of another domain at the same host; empty for none."""
        if self.policy.kind == "no-policy-found":
            return ""
        if self.is_dane and not any(record.usage == DANE_TA for record in self.tlsa):
            return f"tlsa/{self.rungs[-1]}"
        return f"{self.policy.kind}={self.names[-1]}/{self.rungs[-1]}"


def opportunistic(domain: str) -> Demand:
    """Return what holds without a policy: TLS if it works, whoever answers."""
    return Demand(TlsPolicy("no-policy-found", domain))


def by_dane(host: str, domain: str, records: Sequence[str], canonical: str = "") -> Demand:
    """Return what secure TLSA records in presentation form demand of a host that takes mail for a domain.

    A certificate may be for the host, the domain, or the `canonical` name of a domain that is an alias (RFC 7672
    §3.2.2).
    """
    names = tuple(dict.fromkeys([host, *filter(None, [canonical]), domain]))
    policy = TlsPolicy("tlsa", host, tuple(_joined(text) for text in records), mail_domain=domain)
    usable = strongest([record for text in records if (record := _tlsa(text)) is not None])
    if not usable:
        return Demand(policy, (Rung.ANY_TLS,), (), names, flaw=TLSA_INVALID, why=NONE_USABLE)
    return Demand(policy, (Rung.DANE,), usable, names)


def by_sts(host: str, domain: str, policy: StsPolicy) -> Demand | None:
    """Return what an MTA-STS policy demands of a host; None where it forbids the host."""
    stated = TlsPolicy("sts", domain, policy.lines, policy.mx)
    if policy.names(host):
        rungs = (Rung.STS,) if policy.mode == "enforce" else (Rung.STS, Rung.ANY_TLS, Rung.PLAIN)
        return Demand(stated, rungs, names=(host, domain))
    if policy.mode == "enforce":
        return None
    return Demand(stated, names=(host, domain), flaw="validation-failure", why="the policy does not name this host")


def without_sts(host: str, domain: str, missing: MissingPolicy) -> Demand:
    """Return what holds where a policy is announced that cannot be had: as without one, but its domain hears of it."""
    stated = TlsPolicy("sts", domain, missing.lines)
    return Demand(stated, names=(host, domain), flaw=missing.word, why=missing.why)


def _joined(text: str) -> str:
    """Return a TLSA record with its data in one piece; resolvers write long data in several."""
    return " ".join([*text.split(maxsplit=3)[:3], "".join(text.split()[3:])])


def _tlsa(text: str) -> Tlsa | None:
    try:
        return read_tlsa(text)
    except ValueError:
        return None
