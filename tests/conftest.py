"""What do tests of several packages share? A real store, an office on a fake clock, and the `--long` option."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest

from mailer.arithmetic import AS_IT_IS, VARIABLE
from mailer.domain.household import Entry
from mailer.domain.lane import Lane
from mailer.domain.school import School, Schools
from mailer.message.verp import Verp
from mailer.service.office import Office
from mailer.store import registry
from mailer.store.database import Sqlite, open_store, transaction


class FakeClock:
    """A clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 4, 10, 6, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> datetime:
        """Move on by a timedelta's keywords and return the new time."""
        self.now += timedelta(**by)
        return self.now


# How OpenSSL signs fastest matters where speed is measured, not here: each mailer would look for it as it starts.
os.environ.setdefault(VARIABLE, AS_IT_IS)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --long"))


@pytest.fixture
def clock() -> FakeClock:
    """15:00 of a school day in Japan, standing still."""
    return FakeClock()


class Register(Protocol):
    """Registers a household and returns its number."""

    def __call__(self, school: str, *addresses: str | None, receives: bool = True) -> int:
        """Put the addresses into slots 1, 2, …; None leaves a slot empty."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sqlite]:
    """A new, real store on disk."""
    opened = open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    yield opened
    opened.close()


@pytest.fixture
def schools() -> Schools:
    """Two primary schools and a middle school, and one that was closed."""
    rows = [
        ("t-daiichi", "滝川第一小学校", None),
        ("t-daini", "滝川第二小学校", None),
        ("t-kouryoj", "江陵中学校", None),
        ("t-kyu", "旧小学校", datetime(2020, 3, 31, tzinfo=UTC).date()),
    ]
    domain = "mail.mimamori-iwamizawa.jp"
    listed = [
        School(code, name, f"{code}@{domain}", "takikawa", "primary", order, closed)
        for order, (code, name, closed) in enumerate(rows)
    ]
    return Schools({school.code: school for school in listed})


@pytest.fixture
def ids() -> Callable[[str], str]:
    """Names in order: B0000001, B0000002, …"""
    numbers = count(1)
    return lambda prefix: f"{prefix}{next(numbers):07d}"


@pytest.fixture
def office(store: Sqlite, clock: FakeClock, schools: Schools, ids: Callable[[str], str]) -> Office:
    """The office of a small town, on the fake clock, over the real store."""
    domain = "mail.mimamori-iwamizawa.jp"
    return Office(
        clock=clock,
        chance=lambda: 0.5,
        ids=ids,
        schools=schools,
        domain=domain,
        base_url="https://mimamori.example.jp",
        receipt_key=bytes(range(32)),
        verp=Verp(bytes(range(32, 64)), domain),
        expires={Lane.SAFETY: timedelta(hours=12), Lane.ORDINARY: timedelta(days=2), Lane.NOTICE: timedelta(days=3)},
        maintenance_lead=(timedelta(days=7), timedelta(days=1)),
    )


@pytest.fixture
def register(office: Office, clock: FakeClock) -> Register:
    """Registers households one by one; a second passes with each."""
    numbers = count(1)

    def one(school: str, *addresses: str | None, receives: bool = True) -> int:
        number = next(numbers)
        slots = {slot: address for slot, address in enumerate(addresses, 1) if address is not None}
        entry = Entry(school, "1", "1", f"児童{number}", f"保護者{number}", f"login{number}", slots, receives)
        with transaction():
            registry.add([entry], clock())
        clock.advance(seconds=1)
        return next(registry.by_login(f"login{number}")).id

    return one
