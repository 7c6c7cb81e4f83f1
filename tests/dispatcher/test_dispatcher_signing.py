"""In which order do jobs get their content?"""

from collections import Counter
from datetime import UTC, datetime

import pytest

from mailer.dispatcher.job import Job, job_of
from mailer.dispatcher.signing import RUN, Unwritten
from mailer.dispatcher.ways import Way
from mailer.domain.lane import Lane
from mailer.schedule.claim import Claimed

EXPIRES = datetime(2026, 12, 1, tzinfo=UTC)
SIZES = {"docomo.ne.jp": 9, "school.example": 1}


def job(number: int, domain: str, lane: Lane = Lane.ORDINARY) -> Job:
    claimed = Claimed(number, "B1", "t-daiichi", f"guardian{number}@{domain}", domain, lane, 1, EXPIRES, False)
    return job_of(claimed, Way(0.0), frozenset())


def test_a_domain_has_as_many_turns_as_it_has_addresses() -> None:
    unwritten = Unwritten(SIZES.__getitem__)
    for domain in SIZES:
        for number in range(100):
            unwritten.add(job(number, domain))
    handful = Counter(one.claimed.domain for one in unwritten.take(50))
    assert handful == {"docomo.ne.jp": pytest.approx(45, abs=RUN), "school.example": pytest.approx(5, abs=RUN)}
    assert len(unwritten.take(1000)) == 150
    assert not unwritten


def test_the_most_urgent_lane_goes_first_however_small_its_domain_is() -> None:
    unwritten = Unwritten(SIZES.__getitem__)
    unwritten.add(job(1, "docomo.ne.jp"))
    unwritten.add(job(2, "docomo.ne.jp", Lane.NOTICE))
    unwritten.add(job(3, "school.example", Lane.SAFETY))
    assert [one.claimed.item_id for one in unwritten.take(2)] == [3, 1]
    assert [one.claimed.item_id for one in unwritten.clear()] == [2]
    assert not unwritten


def test_some_of_one_domain_follow_each_other() -> None:
    unwritten = Unwritten(SIZES.__getitem__)
    for number in range(2 * RUN):
        for domain in SIZES:
            unwritten.add(job(number, domain))
    domains = [one.claimed.domain for one in unwritten.take(2 * RUN)]
    assert domains == ["docomo.ne.jp"] * RUN + ["school.example"] * RUN
    assert len(unwritten.take(3)) == 3
