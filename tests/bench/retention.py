"""For how long does forgetting lock others out of a big store?

`python -m tests.bench.retention [--recipients 1000000]`: a store of finished broadcasts to 10,000 each, with attempts,
transcripts, receipts and visits that are all over their terms, forgotten as the mailer does it. Told for each kind: how
long it takes, and how long a transaction lasts from its begin to the end of its commit; and how long another process
that writes every 20 ms waits for the store meanwhile. Nothing of it leaves a temporary directory.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from unittest.mock import patch

from mailer import forgetting
from mailer.domain.school import Schools
from mailer.message.verp import Verp
from mailer.service.office import Office
from mailer.service.retention import PARTS
from mailer.store import writer
from mailer.store.database import change, executemany, open_store, transaction
from mailer.store.figures import spare_octets, store_octets
from mailer.store.reader import Reader

EACH = 10_000
SAID = "250 2.0.0 Ok: queued as 4ZXQ"
TRANSCRIPT = f"2544\n12 250 2.1.0 Ok\n13 250 2.1.5 Ok\n14 354 End data\n30 {SAID}1234567"
HEADERS = '[["User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15"]]'
EVIDENCE = ("mx.example.jp", "eod", 250, "2.0.0", SAID, "TLSv1.3", "")
NOW = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)
OLD = round((NOW - timedelta(days=1200)).timestamp() * 1000)
DAY = 86_400_000
HOUSEHOLD = "INSERT INTO household VALUES (?, 't-daiichi', '', '', '', '', ?, 1, 1, NULL)"
ANNOUNCEMENT = "INSERT INTO announcement VALUES (?, 'broadcast', 1, '', '', 1, '', ?, ?, ?, NULL, '')"
ITEM = """
INSERT INTO queue_item
VALUES (?, ?, '', ?, ?, 'x.jp', 1, 'accepted', 1, 1, 1, '', 0, 0, 0, ?, 1, ?, ?, ?, ?, ?, ?, ?, 1, 0)
"""
ATTEMPT = "INSERT INTO attempt VALUES (?, 1, 1, ?, 'accepted', ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SESSION = "INSERT INTO smtp_session VALUES (?, 'mx[192.0.2.1]:25', 1, 3, 'h', 'TLSv1.3', '1 220 hello')"
VISIT = "INSERT INTO visit VALUES (?, ?, ?, 'GET', '203.0.113.7', ?)"
OTHER = """
import apsw, select, sys, time
store, waits = apsw.Connection(sys.argv[1]), []
store.set_busy_timeout(30000)
store.execute("PRAGMA synchronous = FULL")
while not select.select([sys.stdin], [], [], 0.02)[0]:
    began = time.perf_counter()
    store.execute("BEGIN IMMEDIATE")
    waits.append(time.perf_counter() - began)
    store.execute("INSERT INTO counter VALUES ('bench', 1) ON CONFLICT DO UPDATE SET last = last + 1; COMMIT")
waits.sort()
print(*(round(1000 * waits[int(len(waits) * share)], 1) for share in (0.5, 0.99)), round(1000 * waits[-1], 1))
"""


def fill(recipients: int) -> None:
    """Write finished broadcasts; every third mail was opened."""
    with transaction():
        executemany(HOUSEHOLD, [(number, f"h{number}") for number in range(1, EACH + 1)])
    for first in range(1, recipients, EACH):
        numbers, name = range(first, first + EACH), f"B{first}"
        with transaction():
            change(ANNOUNCEMENT, (name, OLD, OLD, OLD + DAY))
            executemany(ITEM, [(n, name, *[f"a{n % EACH}@x.jp"] * 2, os.urandom(16), *EVIDENCE) for n in numbers])
            executemany("INSERT INTO item_slot VALUES (?, ?, 1)", [(n, n % EACH + 1) for n in numbers])
            executemany(ATTEMPT, [(n, OLD, *EVIDENCE, (OLD << 20) + n // 50, TRANSCRIPT) for n in numbers])
            executemany(SESSION, [((OLD << 20) + n // 50,) for n in numbers if n % 50 == 0])
            executemany(VISIT, [(n, n, OLD, HEADERS) for n in numbers[::3]])
            executemany("INSERT INTO receipt VALUES (?, ?, ?, 1, 1)", [(name, n % EACH + 1, n) for n in numbers[::3]])


def office() -> Office:
    """Return an office of the day after all terms."""
    return Office(
        clock=lambda: NOW,
        chance=lambda: 0.5,
        ids=lambda prefix: prefix,
        schools=Schools({}),
        domain="x.jp",
        base_url="",
        receipt_key=b"",
        verp=Verp(bytes(32), "x.jp"),
        expires={},
        maintenance_lead=(),
    )


@contextmanager
def timed(lasted: list[float]) -> Iterator[None]:
    """Be a transaction whose length is noted."""
    began = time.perf_counter()
    with transaction():
        began = time.perf_counter()
        yield
    lasted.append(1000 * (time.perf_counter() - began))


async def forget() -> None:
    """Forget kind by kind and tell how long it took."""
    lasted: list[float] = []
    with patch.object(writer, "transaction", partial(timed, lasted)):
        ours, reader = writer.Writer(), Reader()
        for kind in PARTS:
            lasted.clear()
            began, worked = time.perf_counter(), time.process_time()
            gone = await forgetting._forget(office(), reader, ours, kind)
            took, worked = time.perf_counter() - began, time.process_time() - worked
            if gone:
                lasted.sort()
                shares = (lasted[len(lasted) // 2], lasted[int(len(lasted) * 0.99)], lasted[-1])
                said = " / ".join(f"{one:.0f}" for one in shares)
                print(
                    f"{kind}: {gone} rows in {took:.0f} s (CPU {worked:.0f} s), {len(lasted)} transactions, ms {said}"
                )
        await asyncio.to_thread(ours.close)


def main() -> None:
    """Fill, forget, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "mimamori.db")
        open_store(f"sqlite://{file}", create=True)
        fill(wanted.recipients)
        print(f"{wanted.recipients} recipients in {store_octets() / 1e6:.0f} MB; times: median / p99 / longest")
        command = [sys.executable, "-c", OTHER, str(file)]
        other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        asyncio.run(forget())
        print("another process waits for the store, ms:", other.communicate("\n")[0].replace(" ", " / ").strip())
        print(f"free inside the file: {spare_octets() / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
