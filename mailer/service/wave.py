"""Which receivers refuse so much that nobody's address may be blamed for it?

While a wave of refusals stands at a receiver, addresses there must not be put to rest (N9): ask `is_frozen`. It ends by
itself with a day as usual, or when an operator says that it was none (`thaw`). The first refusals of a wave come before
it can be told from others: who puts addresses to rest does so later, and asks then.
"""

from collections.abc import Mapping

from mailer.carrier.wave import FEWEST, Day, begun
from mailer.domain.alarm import Kind
from mailer.domain.moment import JAPAN
from mailer.domain.retention import REFUSALS_KEPT
from mailer.service import alarm
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.store import suspensions, waves
from mailer.store.database import transaction


class NotFrozen(LookupError):
    """There is no wave of refusals at this receiver."""


def note(office: Office, counts: Mapping[tuple[str, str], Day]) -> None:
    """Count what became of mails, by receiving domain and the host that answered; inside a Writer.

    Raises an alarm where a wave begins.
    """
    by_receiver: dict[str, Day] = {}
    for (domain, host), day in counts.items():
        name = office.receiver(domain, host)
        before = by_receiver.get(name, Day(0, 0))
        by_receiver[name] = Day(before.accepted + day.accepted, before.refused + day.refused)
    waves.add(_today(office), list(by_receiver.items()))
    for name in (name for name, day in by_receiver.items() if day.refused and is_frozen(name)):
        alarm.raise_(office, Kind.WAVE, name, "no address there is put to rest until this is over")


def since(receiver: str) -> str | None:
    """Return the day of Japan, like 2026-04-10, on which the wave at a receiver began; None if none stands."""
    counted = waves.days(receiver)
    number = begun([day for _, day in counted])
    return None if number is None else counted[number][0]


def is_frozen(receiver: str) -> bool:
    """Tell whether a wave of refusals stands at a receiver: its addresses are not to blame."""
    return since(receiver) is not None


def days(receiver: str) -> list[tuple[str, Day]]:
    """Return how many mails a receiver took and refused, day by day, the oldest first."""
    return waves.days(receiver)


def frozen() -> list[str]:
    """Return the receivers at which a wave of refusals stands."""
    return [name for name in waves.receivers(FEWEST) if is_frozen(name)]


def thaw(office: Office, receiver: str, actor: str, why: str = "") -> None:
    """Say that the refusals of a receiver are no wave: they are what is usual there. Raises NotFrozen.

    What the wave kept from being judged is judged at the timer's next look.
    """
    with transaction():
        if (day := since(receiver)) is None:
            raise NotFrozen(receiver)
        waves.thaw(receiver, day)
        suspensions.look_now(receiver, office.clock(), office.clock() - office.suspension.wait)
        alarm.clear(office, Kind.WAVE, receiver, actor)
        record(office, actor, "wave.thaw", receiver, why=why)


def forget(office: Office) -> None:
    """Forget what is too old to tell what is usual; end the alarms of waves that are over. Inside a Writer."""
    waves.forget((office.clock() - REFUSALS_KEPT).astimezone(JAPAN).date().isoformat())
    standing = [one.subject for one in alarm.list_() if one.kind is Kind.WAVE]
    for receiver in standing:
        if not is_frozen(receiver):
            alarm.clear(office, Kind.WAVE, receiver)


def _today(office: Office) -> str:
    return office.clock().astimezone(JAPAN).date().isoformat()
