"""Can an operator see how carriers are spoken to, what was learned, and end a wave of refusals?"""

from datetime import UTC, datetime, timedelta

import pytest

from mailer.carrier.reason import Reason
from mailer.carrier.wave import Lot
from mailer.schedule.site import SiteState
from mailer.service import dispatch, lease
from mailer.store import waves
from mailer.store.database import open_store, transaction
from mailer.store.models import database
from tests.cli.town import Town


def test_every_carrier_is_shown_with_its_manners(town: Town) -> None:
    rows = {row["carrier"]: row for row in town.json("carriers", "list")}
    assert rows["docomo"]["urgent_messages_per_second"] == 50
    assert rows["docomo"]["learned"] is None
    assert not rows["docomo"]["frozen"]
    assert "docomo" in town.done("carriers", "list")


def test_one_carrier_is_shown_with_its_sources(town: Town) -> None:
    found = town.json("carriers", "show", "docomo")
    assert found["domains"] == ["docomo.ne.jp"]
    assert found["manners"]["messages_per_session"]["source"].startswith("docomo mass_send")
    assert found["manners"]["avoid_minutes"]["value"] == [0, 1, 59]
    assert (found["wave_since"], found["days"]) == (None, [])
    assert "docomo mass_send" in town.done("carriers", "show", "docomo")
    assert town.json("carriers", "show", "apple")["manners"]["pause"] == {"value": "300s", "source": None}


def test_a_receiver_that_nobody_knows_is_refused_and_the_carriers_are_named(town: Town) -> None:
    result = town.type("carriers", "show", "dcm")
    assert result.exit_code == 1
    assert "There is no carrier dcm" in result.stderr
    assert "docomo (NTTドコモ), au (au" in result.stderr


def test_a_carrier_is_found_by_its_domains_and_mail_hosts(town: Town) -> None:
    for name in ("google", "gmail.com", "aspmx.l.google.com"):
        assert town.json("carriers", "show", name)["carrier"] == "google"


def test_a_domain_that_a_carrier_hosts_is_shown_as_the_carriers(town: Town) -> None:
    with town.office(), transaction():
        dispatch.remember_site("city.example", "google")
    found, google = (town.json("carriers", "show", name) for name in ("city.example", "google"))
    assert found == google
    assert found["manners"]


def test_what_stands_still_or_rests_now_is_shown_with_its_reason(town: Town, broadcast: str) -> None:
    town.done("queue", "suspend", "--carrier", "docomo", "--reason", "工事")
    town.done("queue", "suspend", "--domain", "gmail.com", "--for", "2h")
    town.done("queue", "suspend", "--broadcast", broadcast)
    with town.office() as office, transaction():
        now = office.clock()
        for site, rests in (("au", timedelta(minutes=5)), ("softbank", timedelta(minutes=-5))):
            lease.remember(office, SiteState(site, 3, 9, now + rests, "blocked", now))
    rows = {row["carrier"]: row for row in town.json("carriers", "list")}
    assert {name for name, row in rows.items() if row["suspended"]} == {"docomo", "google"}
    assert {name for name, row in rows.items() if row["left_alone_until"]} == {"au"}
    assert rows["docomo"]["suspended"][0]["reason"] == "工事"
    lines = {line.split()[0]: line for line in town.done("carriers", "list").splitlines() if line}
    assert "until it is resumed (工事)" in lines["docomo"]
    assert "(blocked)" in lines["au"]
    assert f"broadcast {broadcast}" in town.done("carriers", "list")
    assert "until it is resumed (工事)" in town.done("carriers", "show", "docomo")
    assert "learned                 connections: 3, mails a connection: 9 (blocked)" in town.done(
        "carriers", "show", "au"
    )


def test_a_stop_of_a_part_of_a_carrier_says_of_which(town: Town) -> None:
    town.done("queue", "suspend", "--carrier", "docomo", "--school", "t-daini", "--reason", "工事")
    town.done("queue", "suspend", "--domain", "gmail.com")
    for words in (["list"], ["show", "docomo"]):
        assert "until it is resumed (only school t-daini; 工事)" in town.done("carriers", *words)
    assert "until it is resumed (only domain gmail.com)" in town.done("carriers", "show", "google")


def test_a_stop_of_a_domain_is_shown_also_once_it_is_known_where_its_mail_goes(town: Town) -> None:
    site = "mx.small.example"
    with town.office() as office, transaction():
        for domain in ("small.example", "other.example"):
            dispatch.remember_site(domain, site)
        lease.remember(office, SiteState(site, 3, 9, None, "timeout", office.clock()))
    town.done("queue", "suspend", "--domain", "small.example", "--reason", "工事")
    rows = {row["carrier"]: row for row in town.json("carriers", "list")}
    assert [one["reason"] for one in rows[site]["suspended"]] == ["工事"]
    for asked, reasons in (("small.example", ["工事"]), (site, ["工事"]), ("other.example", [])):
        found = town.json("carriers", "show", asked)
        assert found["carrier"] == site
        assert [one["reason"] for one in found["suspended"]] == reasons, asked


@pytest.mark.parametrize(
    ("reason", "english", "japanese"),
    [
        ("taken_again", "mail is taken again", "再びメールを受け付けています"),
        ("session_ended 9", "a session ended after 9 mails", "9通で接続を切られました"),
        (Reason.SOURCE_BLOCKED.value, Reason.SOURCE_BLOCKED.meaning.english, Reason.SOURCE_BLOCKED.meaning.label),
        ("timeout", "timeout", "timeout"),
        ("421 4.7.0 too many", "421 4.7.0 too many", "421 4.7.0 too many"),
        ("left alone for 300 s (source_blocked)",) * 3,  # as an earlier version wrote it
    ],
)
def test_why_a_site_taught_us_something_is_said_in_the_language_spoken(
    town: Town, reason: str, english: str, japanese: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with town.office() as office, transaction():
        now = office.clock()
        lease.remember(office, SiteState("au", 3, 9, now + timedelta(minutes=5), reason, now))
    assert town.json("carriers", "show", "au")["learned"]["reason"] == reason
    for language, words in (("en", english), ("ja", japanese)):
        monkeypatch.setenv("MIMAMORI_LANGUAGE", language)
        assert town.done("carriers", "show", "au").count(f"({words})") == 2


def test_a_wave_is_shown_and_ended(town: Town) -> None:
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        waves.add("B1", datetime(2026, 4, 9, 15, tzinfo=UTC), [("docomo", Lot(10, 90))])
    database.close()
    assert next(row for row in town.json("carriers", "list") if row["carrier"] == "docomo")["frozen"]
    assert town.json("status")["frozen"] == ["docomo"]
    assert "docomo" in town.done("status")
    found = town.json("carriers", "show", "docomo")
    assert (found["wave_since"], found["days"][0]["refused"]) == ("2026-04-10", 90)
    assert "2026-04-10" in town.done("carriers", "show", "docomo")
    assert town.json("carriers", "thaw", "docomo", "--reason", "old roster") == {"carrier": "docomo", "frozen": False}
    again = town.type("carriers", "thaw", "docomo")
    assert again.exit_code == 1
    assert "There is no wave of refusals at docomo." in again.stderr
