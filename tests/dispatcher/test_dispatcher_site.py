"""Does a site end the sessions that stand where others need one?"""

from typing import Any, cast

import pytest

from mailer.carrier.group import Manners
from mailer.carrier.reading import Reading
from mailer.carrier.reason import Reason
from mailer.dispatcher.door import FIRST_JOBS, Door
from mailer.dispatcher.job import Job
from mailer.dispatcher.limits import Limits
from mailer.dispatcher.site import Site
from mailer.domain.lane import Lane
from mailer.net.routes import Host, Route
from mailer.smtp.reply import Reply


class Hanging:
    """A session that was told to end and does not."""

    def __init__(self, answered: int = 0) -> None:
        self.told = 0
        self.quitting = False
        self.answered = answered

    def quit(self) -> None:
        self.told += 1
        self.quitting = True


class Yielding:
    """A desk that says no to everything."""

    def __getattr__(self, name: str) -> Any:
        return lambda *given: False


class Noting(Yielding):
    """A desk that reads every end of a session the same way, and notes what a site has learned."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.lessons: list[str] = []

    def read(self, *given: Any) -> Reading:
        return self.reading

    def learned(self, site: Site, reason: str) -> None:
        self.lessons.append(reason)


def door(site: Site, name: str) -> Door:
    return site.door(Route(name, (Host(f"mx.{name}", ("192.0.2.1",)),), 60.0, name))


async def test_where_a_session_hangs_in_its_end_another_is_asked_to_end() -> None:
    site = Site("site", None, Limits(Manners(3, 100, None, None, 300), 1), cast(Any, Yielding()))
    site.limits.lease(3)
    busy, shut_out = door(site, "a.example"), door(site, "b.example")
    sessions = [Hanging() for _ in range(3)]
    for session in sessions:
        site._at[cast(Any, session)] = busy
        busy.connections += 1
    shut_out.waiting.lanes[Lane.SAFETY].append(cast(Job, None))
    for _ in range(5):
        site.tidy()
    assert [session.told for session in sessions] == [1, 0, 0]
    site.limits.lease(1)
    for _ in range(5):
        site.tidy()
    assert [session.told for session in sessions] == [1, 1, 0]


async def test_doors_that_nobody_has_opened_hold_few_claims_together_and_each_may_have_one() -> None:
    site = Site("site", None, Limits(Manners(5, 100, None, None, 300), 1), cast(Any, Yielding()))
    site.limits.lease(5)
    doors = [door(site, f"{number}.example") for number in range(50)]
    for _ in range(20):
        for one in doors:
            one.waiting.lanes[Lane.SAFETY].extend([cast(Job, None)] * site.room(one, Lane.NOTICE))
    held = [one.in_hand() for one in doors]
    assert (max(held), min(held)) == (FIRST_JOBS, 1)
    assert sum(held) <= site.limits.jobs() + len(doors)


@pytest.mark.parametrize("answered", [0, 7])
@pytest.mark.parametrize("of_reader", [True, False])
async def test_a_session_that_is_ended_over_one_reader_teaches_nothing(answered: int, of_reader: bool) -> None:
    desk = Noting(Reading("soft", Reason.RATE_LIMITED, "defer", of_reader=of_reader))
    site = Site("site", None, Limits(Manners(5, 100, None, None, 300), 1), cast(Any, desk))
    site.limits.lease(5)
    site._at[cast(Any, session := Hanging(answered))] = door(site, "a.example")
    site.closed(cast(Any, session), "", Reply(421, "4.7.1 Greylisted"))
    learned = (site.limits.connections, site.limits.messages_per_session) != (5, 100)
    assert (bool(desk.lessons), learned) == (not of_reader, not of_reader)
    if answered and not of_reader:
        assert desk.lessons[0] == "session_ended 7"


async def test_a_rest_is_told_by_what_was_read_in_the_reply() -> None:
    desk = Noting(Reading("soft", Reason.SOURCE_BLOCKED, "defer", pause_site=True))
    site = Site("site", None, Limits(Manners(5, 100, None, None, 300), 1), cast(Any, desk))
    site._at[cast(Any, session := Hanging(0))] = door(site, "a.example")
    site.closed(cast(Any, session), "", Reply(554, "5.7.1 blocked"))
    assert desk.lessons[-1] == "source_blocked"
