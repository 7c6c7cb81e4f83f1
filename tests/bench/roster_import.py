"""How long does a roster of 10,000 rows take? `python tests/bench/roster_import.py [ROWS]` prints it.

Real file, real store (SQLite, synchronous=FULL) in a temporary directory: reading, first import, the same
file again, a file in which every address has changed, and the export.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from mailer.domain.household import Entry
from mailer.domain.lane import Lane
from mailer.domain.roster import read_roster, write_roster
from mailer.domain.school import School, Schools
from mailer.ids import random_id
from mailer.message.verp import Verp
from mailer.service import roster
from mailer.service.office import Office
from mailer.store.database import open_store

Result = TypeVar("Result")
DOMAIN = "mail.mimamori-iwamizawa.jp"
CODES = [f"t-school{number}" for number in range(11)]
SCHOOLS = Schools(
    {
        code: School(code, f"第{order}小学校", f"{code}@{DOMAIN}", "takikawa", "primary", order)
        for order, code in enumerate(CODES)
    }
)


def office() -> Office:
    """Return an office of eleven schools."""
    return Office(
        clock=lambda: datetime.now(UTC),
        chance=lambda: 0.5,
        ids=random_id,
        schools=SCHOOLS,
        domain=DOMAIN,
        base_url="https://mimamori.example.jp",
        receipt_key=bytes(32),
        verp=Verp(bytes(32), DOMAIN),
        expires={lane: timedelta(days=1) for lane in Lane},
        maintenance_lead=(),
    )


def content(rows: int, domain: str) -> bytes:
    """Return a roster file of `rows` households with two addresses each."""
    entries = (
        Entry(
            CODES[number % len(CODES)],
            str(number % 6 + 1),
            f"{number % 3 + 1}組",
            f"山田 太郎{number}",
            "山田 花子",
            f"y{number:05}",
            {1: f"taro..{number}@{domain}", 2: f"hanako{number}@gmail.com"},
            number % 50 != 0,
        )
        for number in range(rows)
    )
    return "".join(write_roster(entries)).encode("utf-8-sig")


def timed(name: str, work: Callable[[], Result]) -> Result:
    """Do `work`, print how long it took, return what it returned."""
    begun = time.perf_counter()
    result = work()
    print(f"{name:<28} {time.perf_counter() - begun:6.2f} s")
    return result


def main(rows: int) -> None:
    """Print the figures for a roster of `rows` rows."""
    here = office()
    first, second = content(rows, "docomo.ne.jp"), content(rows, "ezweb.ne.jp")
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(f"sqlite:///{Path(directory)}/bench.db", create=True)
        print(f"{rows} rows, {len(first) / 1e6:.1f} MB")
        read = timed("read the file", lambda: read_roster(first, SCHOOLS))
        changed = read_roster(second, SCHOOLS)
        print(timed("import", lambda: roster.import_entries(here, read.entries, "bench")))
        print(timed("the same again", lambda: roster.import_entries(here, read.entries, "bench")))
        print(timed("every first address changed", lambda: roster.import_entries(here, changed.entries, "bench")))
        print(timed("export", lambda: len(list(roster.export_lines(here, "bench")))), "lines")
        store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
