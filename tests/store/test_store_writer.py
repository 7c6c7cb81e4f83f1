"""Do writes share a commit, and does each get its own answer only after it?"""

import asyncio
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import apsw
import pytest
from peewee import OperationalError

from mailer.store import domains
from mailer.store.database import Sqlite, change, open_store, select
from mailer.store.space import RESERVE
from mailer.store.writer import Writer


@pytest.fixture
def writer(store: Sqlite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    """A writer over the real store that tries nothing by itself."""
    monkeypatch.setattr("mailer.store.writer.TRY_SECONDS", 60.0)
    opened = Writer()
    yield opened
    opened.close()


def test_it_says_when_there_is_too_little_room_to_begin_anything_and_still_writes(
    store: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.store.writer.TRY_SECONDS", 0.01)
    writer = Writer()
    with monkeypatch.context() as full:
        full.setattr("mailer.store.space.free_octets", lambda _: RESERVE - 1)
        writer.submit(lambda: add("one.example")).result(10)
        assert not writer.has_room
    while not writer.has_room:
        time.sleep(0.01)
    writer.close()


def add(domain: str) -> int:
    """Write one row; twice the same is refused by the store."""
    return change("INSERT INTO domain_memory (domain, bare_form) VALUES (?, 1)", (domain,))


def jam(writer: Writer) -> Event:
    """Keep the writer busy until the event is set, so that what comes next is one batch."""
    go = Event()
    writer.submit(lambda: go.wait(10))
    return go


@contextmanager
def full_disk(store: Path) -> Iterator[None]:
    """Let the store's log of writes grow no further."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (store.with_name(f"{store.name}-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when it holds; fail if it does not in ten seconds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_answer_comes_after_the_commit(writer: Writer) -> None:
    assert writer.submit(lambda: add("a.jp")).result(10) == 1
    assert domains.bare_form_domains() == {"a.jp"}


def test_a_failing_write_takes_only_itself_down(writer: Writer) -> None:
    go = jam(writer)
    futures = [writer.submit(lambda name=name: add(name)) for name in ("a.jp", "a.jp", "b.jp")]  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    go.set()
    assert [type(future.exception(10)).__name__ for future in futures] == ["NoneType", "ConstraintError", "NoneType"]
    assert select("SELECT domain FROM domain_memory ORDER BY domain") == [("a.jp",), ("b.jp",)]


def test_only_a_failure_of_the_store_counts_as_one_and_only_until_a_commit_succeeds(writer: Writer) -> None:
    assert isinstance(writer.submit(lambda: 1 // 0).exception(10), ZeroDivisionError)
    assert writer.failure is None
    writer.submit(lambda: add("a.jp")).result(10)
    failed = writer.submit(lambda: add("a.jp"))
    assert failed.exception(10) is writer.failure is not None
    writer.submit(lambda: add("b.jp")).result(10)
    assert writer.failure is None


def test_a_failure_ends_by_itself_once_the_disk_has_room_and_not_before(
    writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailer.store.writer.TRY_SECONDS", 0.01)
    with full_disk(tmp_path / "mimamori.db"):
        first = writer.submit(lambda: add("a.jp")).exception(10)
        wait_until(lambda: writer.failure is not first)
        assert writer.failure is not None
    wait_until(lambda: writer.failure is None)
    assert domains.bare_form_domains() == set()


def test_after_a_flush_that_failed_the_store_is_read_anew_and_the_process_asked_to_end(store: Sqlite) -> None:
    class FlushFailed(apsw.IOError):
        extendedresult = apsw.SQLITE_IOERR_FSYNC

    def failing() -> None:
        raise OperationalError(FlushFailed("disk I/O error"))

    ended, connections = Event(), []
    writer = Writer(ended.set)
    go = jam(writer)
    connection = store.connection
    futures = [
        writer.submit(work)
        for work in (lambda: connections.append(connection()), failing, lambda: connections.append(connection()))
    ]
    go.set()
    assert [type(future.exception(10)) for future in futures] == [type(None), OperationalError, type(None)]
    assert ended.is_set()
    assert connections[0] is not connections[-1]
    writer.close()


def test_a_store_that_cannot_even_be_closed_does_not_end_the_writer(
    store: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FlushFailed(apsw.IOError):
        extendedresult = apsw.SQLITE_IOERR_FSYNC

    def failing() -> None:
        raise FlushFailed("disk I/O error")

    ended = Event()
    writer = Writer(ended.set)
    with monkeypatch.context() as patched:
        patched.setattr(store, "close", failing)
        assert isinstance(writer.submit(failing).exception(10), FlushFailed)
    assert ended.is_set()
    assert writer.submit(lambda: add("a.jp")).result(10) == 1
    writer.close()


@pytest.mark.parametrize("error", [apsw.BusyError("database is locked"), apsw.ProtocolError("locking protocol")])
def test_a_locked_store_is_waited_for_once_and_not_once_for_each_write(writer: Writer, error: apsw.Error) -> None:
    asked = []

    def locked() -> None:
        asked.append(1)
        raise OperationalError(error)

    go = jam(writer)
    futures = [writer.submit(locked) for _ in range(3)]
    go.set()
    assert [type(future.exception(10)) for future in futures] == [OperationalError] * 3
    assert len(asked) == 1
    assert isinstance(writer.failure, OperationalError)


async def test_a_caller_that_goes_away_neither_undoes_the_work_nor_stops_the_writer(writer: Writer) -> None:
    go = jam(writer)
    left = asyncio.ensure_future(asyncio.wrap_future(writer.submit(lambda: add("a.jp"))))
    await asyncio.sleep(0)
    left.cancel()
    go.set()
    assert await writer.do(lambda: add("b.jp")) == 1
    assert domains.bare_form_domains() == {"a.jp", "b.jp"}


def test_closing_finishes_what_was_submitted(store: Sqlite, tmp_path: Path) -> None:
    writer = Writer()
    futures = [writer.submit(lambda name=f"{n}.jp": add(name)) for n in range(1000)]  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    writer.close()
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(lambda: None)
    store.close()
    open_store(f"sqlite:///{tmp_path}/mimamori.db")
    assert select("SELECT COUNT(*) FROM domain_memory") == [(1000,)]


def test_much_is_done_by_handfuls_and_others_come_between(writer: Writer) -> None:
    left, order = [3], list[str]()

    def handful() -> int:
        order.append("handful")
        left[0] -= 1
        return max(0, left[0])

    async def both() -> int:
        much = asyncio.ensure_future(writer.repeat(handful))
        await asyncio.sleep(0)
        await writer.do(lambda: order.append("other"))
        return await much

    assert asyncio.run(both()) == 2 + 1
    assert order == ["handful", "other", "handful", "handful"]


def test_a_handful_that_fails_is_told_and_what_was_done_before_it_stands(writer: Writer) -> None:
    names = iter(["a.example", "b.example", "a.example"])
    with pytest.raises(apsw.ConstraintError):
        asyncio.run(writer.repeat(lambda: add(next(names))))
    assert select("SELECT domain FROM domain_memory ORDER BY 1") == [("a.example",), ("b.example",)]
