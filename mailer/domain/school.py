"""Which schools are there, and under which address does each write?

The list is configuration (`schools.toml`); the From addresses are a contract with every guardian's
phone (F2), so a closed school keeps its entry: it still signs and still understands late bounces.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from mailer.domain.answering import Replies

CITIES = ("iwamizawa", "takikawa", "yubari")


@dataclass(frozen=True, slots=True)
class School:
    """One school: `code` is the local part of its address, `order` its place in schools.toml.

    `replies` says what becomes of mail that people write to it.
    """

    code: str
    name: str
    address: str
    city: str
    kind: str
    order: int
    closed_on: date | None = None
    merged_into: str | None = None
    replies: Replies = field(default_factory=Replies)


@dataclass(frozen=True, slots=True)
class City:
    """A city and the features its schools use (F12): broadcasts at all, and receipt links in them."""

    code: str
    label: str
    broadcasts: bool = True
    receipts: bool = True


@dataclass(frozen=True, slots=True)
class Schools:
    """All schools, in the order of schools.toml, and what is known of their cities."""

    by_code: Mapping[str, School] = field(default_factory=dict)
    cities: Mapping[str, City] = field(default_factory=dict)

    def __iter__(self) -> Iterator[School]:
        return iter(self.by_code.values())

    def get(self, code: str) -> School | None:
        """Return the school of this code, or None."""
        return self.by_code.get(code)

    def successor(self, school: School) -> School:
        """Return the school that a closed one was merged into, and so on; an open one, or one without, is its own."""
        for _ in self.by_code:
            if school.merged_into is None or school.merged_into not in self.by_code:
                break
            school = self.by_code[school.merged_into]
        return school

    def open(self) -> tuple[School, ...]:
        """Return the schools that still hold lessons: those that may be written to."""
        return tuple(school for school in self if school.closed_on is None)

    def of_city(self, city: str) -> tuple[School, ...]:
        """Return the open schools of one city."""
        return tuple(school for school in self.open() if school.city == city)

    def city_of(self, school: School) -> City:
        """Return the city of a school; one that schools.toml does not describe uses every feature."""
        return self.cities.get(school.city, City(school.city, school.city))

    def switched_off(self, codes: Container[str], *, receipt: bool) -> tuple[City, str] | None:
        """Return the first city of these schools that does not use what a broadcast needs, and the key that says so."""
        for city in (self.city_of(school) for school in self if school.code in codes):
            if not city.broadcasts:
                return city, "broadcasts"
            if receipt and not city.receipts:
                return city, "receipts"
        return None

    def first(self, codes: set[str]) -> School:
        """Return the first of these schools in the order of schools.toml; raise KeyError if none is known."""
        for school in self:
            if school.code in codes:
                return school
        raise KeyError(", ".join(sorted(codes)))
