"""Do the migrations make exactly the tables that the models describe?"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playhouse.migrations import Runner

from mailer.carrier.wave import Lot
from mailer.domain.suspension import Terms
from mailer.store import announcements, bounce_events, database, inbound, received_reports, suspensions, waves
from mailer.store.bounce_events import Criteria
from mailer.store.database import MIGRATIONS, Sqlite, StoreError, open_store
from mailer.store.schema import TABLES

HISTORY = "schema_migration"


def schema(store: Sqlite) -> dict[str, str]:
    """Return the statement that makes each table and index, but for the history of migrations."""
    rows = store.execute_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: sql for name, sql in rows if not name.startswith(HISTORY)}


@contextmanager
def released(directory: Path, before: str) -> Iterator[Sqlite]:
    """Make a store as it was before a migration."""
    steps = directory / "before"
    steps.mkdir()
    for step in MIGRATIONS.glob("[0-9]*.py"):
        if step.stem < before:
            shutil.copy(step, steps)
    old = Sqlite(str(directory / "mimamori.db"), pragmas={"foreign_keys": 1})
    Runner(old, str(steps), table_name=HISTORY).up()
    yield old
    old.close()


def test_the_migrated_schema_is_that_of_the_models(store: Sqlite, tmp_path: Path) -> None:
    fresh = Sqlite(str(tmp_path / "fresh.db"))
    with fresh.bind_ctx(TABLES):
        fresh.create_tables(TABLES)
        expected = schema(fresh)
        fresh.close()
    assert schema(store) == expected


def test_a_queue_of_the_first_release_has_no_canaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy(MIGRATIONS / "0001_first.py", first)
    url = f"sqlite:///{tmp_path}/old.db"
    with monkeypatch.context() as old:
        old.setattr(database, "MIGRATIONS", first)
        store = open_store(url, create=True)
    store.execute_sql("INSERT INTO announcement VALUES (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)")
    store.execute_sql(
        "INSERT INTO queue_item VALUES (7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
    )
    store.close()
    store = open_store(url, create=True)
    assert list(store.execute_sql("SELECT id, canary FROM queue_item")) == [(7, 0)]
    store.close()


def test_a_store_without_its_schema_is_refused_unless_it_may_be_made(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="0001_first"):
        open_store(f"sqlite:///{tmp_path}/empty.db")


def test_a_store_of_a_newer_program_is_refused_and_left_alone(store: Sqlite, tmp_path: Path) -> None:
    store.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    before = schema(store)
    store.close()
    with pytest.raises(StoreError, match="newer"):
        open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    store.connect()
    assert schema(store) == before


def test_attempts_of_the_first_release_are_kept(tmp_path: Path) -> None:
    old = Sqlite(str(tmp_path / "mimamori.db"), pragmas={"foreign_keys": 1})
    only_first = tmp_path / "migrations"
    only_first.mkdir()
    shutil.copy(MIGRATIONS / "0001_first.py", only_first)
    Runner(old, str(only_first)).up()
    old.execute_sql(
        "INSERT INTO announcement VALUES ('B1', 'broadcast', 1, '件名', '本文', 0, 'tester', 1, 1, 9, NULL, 'rsa')"
    )
    old.execute_sql(
        "INSERT INTO queue_item VALUES (1, 'B1', 't-daiichi', 'a@b.jp', 'a@b.jp', 'b.jp', 1, 'waiting', 5, 9, 1, '', 0,"
        " NULL, NULL, 0, NULL, NULL, '', '', 0, '', '', '', '', NULL)"
    )
    old.execute_sql("INSERT INTO attempt VALUES (1, 1, 2, 3, 'deferred', 'mx', 'rcpt', 450, '4.2.0', 'later', '', 'x')")
    old.execute_sql("INSERT INTO domain_memory VALUES ('b.jp', 1)")
    old.close()
    migrated = open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    assert list(migrated.execute_sql("SELECT code, reply, session_id, transcript FROM attempt")) == [
        (450, "later", None, "")
    ]
    assert list(migrated.execute_sql("SELECT domain, bare_form, site FROM domain_memory")) == [("b.jp", 1, "")]
    migrated.execute_sql("DELETE FROM queue_item")
    assert list(migrated.execute_sql("SELECT COUNT(*) FROM attempt")) == [(0,)]
    migrated.close()


def test_mails_that_came_in_before_are_kept_and_count_as_read(tmp_path: Path) -> None:
    with released(tmp_path, before="0009") as old:
        for number, meaning in enumerate(("returned", "report", "mail"), 1):
            old.execute_sql(
                "INSERT INTO inbound_mail VALUES (?, 1, '', 'b-1@x.jp', '192.0.2.1', ?, x'', NULL, ?)",
                (number, bytes([number]), meaning),
            )
    migrated = open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    found = bounce_events.listed(Criteria(), 10)
    assert [(one.mail_id, one.meaning, one.event) for one in found] == [
        (3, "mail", None),
        (2, "report", None),
        (1, "returned", None),
    ]
    assert [one.mail_id for one in bounce_events.listed(Criteria(unread=True), 10)] == [3]
    assert [one.mail_id for one in bounce_events.listed(Criteria(mail=2), 10)] == [2]
    assert inbound.with_meaning("unread", 10) == []
    assert list(migrated.execute_sql("PRAGMA foreign_key_check")) == []
    migrated.close()


def test_an_address_that_rests_since_an_earlier_release_rests_on_until_it_is_tested(tmp_path: Path) -> None:
    with released(tmp_path, before="0009") as old:
        old.execute_sql("INSERT INTO suspension VALUES ('a@b.jp', 86400000, 'address_unknown', '550')")
        old.execute_sql("INSERT INTO suspension VALUES ('c@d.jp', 86400000, 'complaint', '')")
    migrated = open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    assert [one.tested_at for one in suspensions.all_()] == [None, None]
    assert suspensions.resting(Terms(), datetime(1970, 1, 31, tzinfo=UTC)) == {"a@b.jp", "c@d.jp"}
    assert suspensions.resting(Terms(), datetime(1970, 2, 1, tzinfo=UTC)) == {"c@d.jp"}
    migrated.close()


def test_reports_of_before_are_kept_with_their_lines_and_stay_the_only_ones_of_their_name(tmp_path: Path) -> None:
    with released(tmp_path, before="0016") as old:
        old.execute_sql(
            "INSERT INTO received_report VALUES (7, 'tls', 'a.jp', 'n', 'us.jp', 'a', 'A', '', '', '1970-01-01', 'UTC',"
            " 0, 86400000, 1, NULL)"
        )
        old.execute_sql("INSERT INTO reported_tls VALUES (3, 7, 1, 'sts', 'us.jp', 5, '', '', '', '')")
        old.execute_sql(
            "INSERT INTO reported_mail VALUES (4, 7, 1, 'ours', '', 5, 'none', 1, 1, '', '', '', '', '')",
        )
        for number, proved in ((8, 1), (9, 0)):
            old.execute_sql(
                "INSERT INTO inbound_mail VALUES (?, 1, '', 'b-1@x.jp', '192.0.2.1', ?, x'', NULL, 'report')",
                (number, bytes([number])),
            )
            old.execute_sql(
                "INSERT INTO bounce_event VALUES (?, ?, NULL, ?, 1, 'x@A.jp', 'complaint', '', '', '', '')",
                (number, number, proved),
            )
            old.execute_sql(
                "INSERT INTO received_report VALUES (?, 'complaint', 'a.jp', ?, 'us.jp', 'a', 'A', '', '',"
                " '1970-01-01', 'Japan', 0, 1, 1, ?)",
                (number, f"mail {number}", number),
            )
    migrated = open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    assert [one.proved for number in (7, 8, 9) if (one := received_reports.get(number))] == [False, True, False]
    kept = received_reports.get(7)
    assert kept is not None
    assert received_reports.number(replace(kept, digest=b"x")) == 7
    assert (len(received_reports.mails(7)), len(received_reports.sessions(7))) == (1, 1)
    assert list(migrated.execute_sql("PRAGMA foreign_key_check")) == []
    migrated.execute_sql("DELETE FROM received_report")
    assert list(migrated.execute_sql("SELECT id FROM reported_tls UNION ALL SELECT id FROM reported_mail")) == []
    migrated.close()


def test_what_was_announced_before_is_whole(tmp_path: Path) -> None:
    with released(tmp_path, before="0015") as old:
        old.execute_sql(
            "INSERT INTO announcement VALUES ('N1', 'maintenance', 2, '件名', '本文', 0, 't', 1, 1, 9, NULL, '')"
        )
        old.execute_sql("INSERT INTO announcement_school VALUES ('N1', 't-daiichi'), ('N1', 't-kyu')")
    migrated = open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    found = announcements.get("N1")
    assert found is not None
    assert (found.whole, found.schools, announcements.unwritten()) == (True, ("t-daiichi", "t-kyu"), None)
    assert list(migrated.execute_sql("PRAGMA foreign_key_check")) == []
    migrated.execute_sql("DELETE FROM announcement")
    assert list(migrated.execute_sql("SELECT COUNT(*) FROM announcement_school")) == [(0,)]
    migrated.close()


def test_what_was_announced_before_goes_by_what_schools_toml_says(tmp_path: Path) -> None:
    with released(tmp_path, before="0017") as old:
        old.execute_sql(
            "INSERT INTO announcement VALUES ('N1', 'maintenance', 2, '件', '文', 0, 'tester', 1, 1, 9, NULL, 'rsa')"
        )
        old.execute_sql("INSERT INTO announcement_school VALUES ('N1', 't-daiichi', NULL), ('N1', 't-daini', 7)")
    migrated = open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    found = announcements.get("N1")
    assert found is not None
    assert (found.schools, found.names, found.whole) == (("t-daiichi", "t-daini"), {}, False)
    assert announcements.unwritten() == ("N1", {"t-daini": 7})
    assert list(migrated.execute_sql("PRAGMA foreign_key_check")) == []
    migrated.close()


def test_what_receivers_refused_by_days_is_history_of_the_site_that_takes_their_mail(tmp_path: Path) -> None:
    with released(tmp_path, before="0018") as old:
        old.execute_sql("INSERT INTO domain_memory (domain, bare_form, site) VALUES ('a.example', 0, 'mx.b.example')")
        old.execute_sql("INSERT INTO domain_memory (domain, bare_form, site) VALUES ('b.example', 0, 'mx.b.example')")
        days = (
            ("a.example", "2026-04-10", 3, 1, 0),
            ("b.example", "2026-04-10", 4, 0, 1),
            ("b.example", "2026-04-11", 5, 0, 0),
            ("docomo", "2026-04-10", 90, 9, 0),
        )
        for day in days:
            old.execute_sql("INSERT INTO receiver_day VALUES (?, ?, ?, ?, ?)", day)
    migrated = open_store(f"sqlite:///{tmp_path}/mimamori.db", create=True)
    assert [(one.name, one.lot) for one in waves.lots("mx.b.example", 9)] == [
        ("2026-04-10", Lot(7, 1, thawed=True)),
        ("2026-04-11", Lot(5, 0)),
    ]
    assert waves.days("docomo") == [("2026-04-10", Lot(90, 9))]
    assert waves.lots("a.example", 9) == []
    migrated.close()
