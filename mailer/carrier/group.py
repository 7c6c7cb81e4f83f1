"""Which carrier does a domain or a mail host belong to, and how does it want to be spoken to?

A carrier is a receiver with many domains or hosts and one set of manners: what counts at docomo is how we behave
towards docomo as a whole. The data stand in `config/carriers.toml`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mailer.carrier.rule import Rule


@dataclass(frozen=True, slots=True)
class Manners:
    """How a site wants to be spoken to; a rate of None means that we know of no limit.

    `pause_seconds` is the longest rest after the site has blocked us; `avoid_minutes` are minutes of the hour in which
    only urgent mail may leave.
    """

    connections: int
    messages_per_session: int
    messages_per_second: float | None
    urgent_messages_per_second: float | None
    pause_seconds: int
    avoid_minutes: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Help:
    """What its customers are told in Japanese: where filtered mail is and how it is let in (FAQ ①), how to ask for mail
    that waits (FAQ ③)."""

    filter: str = ""
    ask: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Carrier:
    """One carrier: its mail domains (`*.vodafone.ne.jp` stands for all below), the ends of its MX hosts' names.

    `tenants` says that its hosts serve others' domains too, each with a policy of its own.
    """

    name: str
    label: str
    domains: frozenset[str]
    mx_suffixes: tuple[str, ...]
    manners: Manners
    rules: tuple[Rule, ...]
    tenants: bool = False
    help: Help = Help()


@dataclass(frozen=True, eq=False)
class Carriers:
    """All carriers, the rules that hold at every host, and the manners towards sites that no carrier's entry names."""

    groups: tuple[Carrier, ...]
    rules: tuple[Rule, ...]
    default: Manners

    def __iter__(self) -> Iterator[Carrier]:
        return iter(self.groups)

    def of_domain(self, domain: str) -> Carrier | None:
        """Return the carrier of a mail domain, or None."""
        name = _plain(domain)
        if (carrier := self._by_domain.get(name)) is not None:
            return carrier
        above = (self._by_domain.get(f"*.{parent}") for parent in _parents(name))
        return next((carrier for carrier in above if carrier is not None), None)

    def of_mx(self, hosts: Sequence[str]) -> Carrier | None:
        """Return the carrier of the first of these MX hosts that has one, by the longest end of its name."""
        for host in map(_plain, hosts):
            for name in (host, *_parents(host)):
                if (carrier := self._by_suffix.get(name)) is not None:
                    return carrier
        return None

    def of_route(self, hosts: Sequence[str]) -> Carrier | None:
        """Return the carrier whose all of these MX hosts are, or None.

        Whoever names a carrier's host beside his own must not have his own host's words taken for the carrier's.
        """
        owners = {carrier.name if (carrier := self.of_mx([host])) else "": carrier for host in hosts}
        return next(iter(owners.values())) if len(owners) == 1 else None

    def name(self, domain: str, host: str) -> str:
        """Return how a receiver is called: its carrier's name, by its mail domain or else its host, or the domain."""
        carrier = self.of_domain(domain) or (self.of_mx([host]) if host else None)
        return domain if carrier is None else carrier.name

    @cached_property
    def _by_domain(self) -> Mapping[str, Carrier]:
        return {domain: carrier for carrier in self.groups for domain in carrier.domains}

    @cached_property
    def _by_suffix(self) -> Mapping[str, Carrier]:
        return {suffix: carrier for carrier in self.groups for suffix in carrier.mx_suffixes}


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name
