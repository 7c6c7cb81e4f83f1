"""Is a notice to everyone whole, and nobody written to twice, when the mailer is killed again and again meanwhile?"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from mailer.clock import system_clock
from tests.crash.balance import Item, weigh
from tests.crash.far_side import SHARES, addresses, domain
from tests.crash.line import LOCKED, Line, line
from tests.crash.tree import family, kill, wait_until

pytestmark = pytest.mark.long
HOUSEHOLDS = 6000
KILLS = 8
WRITTEN = "SELECT COUNT(*) FROM queue_item"
UNWRITTEN = "SELECT COUNT(*) FROM announcement_school WHERE unwritten_after IS NOT NULL"
ITEMS = "SELECT id, state, possible_duplicate FROM queue_item"


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Line]:
    """A line with many more households, at a second school, some of them with an address of the first."""
    with line(tmp_path) as made:
        more = [f"more{n}@{domain(1 + n % len(SHARES))}" for n in range(HOUSEHOLDS)]
        made.appliance.register([*more, *addresses()[:20]], "t-daini")
        yield made


def _is_written(on: Line, items: int) -> bool:
    """Tell whether more than so many items are written; not while the next mailer finds what the dead one left."""
    with contextlib.suppress(*LOCKED):
        return bool(on.select(WRITTEN)[0][0] > items)
    return False


def test_a_notice_is_whole_through_kills(on: Line) -> None:
    begins = system_clock() + timedelta(days=2)
    times = [moment.isoformat(timespec="minutes") for moment in (begins, begins + timedelta(hours=1))]
    on.type("maintenance", "plan", "--from", times[0], "--to", times[1], "--lead", "3d")
    everybody, killed, under_way = HOUSEHOLDS + len(addresses()), 0, set[int]()
    for step in range(1, KILLS + 1):
        on.launch()
        due = step * everybody // (KILLS + 2)
        wait_until(partial(_is_written, on, due), f"{due} are written", 30)
        kill(family(on.pid))
        under_way |= on.under_way() | on.under_way_for_others()
        killed += bool(on.snapshot(UNWRITTEN)[0][0])
    assert killed == KILLS, "some kills came when all was written"
    on.start()
    wait_until(lambda: on.select(UNWRITTEN) == [(0,)], "all is written", 60)
    on.settle(120)
    ((name,),) = on.select("SELECT id FROM announcement")
    assert on.select(WRITTEN) == [(everybody,)]
    assert on.holds(name)
    items = [Item(number, state, bool(marked)) for number, state, marked in on.select(ITEMS)]
    assert weigh(items, on.far.news(), under_way, 0).faults == []
