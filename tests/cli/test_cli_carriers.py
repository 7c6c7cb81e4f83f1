"""Can an operator see how carriers are spoken to, what was learned, and end a wave of refusals?"""

from mailer.carrier.wave import Day
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


def test_a_receiver_that_nobody_knows_is_refused(town: Town) -> None:
    assert town.type("carriers", "show", "nowhere.example").exit_code == 1


def test_a_wave_is_shown_and_ended(town: Town) -> None:
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        waves.add("2026-04-10", [("docomo", Day(10, 90))])
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
