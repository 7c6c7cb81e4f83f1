"""Is maintenance planned and called off by the command, and the audit log shown?"""

import json
from datetime import UTC, datetime, timedelta

from mailer.service import announcing, dispatch, maintenance
from mailer.store.database import open_store, transaction
from mailer.store.models import AuditEntry, MaintenanceWindow, database
from tests.cli.town import Town

WINDOW = ("--from", "2099-12-12T22:00", "--to", "2099-12-13T02:00")


def test_a_window_is_planned_with_its_notices(town: Town) -> None:
    planned = town.json("maintenance", "plan", *WINDOW, "--services", "専用サイト、 登録画面", "--lead", "7d,1h")
    assert planned["id"].startswith("M")
    assert (planned["from"], planned["to"]) == ("2099-12-12T22:00:00+09:00", "2099-12-13T02:00:00+09:00")
    assert planned["services"] == ["専用サイト", "登録画面"]
    assert [one["due_at"][:16] for one in planned["notices"]] == ["2099-12-05T22:00", "2099-12-12T21:00"]
    assert planned.pop("warnings") == []
    assert town.json("maintenance", "list") == [planned]
    assert town.json("maintenance", "show", planned["id"]) == {**planned, "announcements": []}


def test_a_window_too_near_for_its_notices_is_planned_with_a_warning(town: Town) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=10)).isoformat(timespec="seconds")
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat(timespec="seconds")
    words = ("maintenance", "plan", "--from", soon, "--to", until, "--lead", "7d,1d")
    planned = town.json(*words)
    assert [one["reason"] for one in planned["warnings"]] == ["at_once", "short_notice"]
    assert [one["due_at"] for one in planned["notices"]] == [planned["planned_at"]]
    town.done("maintenance", "cancel", planned["id"])
    said = town.done(*words)
    assert "Warning: A lead time has passed already; that notice leaves at once." in said
    assert "guardians may not be told beforehand" in said


def test_people_read_it(town: Town) -> None:
    assert "No maintenance is planned" in town.done("maintenance", "list")
    assert "is planned" in town.done("maintenance", "plan", *WINDOW)
    window = town.json("maintenance", "list")[0]["id"]
    assert "the whole system" in town.done("maintenance", "list")
    assert "not sent yet" in town.done("maintenance", "show", window)
    assert "is off" in town.done("maintenance", "cancel", window)
    assert "cancelled" in town.done("maintenance", "list")
    assert town.done("maintenance", "show", window).count("never sent") == 2


def test_a_notice_that_missed_the_beginning_is_not_promised(town: Town) -> None:
    window = town.json("maintenance", "plan", *WINDOW, "--lead", "7d")["id"]
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        MaintenanceWindow.update(begins_at=datetime.now(UTC)).execute()
    database.close()
    said = town.done("maintenance", "show", window)
    assert "never sent" in said
    assert "not sent yet" not in said


def begin_notice(town: Town) -> str:
    """Begin the notice of a window as the mailer does, and write nothing of it; return its id."""
    soon, later = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, 2))
    times = ("--from", soon.isoformat(timespec="minutes"), "--to", later.isoformat(timespec="minutes"))
    town.done("maintenance", "plan", *times, "--lead", "2h")
    with town.office() as office:
        (name,) = maintenance.announce_due(office, office.clock())
    return name


def test_a_notice_that_is_still_being_written_says_so_everywhere(town: Town) -> None:
    name = begin_notice(town)
    assert "are still being written" in town.done("broadcast", "show", name)
    assert town.json("broadcast", "show", name)["whole"] is False
    assert "so far; its recipients are still being written" in town.done("broadcast", "verify", name)
    assert town.json("broadcast", "verify", name) == {"id": name, "ok": True, "problems": []}
    for verb in (("hold",), ("remove", "--yes")):
        refused = town.type("queue", *verb, "--broadcast", name)
        assert refused.exit_code == 1
        assert f"“mimamori queue suspend --broadcast {name}” keeps all of them" in refused.stderr
    said = town.done("broadcast", "cancel", name, "--yes")
    assert "Recipients it will not go to any more: 0" in said
    assert "the rest is written as cancelled" in said
    assert town.type("broadcast", "cancel", name, "--yes").exit_code == 1


def test_a_window_is_called_off_while_its_notice_is_written(town: Town) -> None:
    begin_notice(town)
    (window,) = town.json("maintenance", "list")
    said = town.done("maintenance", "cancel", window["id"])
    assert "Mails that do not leave: 0" in said
    assert "the rest of it does not leave either" in said


def test_what_is_under_way_is_not_said_to_stay(town: Town) -> None:
    begin_notice(town)
    with town.office() as office:
        while announcing.go_on(office):
            pass
        with transaction():
            claimed = dispatch.claim(office, ["docomo.ne.jp"], 2, "w0")
    assert len(claimed) == 1
    (window,) = town.json("maintenance", "list")
    said = town.done("maintenance", "cancel", window["id"])
    assert "may still leave: 1." in said


def test_a_window_is_called_off_once(town: Town) -> None:
    window = town.json("maintenance", "plan", *WINDOW)["id"]
    assert town.json("maintenance", "cancel", window) == {
        "id": window,
        "stopped": 0,
        "under_way": 0,
        "more": False,
        "announcement": None,
    }
    assert town.type("maintenance", "cancel", window).exit_code == 1


def test_plans_that_cannot_be_are_refused(town: Town) -> None:
    result = town.type("maintenance", "plan", "--from", "2099-12-12T22:00", "--to", "2099-12-12T21:00")
    assert result.exit_code == 1
    assert "ends before it begins" in result.stderr
    assert town.type("maintenance", "plan", *WINDOW, "--lead", "7d,soon").exit_code == 2


def test_the_audit_log_says_who_did_what(town: Town) -> None:
    entries = town.json("audit", "list")
    assert entries[0]["action"] == "households.import"
    assert entries[0]["actor"].startswith("cli:")
    assert "households.import" in town.done("audit", "list")
    assert town.json("audit", "verify") == {"ok": True, "problems": []}


def test_a_changed_entry_is_found(town: Town) -> None:
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        AuditEntry.update(actor="nobody").where(AuditEntry.id == 1).execute()
    database.close()
    result = town.type("--json", "audit", "verify")
    assert result.exit_code == 1
    assert not json.loads(result.stdout)["ok"]
