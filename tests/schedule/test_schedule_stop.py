"""Is exactly that part of the queue kept which an operator names?"""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from mailer.schedule.stop import Part, Stop, Stops

NOW = datetime(2026, 4, 10, tzinfo=UTC)
SITES = {"school.example.jp": "google", "office.example.jp": "mx1.example.net mx2.example.net"}
VODAFONE = Part(carrier="softbank", of_carrier=frozenset({"softbank.ne.jp", "*.vodafone.ne.jp"}))


@dataclass(frozen=True)
class Item:
    """What counts of an item."""

    domain: str
    school: str = "t-daiichi"
    announcement_id: str = "B1"


def stops(*parts: Part) -> Stops:
    return Stops([Stop(number, part, NOW, "tester", "", None) for number, part in enumerate(parts)], SITES)


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        (VODAFONE, {"softbank.ne.jp", "t.vodafone.ne.jp"}),
        (Part(carrier="google"), {"school.example.jp"}),
        (Part(carrier="google", of_carrier=frozenset({"gmail.com"})), {"school.example.jp", "gmail.com"}),
        (Part(site="mx2.example.net"), {"office.example.jp"}),
        (Part(site="mx1.example.net mx2.example.net"), {"office.example.jp"}),
        (Part(site="gmail.com"), {"gmail.com"}),
        (Part(domain="school.example.jp"), {"school.example.jp"}),
        (Part(carrier="google", domain="school.example.jp"), {"school.example.jp"}),
        (Part(carrier="google", domain="gmail.com"), set()),
    ],
)
def test_domains_are_kept_by_their_name_or_by_where_their_mail_goes(part: Part, kept: set[str]) -> None:
    domains = [*SITES, "gmail.com", "softbank.ne.jp", "t.vodafone.ne.jp", "vodafone.ne.jp"]
    assert set(domains) - set(stops(part).free(domains)) == kept
    assert {domain for domain in domains if stops(part).over(Item(domain))} == kept


def test_a_school_or_broadcast_keeps_items_and_no_domain() -> None:
    found = stops(Part(school="t-daini"), Part(announcement_id="B2", domain="gmail.com"))
    assert set(found.free(["gmail.com"])) == {"gmail.com"}
    assert found.over(Item("docomo.ne.jp", "t-daini")) is not None
    assert found.over(Item("gmail.com", announcement_id="B2")) is not None
    assert found.over(Item("docomo.ne.jp", announcement_id="B2")) is None
    assert found.over(Item("gmail.com")) is None
