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


def test_a_wave_is_shown_and_ended(town: Town) -> None:
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        waves.add("2026-04-10", [("docomo", Day(10, 90))])
    database.close()
    assert next(row for row in town.json("carriers", "list") if row["carrier"] == "docomo")["frozen"]
    assert town.json("carriers", "thaw", "docomo", "--reason", "old roster") == {"carrier": "docomo", "frozen": False}
    again = town.type("carriers", "thaw", "docomo")
    assert again.exit_code == 1
    assert "There is no wave of refusals at docomo." in again.stderr
