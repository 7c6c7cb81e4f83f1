"""How many rows a second does the store take on this machine?

Run `python -m tests.bench.store_rows [DIRECTORY]` (default: a folder under the current one, so that a real disk is
measured and not a tmpfs). Figures belong into tests/README.md.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import random
from time import perf_counter, process_time

from mailer.clock import system_clock
from mailer.domain.lane import Lane
from mailer.domain.school import School, Schools
from mailer.ids import random_id
from mailer.message.verp import Verp
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import broadcast, dispatch
from mailer.service.announce import Announced
from mailer.service.office import Office
from mailer.store.database import executemany, open_store, transaction

RECIPIENTS = 10_000
DOMAINS = 40
BATCH = 200
EVIDENCE = Evidence(
    "eod", "mx.docomo.ne.jp[203.0.113.1]:25", code=250, enhanced="2.0.0", text="2.0.0 Ok: queued", tls="TLSv1.3"
)
SCHOOLS = Schools(
    {f"s{n}": School(f"s{n}", f"第{n}小学校", f"s{n}@mail.example.jp", "takikawa", "primary", n) for n in range(11)}
)


def office() -> Office:
    """Return an office with the machine's own clock."""
    return Office(
        clock=system_clock,
        chance=random,
        ids=random_id,
        schools=SCHOOLS,
        domain="mail.example.jp",
        base_url="https://www.example.jp",
        receipt_key=bytes(32),
        verp=Verp(bytes(32), "mail.example.jp"),
        expires=dict.fromkeys(Lane, timedelta(days=1)),
        maintenance_lead=(),
    )


def register(households: int) -> None:
    """Write households with one address each, spread over the schools and 40 domains."""
    numbers = range(1, households + 1)
    with transaction():
        executemany(
            "INSERT INTO household (id, school, grade, class_name, child, guardian, login, receives_broadcasts,"
            " registered_at) VALUES (?, ?, '1', '1', '児童', '保護者', ?, 1, 0)",
            [(n, f"s{n % 11}", f"login{n}") for n in numbers],
        )
        executemany(
            "INSERT INTO address_slot (household_id, slot, address, address_key, set_at) VALUES (?, 1, ?, ?, 0)",
            [(n, *[f"guardian{n}@d{n % DOMAINS}.example.ne.jp"] * 2) for n in numbers],
        )


@contextmanager
def timed(what: str, rows: int = 0) -> Iterator[None]:
    """Print how long the block took, how much of it was our own CPU time, and the rows a second."""
    begun, worked = perf_counter(), process_time()
    yield
    took, worked = perf_counter() - begun, process_time() - worked
    rate = f" {rows / took:12,.0f} rows/s" if rows else ""
    print(f"{what:<55} {took * 1000:9.1f} ms {worked * 1000:9.1f} ms CPU{rate}", flush=True)


def drain(here: Office, verdict: Verdict) -> None:
    """Claim and settle everything that waits, each batch in two transactions, site by site of four domains."""
    domains = sorted({due.domain for due in dispatch.due_domains(here.clock())})
    for first in range(0, len(domains), 4):
        drain_site(here, domains[first : first + 4], verdict)


def drain_site(here: Office, domains: list[str], verdict: Verdict) -> None:
    """Claim and settle what waits for these domains."""
    again = here.clock() + timedelta(hours=1) if verdict is Verdict.DEFERRED else None
    while True:
        with transaction():
            claimed = dispatch.claim(here, domains, BATCH, "bench")
        if not claimed:
            return
        outcome = Outcome(verdict, EVIDENCE, here.clock(), again)
        with transaction():
            dispatch.settle(here, [(one.item_id, one.attempt, outcome) for one in claimed])


def send(here: Office) -> Announced:
    """Send a broadcast to everyone."""
    request = broadcast.BroadcastRequest(
        schools=tuple(SCHOOLS.by_code),
        subject="不審者情報",
        text="本文\n" * 50,
        receipt=True,
        urgent=True,
        actor="bench",
    )
    return broadcast.send(here, request)


def best(work: Callable[[], object], times: int = 20) -> float:
    """Return the shortest of several runs in milliseconds."""
    took = []
    for _ in range(times):
        begun = perf_counter()
        work()
        took.append(perf_counter() - begun)
    return min(took) * 1000


def expired(here: Office, now: datetime) -> int:
    """End a handful of items whose time is over; return how many."""
    with transaction():
        return dispatch.expire(here, now)


def main(folder: Path) -> None:
    """Measure and print."""
    open_store(f"sqlite:///{folder}/bench.db", create=True)
    here = office()
    register(RECIPIENTS)
    with timed(f"broadcast send, {RECIPIENTS} recipients", RECIPIENTS):
        sent = send(here)
    with timed(f"claim + settle accepted, batches of {BATCH}", RECIPIENTS):
        drain(here, Verdict.ACCEPTED)
    with timed("broadcast show"):
        broadcast.show(here, sent.id)
    with timed("broadcast verify"):
        problems = broadcast.verify(here, sent.id)
    assert problems == [], problems
    send(here)
    with timed(f"claim + settle deferred, batches of {BATCH}", RECIPIENTS):
        drain(here, Verdict.DEFERRED)
    for _ in range(19):
        send(here)
    now = datetime.now(UTC)
    print(f"{'due domains with 200,000 items waiting':<55} {best(lambda: dispatch.due_domains(now)):9.2f} ms")
    with timed("expire 200,000 items"):
        while expired(here, now + timedelta(days=2)):
            pass


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else ".") as name:
        main(Path(name))
