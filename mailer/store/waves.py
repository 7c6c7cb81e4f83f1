"""How many mails has a receiver taken and refused, day by day?

Days are those of Japan, written like 2026-04-10.
"""

from collections.abc import Sequence

from mailer.carrier.wave import Day
from mailer.store.database import change, executemany, select

ADD = """
INSERT INTO receiver_day (receiver, day, accepted, refused, thawed) VALUES (?, ?, ?, ?, 0)
ON CONFLICT (receiver, day) DO UPDATE
SET accepted = accepted + excluded.accepted, refused = refused + excluded.refused
"""


def add(day: str, counts: Sequence[tuple[str, Day]]) -> None:
    """Count mails to what was counted of receivers on that day; inside a Writer."""
    executemany(ADD, [(receiver, day, one.accepted, one.refused) for receiver, one in counts])


def days(receiver: str) -> list[tuple[str, Day]]:
    """Return what was counted of a receiver, the oldest day first."""
    rows = select(
        "SELECT day, accepted, refused, thawed FROM receiver_day WHERE receiver = ? ORDER BY day", (receiver,)
    )
    return [(day, Day(accepted, refused, bool(thawed))) for day, accepted, refused, thawed in rows]


def receivers(refused: int) -> list[str]:
    """Return the receivers that refused at least so many mails on one day."""
    return [name for (name,) in select("SELECT DISTINCT receiver FROM receiver_day WHERE refused >= ?", (refused,))]


def thaw(receiver: str, since: str) -> int:
    """Call what a receiver refused from that day on no wave; return how many days that are."""
    return change("UPDATE receiver_day SET thawed = 1 WHERE receiver = ? AND day >= ?", (receiver, since))


def forget(before: str) -> None:
    """Forget the days before that one; inside a Writer."""
    change("DELETE FROM receiver_day WHERE day < ?", (before,))
