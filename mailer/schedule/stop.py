"""Which part of the queue does an operator keep from leaving, and is an item in it?

Nothing is moved or held by a stop: its items go on waiting, are not claimed while it stands, and may expire. What is
under way is not cut. A domain belongs to a carrier by its name, or because its mail was found to go there.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

#: When an item is due that is put aside: later than any clock, and in reach of all that calculate with times.
ASIDE = datetime(9000, 1, 1, tzinfo=UTC)


class Placed(Protocol):
    """What must be known of an item to tell which parts of the queue it is in."""

    @property
    def domain(self) -> str: ...
    @property
    def school(self) -> str: ...
    @property
    def announcement_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the queue: what fits every criterion given; an empty one lets everything pass.

    `site` is an MX host's name, a whole site's as it is remembered, or a receiving domain. `of_carrier` are the
    carrier's own mail domains (`*.vodafone.ne.jp` stands for all below); they are no criterion of their own.
    """

    carrier: str = ""
    site: str = ""
    domain: str = ""
    school: str = ""
    announcement_id: str = ""
    of_carrier: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def names_something(self) -> bool:
        """False if the part is the whole queue."""
        return any((self.carrier, self.site, self.domain, self.school, self.announcement_id))

    @property
    def is_of_domains(self) -> bool:
        """Tell whether the receiving domain alone decides who is in it."""
        return not (self.school or self.announcement_id)

    @property
    def names_receiver(self) -> bool:
        """Tell whether it names a carrier, site or domain; else it is a school's or broadcast's, wherever that goes."""
        return bool(self.carrier or self.site or self.domain)

    def reaches(self, domain: str, site: str) -> bool:
        """Tell whether mail to a domain, which was found to go to `site` (empty: not known), can be in it."""
        if self.domain and domain != self.domain:
            return False
        if self.site and self.site not in (domain, site, *site.split()):
            return False
        return not self.carrier or site == self.carrier or not self.of_carrier.isdisjoint(_names(domain))

    def has(self, item: Placed, site: str) -> bool:
        """Tell whether an item is in it; `site` is where mail to its domain was found to go."""
        fits = self.school in ("", item.school) and self.announcement_id in ("", item.announcement_id)
        return fits and self.reaches(item.domain, site)


@dataclass(frozen=True, slots=True)
class Stop:
    """A part that stands still: since when, by whom and why, and until when (None: until it is resumed)."""

    id: int
    part: Part
    since: datetime
    actor: str
    why: str
    until: datetime | None


class Stops:
    """All stops that stand, and where the mail of domains was found to go."""

    def __init__(self, standing: Sequence[Stop], sites: Mapping[str, str]) -> None:
        self._standing = standing
        self._sites = sites

    def __iter__(self) -> Iterator[Stop]:
        return iter(self._standing)

    def __len__(self) -> int:
        return len(self._standing)

    def free(self, domains: Collection[str]) -> Collection[str]:
        """Return the domains that no stop keeps as a whole."""
        of_domains = [stop.part for stop in self._standing if stop.part.is_of_domains]
        if not of_domains:
            return domains
        return [name for name in domains if not any(part.reaches(name, self._site(name)) for part in of_domains)]

    def over(self, item: Placed) -> Stop | None:
        """Return the first stop that keeps an item, or None."""
        return next((stop for stop in self._standing if stop.part.has(item, self._site(item.domain))), None)

    def _site(self, domain: str) -> str:
        return self._sites.get(domain, "")


def _names(domain: str) -> Iterator[str]:
    """Yield the names under which a domain may stand in a carrier's list."""
    yield domain
    while "." in domain:
        domain = domain.partition(".")[2]
        yield f"*.{domain}"
