"""Does a worker learn of sites what others know, and nothing twice?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from mailer.carrier.group import Manners
from mailer.dispatcher.lessons import Lessons
from mailer.dispatcher.limits import Lesson, Limits
from mailer.dispatcher.site import Site
from mailer.schedule.site import SiteState
from mailer.service.office import Office
from tests.conftest import FakeClock

NAME = "mx.a.example"


class Heeding(Site):
    """A site that writes down how many connections it was taught to be allowed."""

    def __init__(self) -> None:
        super().__init__(NAME, None, Limits(Manners(20, 100, None, None, 300), 1), cast(Any, None))
        self.heeded: list[int] = []

    def heed(self, lesson: Lesson) -> None:
        self.heeded.append(lesson.connections)


class Silent:
    """A writer that writes nothing."""

    def submit(self, work: object) -> None:
        """Forget it."""


@pytest.fixture
def lessons(office: Office) -> Lessons:
    return Lessons(office, cast(Any, Silent()))


def state(clock: FakeClock, connections: int) -> SiteState:
    return SiteState(NAME, connections, 100, clock() + timedelta(minutes=5), "421", clock())


async def test_what_another_worker_tells_is_heard_once(lessons: Lessons, clock: FakeClock) -> None:
    site = Heeding()
    told = state(clock, 3)
    for _ in range(3):
        lessons.hear([told], {NAME: site}, timedelta())
    assert site.heeded == [3]
    clock.advance(seconds=1)
    lessons.hear([state(clock, 4)], {NAME: site}, timedelta())
    assert site.heeded == [3, 4]


async def test_what_it_told_itself_or_knows_better_is_no_news(lessons: Lessons, clock: FakeClock) -> None:
    site = Heeding()
    earlier = state(clock, 3)
    clock.advance(seconds=1)
    lessons.tell(site, "421", Lesson(2, 100, 300.0))
    lessons.hear([earlier], {NAME: site}, timedelta())
    lessons.hear([state(clock, 2)], {NAME: site}, timedelta())
    assert site.heeded == []


@pytest.mark.parametrize("by", [timedelta(days=400), timedelta(days=-400)])
async def test_a_clock_that_is_set_makes_no_news_and_hides_none(
    lessons: Lessons, clock: FakeClock, by: timedelta
) -> None:
    site = Heeding()
    heard = replace(state(clock, 3), site="mx.b.example")
    lessons.tell(site, "421", Lesson(2, 100, 300.0))
    own = state(clock, 2)
    lessons.hear([own, heard], {NAME: site, heard.site: site}, timedelta())
    moved = [
        replace(one, since=one.since + by, paused_until=clock() + timedelta(minutes=5) + by) for one in (own, heard)
    ]
    lessons.hear(moved, {NAME: site, heard.site: site}, by)
    assert site.heeded == [3]
    clock.advance(seconds=by.total_seconds() + 1)
    lessons.hear([state(clock, 7)], {NAME: site}, by)
    assert site.heeded == [3, 7]
