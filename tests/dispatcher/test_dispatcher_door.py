"""Does a door that cannot be opened rest longer each time, urgent mail not so long, and are connections few?"""

from typing import cast

from mailer.dispatcher.door import FIRST_DIALS, FIRST_PAUSE, Door
from mailer.dispatcher.job import Job
from mailer.dispatcher.limits import LONGEST_URGENT_PAUSE
from mailer.domain.lane import Lane


def test_it_rests_twice_as_long_each_time_up_to_the_limit() -> None:
    door = Door(300.0)
    rests = []
    for _ in range(7):
        door.failed(1000.0)
        rests.append(next(s for s in range(1, 1000) if door.may_try(Lane.ORDINARY, 1000.0 + s)))
    assert rests == [10, 20, 40, 80, 160, 300, 300]


def test_urgent_mail_tries_every_half_minute() -> None:
    door = Door(300.0)
    for _ in range(7):
        door.failed(1000.0)
    assert not door.may_try(Lane.SAFETY, 1000.0 + LONGEST_URGENT_PAUSE - 1)
    assert door.may_try(Lane.SAFETY, 1000.0 + LONGEST_URGENT_PAUSE)


def test_a_success_opens_it() -> None:
    door = Door(300.0)
    door.failed(1000.0)
    assert not door.may_try(Lane.NOTICE, 1000.0 + FIRST_PAUSE - 1)
    door.succeeded(1000.0)
    assert door.may_try(Lane.NOTICE, 1000.0)


def test_one_that_took_mail_a_moment_ago_only_takes_a_breath() -> None:
    door = Door(300.0)
    door.succeeded(1000.0)
    assert not door.failed(1002.0)
    assert not door.may_try(Lane.ORDINARY, 1002.5)
    assert door.may_try(Lane.ORDINARY, 1003.0)
    assert door.failed(1020.0)


def test_while_it_is_connected_it_is_open() -> None:
    door = Door(300.0)
    door.failed(1000.0)
    door.connections = 1
    assert door.may_try(Lane.NOTICE, 1000.0)


def waiting(jobs: int) -> Door:
    door = Door(300.0)
    for _ in range(jobs):
        door.waiting.lanes[Lane.SAFETY].append(cast(Job, None))
    return door


def test_some_connections_are_opened_at_once_and_no_more_than_there_are_jobs() -> None:
    door = waiting(80)
    for expected in (True,) * FIRST_DIALS + (False,):
        assert door.wants_dial(0, 1000.0) is expected
        door.dialling += 1
    assert not waiting(1).wants_dial(1, 1000.0)


def test_a_receiver_far_away_gets_more_and_one_near_by_does_not() -> None:
    for seconds, more in ((0.2, True), (0.002, False)):
        door = waiting(40)
        for _ in range(4):
            door.opened(seconds, 1000.0)
        assert door.wants_dial(0, 1000.0) is more


def test_a_receiver_that_becomes_slow_gets_more() -> None:
    door = waiting(40)
    for _ in range(4):
        door.opened(0.002, 1000.0)
    assert not door.wants_dial(0, 1000.0)
    door.began(1000.0)
    assert door.wants_dial(0, 1000.5)
    for _ in range(8):
        door.settled(0.1, 1000.5)
    assert door.wants_dial(0, 1000.5)


def test_that_there_was_no_mail_for_long_does_not_make_it_slow() -> None:
    door = waiting(4)
    door.opened(0.002, 1000.0)
    door.began(1000.0)
    door.settled(0.002, 1000.002)
    assert not door.wants_dial(1, 1002.0)
    door.began(1002.0)
    assert not door.wants_dial(0, 1002.001)
    assert door.wants_dial(0, 1002.5)


def test_a_receiver_is_near_that_takes_a_mail_in_next_to_no_time() -> None:
    near, far = Door(300.0), Door(300.0)
    assert not near.is_near  # nobody knows yet
    near.opened(0.003, now=0.0)
    far.opened(0.06, now=0.0)
    assert (near.is_near, far.is_near) == (True, False)
    for _ in range(20):
        near.began(1.0)
        near.settled(0.05, now=1.0)
    assert not near.is_near
