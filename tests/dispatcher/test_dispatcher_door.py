"""Does a door that cannot be opened rest longer each time, and urgent mail not so long?"""

from mailer.dispatcher.door import FIRST_PAUSE, Door
from mailer.dispatcher.limits import LONGEST_URGENT_PAUSE
from mailer.domain.lane import Lane
from mailer.net.routes import Host, Route

ROUTE = Route("a.example", (Host("mx.a.example", ("192.0.2.1",)),), 60.0, "mx.a.example")


def test_it_rests_twice_as_long_each_time_up_to_the_limit() -> None:
    door = Door(ROUTE, 300.0)
    rests = []
    for _ in range(7):
        door.failed(1000.0)
        rests.append(next(s for s in range(1, 1000) if door.may_try(Lane.ORDINARY, 1000.0 + s)))
    assert rests == [10, 20, 40, 80, 160, 300, 300]


def test_urgent_mail_tries_every_half_minute() -> None:
    door = Door(ROUTE, 300.0)
    for _ in range(7):
        door.failed(1000.0)
    assert not door.may_try(Lane.SAFETY, 1000.0 + LONGEST_URGENT_PAUSE - 1)
    assert door.may_try(Lane.SAFETY, 1000.0 + LONGEST_URGENT_PAUSE)


def test_a_success_opens_it() -> None:
    door = Door(ROUTE, 300.0)
    door.failed(1000.0)
    assert not door.may_try(Lane.NOTICE, 1000.0 + FIRST_PAUSE - 1)
    door.succeeded(1000.0)
    assert door.may_try(Lane.NOTICE, 1000.0)


def test_one_that_took_mail_a_moment_ago_only_takes_a_breath() -> None:
    door = Door(ROUTE, 300.0)
    door.succeeded(1000.0)
    assert not door.failed(1002.0)
    assert not door.may_try(Lane.ORDINARY, 1002.5)
    assert door.may_try(Lane.ORDINARY, 1003.0)
    assert door.failed(1020.0)


def test_while_it_is_connected_it_is_open() -> None:
    door = Door(ROUTE, 300.0)
    door.failed(1000.0)
    door.connections = 1
    assert door.may_try(Lane.NOTICE, 1000.0)
