"""Is the fictional roster like a real one, always the same, and importable to the last row?"""

import csv
import io
import re
from collections import Counter

import pytest

from mailer.domain.roster import read_roster
from mailer.domain.school import Schools
from mailer.rehearsal.population import SHARES, roster
from mailer.rehearsal.town import PLACES

HOUSEHOLDS = 3000


@pytest.fixture
def rows(schools: Schools) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(roster(HOUSEHOLDS, schools.open(), 1))))


def test_the_same_seed_gives_the_same_town(schools: Schools) -> None:
    assert roster(50, schools.open(), 1) == roster(50, schools.open(), 1)
    assert roster(50, schools.open(), 1) != roster(50, schools.open(), 2)


def test_every_row_is_good(schools: Schools) -> None:
    read = read_roster(roster(HOUSEHOLDS, schools.open(), 1).encode(), schools)
    assert read.problems == ()
    assert len(read.entries) == HOUSEHOLDS


def test_households_have_what_real_ones_have(rows: list[dict[str, str]]) -> None:
    assert len(rows) == len({row["login"] for row in rows}) == HOUSEHOLDS
    seconds = sum(bool(row["address2"]) for row in rows)
    assert seconds == pytest.approx(0.6 * HOUSEHOLDS, rel=0.1)
    assert sum(row["receives_broadcasts"] == "0" for row in rows) == pytest.approx(0.03 * HOUSEHOLDS, rel=0.4)
    assert any(row["address3"] for row in rows)
    shared = Counter(row["address1"] for row in rows)
    assert sum(count > 1 for count in shared.values()) > 100
    siblings = [row for row in rows if shared[row["address1"]] > 1]
    families = {(row["address1"], row["guardian"]) for row in siblings}
    assert len(families) == len({row["address1"] for row in siblings})


def test_addresses_come_in_japanese_shares_and_all_have_a_receiver(rows: list[dict[str, str]]) -> None:
    addresses = [row[f"address{slot}"] for row in rows for slot in (1, 2) if row[f"address{slot}"]]
    domains = Counter(address.rpartition("@")[2] for address in addresses)
    for domain, percent in SHARES.items():
        assert domains[domain] / len(addresses) == pytest.approx(percent / 100, abs=0.02)
    assert set(domains) <= {domain for place in PLACES.values() for domain in place.domains}


def test_some_addresses_have_the_old_irregular_forms(rows: list[dict[str, str]]) -> None:
    odd = [row["address1"] for row in rows if re.match(r"\.|-|.*\.\.|.*\.@", row["address1"])]
    assert 5 < len(odd) < 80
    assert {address.rpartition("@")[2] for address in odd} <= {"docomo.ne.jp", "ezweb.ne.jp"}
