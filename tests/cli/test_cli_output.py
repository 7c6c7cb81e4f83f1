"""Has every time in the JSON of the command one form?"""

import re
from datetime import UTC, datetime

from mailer.store.database import open_store, transaction
from mailer.store.models import QueueItem, database
from tests.cli.town import Town

TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9][^\"]*")
FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+09:00")


def test_every_time_is_japan_time_with_its_zone(town: Town, broadcast: str) -> None:
    open_store(f"sqlite:///{town.directory}/state/mimamori.db")
    with transaction():
        QueueItem.update(attempts=1, replied_at=datetime(2026, 4, 1, 8, 0, 0, 5, UTC)).execute()
    database.close()
    window = town.json("maintenance", "plan", "--from", "2099-12-12T22:00", "--to", "2099-12-13T02:00Z")["id"]
    town.done("queue", "remove", "Q1")
    verbs = (
        "status",
        "households show 1",
        "broadcast list",
        f"broadcast show {broadcast}",
        f"broadcast recipients {broadcast}",
        f"broadcast cancel {broadcast}",
        "queue show Q1",
        "maintenance list",
        f"maintenance show {window}",
        "audit list",
    )
    for verb in verbs:
        times = TIME.findall(town.done("--json", *verb.split()))
        assert times, verb
        assert [time for time in times if not FORM.fullmatch(time)] == [], verb
