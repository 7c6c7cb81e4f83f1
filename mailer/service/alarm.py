"""How is an operator's attention asked for, and when is that over?

Any process may raise an alarm, in the transaction of what it tells of; the mailer's keeper has it told outside, by
ways that do not lead through the queue. One that stands already is counted, not raised again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from mailer.carrier.reason import MEANINGS, Reason
from mailer.domain.alarm import LONGEST_SUBJECT, Alarm, Event, Kind, Telling, clean
from mailer.domain.typed import visible
from mailer.schedule.outcome import Evidence, reply_line
from mailer.schedule.transition import NOT_MADE
from mailer.service.audit import record
from mailer.service.office import Office
from mailer.store import alarms, items, unreached
from mailer.store.alarms import Failing, Told
from mailer.store.database import transaction

__all__ = [
    "Alarm",
    "Event",
    "Failing",
    "Kind",
    "NoSuchAlarm",
    "Telling",
    "Told",
    "clear",
    "delivered",
    "dismiss",
    "end_held",
    "failing",
    "list_",
    "new",
    "note_expired",
    "note_held",
    "note_trouble",
    "raise_",
    "show",
    "try_out",
]

PREFIX = "A"
#: What is our own fault. That we were too fast is none: the pace sees to it, and nobody needs to be woken.
OUR_FAULTS = frozenset(reason.value for reason, meaning in MEANINGS.items() if meaning.acts == "operator") - {
    Reason.RATE_LIMITED.value
}
#: When everybody refuses us there is one cause, and a page for each workplace's domain would hide it.
MOST_OF_A_KIND = 20
OTHERS = "others"
#: Keys of `mailer.domain.alarm.WHY`: who ended an alarm, where no person did.
BY_ITSELF, BY_CANARY, BY_QUIET = "cause_gone", "canary_accepted", "quiet"
QUIET = timedelta(days=1)


class NoSuchAlarm(LookupError):
    """There is no alarm of this name."""


def raise_(office: Office, kind: Kind, subject: str, words: str, count: int = 1) -> bool:
    """Raise an alarm, or count it to the one that stands; inside a transaction. Return whether it is new.

    `subject` is of our own making; `words` may quote anybody and are cut and cleaned here.
    """
    return alarms.raise_(new(office, kind, subject, words, count))


def new(office: Office, kind: Kind, subject: str, words: str, count: int = 1) -> Alarm:
    """Return an alarm that begins now and is written nowhere yet."""
    now = office.clock()
    return Alarm(office.ids(PREFIX), kind, visible(subject, LONGEST_SUBJECT), clean(words), count, now, now)


def clear(office: Office, kind: Kind, subject: str, by: str = BY_ITSELF) -> int:
    """End the alarm that stands for this, if there is one; inside a transaction. Return how many that were."""
    return alarms.clear(kind, visible(subject, LONGEST_SUBJECT), office.clock(), by)


def note_trouble(office: Office, ends: Iterable[tuple[int, Evidence]]) -> None:
    """Raise an alarm for each receiver that finds us at fault, and each announcement that cannot be made.

    Inside a transaction. `ends` are attempts that were no acceptance: the item, and what was said. Costs nothing where
    the fault is not ours.
    """
    ours = [(item, said) for item, said in ends if said.reason in OUR_FAULTS or said.reason == NOT_MADE]
    blamed = [(item, said) for item, said in ours if said.host]
    domains = items.domains_of(item for item, _ in blamed)
    receivers = {item: office.receiver(domains[item], said.host_name) for item, said in blamed}
    _raise_each(office, Kind.OUR_FAULT, [(f"{receivers[item]} {said.reason}", said_by(said)) for item, said in blamed])
    unmade = [(item, said) for item, said in ours if said.reason == NOT_MADE]
    announced = items.announcements_of(item for item, _ in unmade)
    _raise_each(office, Kind.NOT_MADE, [(announced[item], said.text) for item, said in unmade])


def note_held(office: Office, held: Mapping[int, str]) -> None:
    """Raise an alarm for each announcement whose items are held because their arrival is unknown; in a transaction.

    `held` are these items, with words about each.
    """
    announced = items.announcements_of(held)
    _raise_each(office, Kind.HELD, [(announced[item], words) for item, words in held.items()])


def end_held(office: Office) -> None:
    """End the alarms for announcements of which nothing is held any more for that reason; inside a transaction."""
    for subject in alarms.standing(Kind.HELD):
        if not items.any_in_doubt("" if subject == OTHERS else subject):
            clear(office, Kind.HELD, subject)


def note_expired(office: Office, expired: Iterable[int]) -> None:
    """Raise an alarm for each safety broadcast that these items' ends leave with somebody not reached.

    Once for each deadline, whether a person has cleared the alarm since or not; inside a transaction.
    """
    for announcement_id, deadline in unreached.deadlines(expired).items():
        if not alarms.was_raised(Kind.UNREACHED, announcement_id, deadline):
            left, recipients = unreached.count(announcement_id, office.clock())
            raise_(office, Kind.UNREACHED, announcement_id, f"{left}/{recipients}")


def _raise_each(office: Office, kind: Kind, found: Sequence[tuple[str, str]]) -> None:
    """Raise an alarm for each subject, with the words that come first; for those beyond the first many, one more."""
    if not found:
        return
    words: dict[str, list[str]] = defaultdict(list)
    for subject, said in found:
        words[subject].append(said)
    standing = alarms.standing(kind)
    for subject, all_said in words.items():
        fits = subject in standing or len(standing) < MOST_OF_A_KIND
        standing |= {subject} if fits else set()
        raise_(office, kind, subject if fits else OTHERS, all_said[0], len(all_said))


def said_by(evidence: Evidence) -> str:
    """Return what a far server said, in one line."""
    reply = reply_line(evidence.code, evidence.enhanced if evidence.code else "", evidence.text)
    return f"{evidence.host}: {evidence.stage}: {reply}".rstrip()


def list_(*, ended: bool = False, limit: int | None = None) -> list[Alarm]:
    """Return the alarms that stand, with `ended` those that are over too, the newest first."""
    return alarms.find(ended=ended, limit=limit)


def delivered(found: Iterable[Alarm]) -> frozenset[str]:
    """Return the names of those alarms that every way out has told of, if there is any."""
    return alarms.delivered(one.id for one in found)


def show(alarm_id: str) -> tuple[Alarm, list[Told]]:
    """Return an alarm and what was told of it on which way. Raises NoSuchAlarm."""
    return _get(alarm_id), alarms.tellings(alarm_id)


def dismiss(office: Office, alarm_ids: Sequence[str], actor: str, why: str = "") -> int:
    """End these alarms, or all that stand if none is named; return how many stood. Raises NoSuchAlarm."""
    with transaction():
        named = [_get(name) for name in alarm_ids] or alarms.find(ended=False)
        ended = [one.id for one in named if one.cleared_at is None]
        for one in named:
            alarms.clear(one.kind, one.subject, office.clock(), actor, raised_until=one.raised_at)
        record(office, actor, "alarm.clear", "", alarms=ended, why=why)
    return len(ended)


def try_out(office: Office, actor: str) -> Alarm:
    """Raise an alarm that says that it is none, so that the ways out can be tried; one that stands is ended first."""
    with transaction():
        clear(office, Kind.TEST, actor, actor)
        alarm = new(office, Kind.TEST, actor, "")
        alarms.raise_(alarm)
        record(office, actor, "alarm.test", alarm.id)
    return alarm


def failing() -> list[Failing]:
    """Return the ways out that do not get rid of what they are to tell."""
    return alarms.failing()


def _get(alarm_id: str) -> Alarm:
    alarm = alarms.get(alarm_id)
    if alarm is None:
        raise NoSuchAlarm(alarm_id)
    return alarm
