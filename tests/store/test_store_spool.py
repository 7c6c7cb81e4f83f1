"""Does the queue answer as fast when it is full?"""

from datetime import UTC, datetime, timedelta
from time import thread_time

import pytest

from mailer.domain.lane import Lane
from mailer.store import spool
from mailer.store.database import Sqlite, change, executemany, select, transaction
from mailer.store.models import instant

NOW = datetime(2026, 4, 10, tzinfo=UTC)
DOMAINS = 40
FILL = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO queue_item (id, announcement_id, school, address, address_key, domain, lane, state, next_attempt_at,
    expires_at, attempts, intent, possible_copies, possible_duplicate, host, stage, code, enhanced, reply, tls, reason)
SELECT n, 'B1', 's', 'a' || n, 'a' || n, 'd' || (n % ?) || '.jp', n % 2, 'waiting', ?, ?, 0, '', 0, 0,
    '', '', 0, '', '', '', ''
FROM numbers
"""
ANNOUNCEMENT = """
INSERT INTO announcement
    (id, kind, lane, subject, text, receipt, actor, announced_at, not_before, expires_at, selectors)
VALUES ('B1', 'broadcast', 0, '', '', 0, '', 0, 0, 0, '')
"""


def fill(items: int) -> None:
    """Put so many waiting items into the store, over 40 domains and two lanes, due now, for a day."""
    with transaction():
        change(ANNOUNCEMENT)
        change(FILL, (items, DOMAINS, instant(NOW), instant(NOW + timedelta(days=1))))


def test_due_domains_cost_per_domain_and_not_per_item(store: Sqlite) -> None:
    fill(200_000)
    took = []
    for _ in range(10):
        begun = thread_time()
        found = spool.waiting_domains()
        took.append(thread_time() - begun)
    assert len(found) == DOMAINS
    assert min(took) < 0.005
    begun = thread_time()
    assert len(spool.due(["d0.jp", "d2.jp"], Lane.SAFETY, NOW, 200)) == 200
    assert thread_time() - begun < 0.1


def test_all_lanes_are_looked_at(store: Sqlite) -> None:
    fill(9)
    for lane in Lane:
        change("UPDATE queue_item SET lane = ? WHERE id % 3 = ?", (int(lane), int(lane)))
    assert {one.lane for one in spool.waiting_domains()} == set(Lane)


def test_an_empty_queue_has_no_due_domain(store: Sqlite) -> None:
    assert spool.waiting_domains() == []


@pytest.mark.parametrize(
    ("statement", "parameters", "index"),
    [
        (spool.DUE_DOMAINS, (), "queue_item_due"),
        (spool.DUE_ITEMS, ("d1.jp", 0, 0, 0, 9), "queue_item_due"),
        (spool.OVER, (0, 9), "queue_item_expiry"),
        (spool.LOST, (False, "w"), "queue_item_claimed"),
        (spool.UNWANTED, ("w",), "queue_item_claimed"),
    ],
)
def test_no_statement_of_the_hot_path_reads_the_whole_table(
    store: Sqlite, statement: str, parameters: tuple[object, ...], index: str
) -> None:
    plan = [row[3] for row in select(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    on_the_table = [line for line in plan if "queue_item" in line or "item" in line.split()]
    assert on_the_table
    assert [line for line in on_the_table if f"INDEX {index}" not in line] == []


def test_items_of_many_domains_come_in_the_order_of_their_time(store: Sqlite) -> None:
    fill(80)
    executemany(
        "UPDATE queue_item SET next_attempt_at = ? WHERE id = ?",
        [(instant(NOW - timedelta(seconds=n)), n) for n in range(1, 81)],
    )
    domains = [f"d{n}.jp" for n in range(DOMAINS)]
    assert [one.item_id for one in spool.due(domains, Lane.SAFETY, NOW, 5)] == [80, 78, 76, 74, 72]
