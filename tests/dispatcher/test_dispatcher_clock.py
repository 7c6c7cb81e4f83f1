"""Does a worker's clock keep with the machine's, and with its parent's?"""

from datetime import UTC, datetime, timedelta

from mailer.clock import LEAST_JUMP, SteadyClock


class Machine:
    """A machine whose clock somebody sets."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 4, 10, 6, tzinfo=UTC)
        self.uptime = 0.0

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.uptime)

    def passes(self, seconds: float, *, set_by: float = 0.0) -> None:
        self.uptime += seconds
        self.wall += timedelta(seconds=seconds + set_by)


def test_small_corrections_do_not_add_up() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(5):
        machine.passes(1.0, set_by=4.5)
        clock.follow_if(False)
        assert clock() == machine.wall


def test_a_jump_is_followed_once_the_queue_has() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(1.0, set_by=3600.0)
    clock.follow_if(False)
    assert machine.wall - clock() == timedelta(hours=1)
    clock.follow_if(True)
    assert clock() == machine.wall


def test_who_starts_between_a_jump_and_the_queue_following_it_is_not_set_twice() -> None:
    machine = Machine()
    machine.passes(1.0, set_by=-2 * LEAST_JUMP.total_seconds())
    clock = machine.clock()
    clock.follow_if(True)
    assert clock() == machine.wall
