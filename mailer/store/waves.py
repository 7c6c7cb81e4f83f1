"""How many mails of each announcement has a receiver taken and refused?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.carrier.wave import Lot
from mailer.store.database import change, select, select_each
from mailer.store.models import instant, moment

ADD = """
INSERT INTO receiver_lot (receiver, lot, at, accepted, refused, thawed) VALUES (?, ?, ?, ?, ?, 0)
ON CONFLICT (receiver, lot) DO UPDATE
SET accepted = accepted + excluded.accepted, refused = refused + excluded.refused
RETURNING accepted, refused
"""
#: Nothing where it was not counted as accepted there, as before an upgrade.
RETURN = """
UPDATE receiver_lot SET accepted = accepted - 1, refused = refused + 1
WHERE receiver = ? AND lot = ? AND accepted > 0 RETURNING accepted, refused
"""
LOTS = """
SELECT lot, at, accepted, refused, thawed FROM receiver_lot WHERE receiver = ? ORDER BY at DESC, rowid DESC LIMIT ?
"""
DAYS = """
SELECT DATE(at / 1000, 'unixepoch', '+9 hours') AS day, SUM(accepted), SUM(refused) FROM receiver_lot
WHERE receiver = ? GROUP BY day ORDER BY day
"""
#: By an index: no wave has only lots of fewer refusals (mailer.carrier.wave.BROAD).
BROAD = "SELECT DISTINCT receiver FROM receiver_lot WHERE refused >= 3"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of the mails of one announcement (or day of Japan) at a receiver, first at this time."""

    name: str
    at: datetime
    lot: Lot


def add(lot: str, at: datetime, counts: Sequence[tuple[str, Lot]]) -> list[Lot]:
    """Count mails to what was counted of receivers in that lot; inside a Writer. Return what each of them has now."""
    added = select_each(ADD, [(receiver, lot, instant(at), one.accepted, one.refused) for receiver, one in counts])
    return [Lot(*sums) for sums in added]


def move(receiver: str, lot: str) -> Lot | None:
    """Count a mail as refused that was counted as accepted; return what the lot has now, or None if there is none."""
    return next((Lot(*sums) for sums in select(RETURN, (receiver, lot))), None)


def lots(receiver: str, most: int) -> list[Counted]:
    """Return the last lots that were counted of a receiver, the oldest first."""
    return [
        Counted(name, moment(at), Lot(accepted, refused, bool(thawed)))
        for name, at, accepted, refused, thawed in reversed(select(LOTS, (receiver, most)))
    ]


def days(receiver: str) -> list[tuple[str, Lot]]:
    """Return what was counted of a receiver by days of Japan, like 2026-04-10, the oldest first."""
    return [(day, Lot(accepted, refused)) for day, accepted, refused in select(DAYS, (receiver,))]


def receivers() -> list[str]:
    """Return the receivers that may have a wave: they have refused more of one announcement than a household has."""
    return [name for (name,) in select(BROAD)]


def thaw(receiver: str, since: datetime) -> int:
    """Call what a receiver refused of the lots from then on no wave; return how many lots that are."""
    return change("UPDATE receiver_lot SET thawed = 1 WHERE receiver = ? AND at >= ?", (receiver, instant(since)))


def forget(before: datetime) -> None:
    """Forget the lots before then; inside a Writer."""
    change("DELETE FROM receiver_lot WHERE at < ?", (instant(before),))
