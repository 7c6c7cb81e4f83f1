"""Which item of the FAQ's check-list 「送られてきません」 (① to ⑦) applies, on our own evidence (F9)?

Facts in, answer out. Every item gets a line: it applies, it does not, or it cannot be told from here, as with ① and ③
once a carrier has accepted the mail, or may have. Whatever holds is a `Finding`; the first in the order of telling is
the answer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from mailer.domain.audience import Excluded
from mailer.domain.explain_case import Broadcast, Case, Mail, Place
from mailer.domain.explain_mail import (
    ADDRESS,
    ITEMS,
    MAINTENANCE,
    OPTION,
    REACH,
    REMARK,
    SETTINGS,
    SLOTS,
    SUPPORT,
    Finding,
    Said,
    fate,
    finding,
)
from mailer.domain.explain_words import ORDER
from mailer.domain.household import BROADCAST_SLOTS

#: People name times to the minute.
A_MOMENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One item of the check-list: whether it applies (None: cannot be told from here), and the evidence."""

    item: int
    applies: bool | None
    evidence: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, what else was found, and the check-list."""

    first: Finding
    others: tuple[Finding, ...]
    items: tuple[Line, ...]


Verdict = tuple[bool | None, Said]


def explain(case: Case) -> Answer:
    """Walk the check-list."""
    found = _told(case, chain(_confirmed(case), _registration(case), _places(case)))
    notes = _told(
        case, chain(_confirmed_elsewhere(case), _twice(case), _moved(case), _maintenance(case), _from_now_on(case))
    )
    notes = [one for one in notes if one.text not in [other.text for other in found]]
    if not found and (case.broadcast or not notes):
        found = [_unaccounted(case)]
    first, *others = found + notes
    return Answer(first, tuple(others), tuple(_line(case, found + notes, item) for item in ITEMS))


def _told(case: Case, found: Iterable[Finding]) -> list[Finding]:
    """Return findings in the order of telling, none twice: what is said of the household may hold at each slot."""
    told: list[Finding] = []
    in_time = [replace(one, text=_in_time(case, one.text)) for one in found]
    for one in sorted(in_time, key=lambda one: ORDER[one.text.word]):
        told += [] if one in told else [one]
    return told


def _in_time(case: Case, said: Said) -> Said:
    """Return a sentence, or that for a broadcast that is still to leave."""
    return replace(said, word=AHEAD.get(said.word, said.word)) if case.ahead else said


def _confirmed(case: Case) -> Iterator[Finding]:
    """Yield the opening of what is asked about: the first of the household, or that of the address's own mail."""
    opened = [(place.mail.opened_at, place.slots) for place in case.places if place.mail and place.mail.opened_at]
    if case.confirmed and not case.address:
        opened = [(case.confirmed.at, (case.confirmed.slot,))]
    for at, slots in opened:
        yield finding("confirmed", REMARK, "do_ask_family", {"at": at, "slots": slots})


def _confirmed_elsewhere(case: Case) -> Iterator[Finding]:
    if case.confirmed and not case.confirmed_here:
        fields = {"at": case.confirmed.at, "slots": (case.confirmed.slot,)}
        yield finding("confirmed_elsewhere", REMARK, "do_ask_family", fields)


def _twice(case: Case) -> Iterator[Finding]:
    """Yield why a mail that was accepted may be there twice."""
    for place in case.places:
        if place.mail and place.mail.perhaps_twice:
            word = "sent_again" if place.mail.sent_again else "perhaps_twice"
            yield finding(word, REMARK, "do_nothing", {"slots": place.slots, "receiver": place.mail.receiver.name})


def _registration(case: Case) -> Iterator[Finding]:
    home, sent = case.household, case.broadcast
    if case.problem:
        yield finding("unusable", ADDRESS, "do_type_again", {"address": case.address, "problem": case.problem})
    elif home is None:
        yield finding("unregistered", ADDRESS, "do_register", {"address": case.address})
    elif home.deregistered_at and not (sent and sent.named and _was_addressed(case, home.deregistered_at)):
        yield finding("deregistered", ADDRESS, "do_register_anew", {"at": home.deregistered_at})
    elif sent and home.registered_at > sent.announced_at and not case.met:
        times = {"at": home.registered_at, "announced": sent.announced_at}
        yield finding("registered_later", ADDRESS, _next(case, case.places), times)
    elif sent and home.school not in sent.schools:
        schools = {"schools": tuple(sent.schools.values()), "school": home.label}
        yield finding("other_school", SUPPORT, "do_right_school", schools)


def _was_addressed(case: Case, deregistered_at: datetime) -> bool:
    """Tell whether a household was among those addressed when it left; the turn for a notice may come too late."""
    return case.met and case.broadcast is not None and deregistered_at > case.broadcast.announced_at


def _places(case: Case) -> Iterator[Finding]:
    for place in case.places:
        if place.changed and not case.moved and (place.mail or place.excluded in OF_THE_ADDRESS):
            yield _changed(case, place)
        elif place.mail and not (case.confirmed_here and _may_be_there(place.mail)):
            yield from fate(case, place, place.mail)
        elif place.excluded:
            yield from _left_out(case, place, place.excluded, case.slots)
        elif not place.mail:
            yield from _came_later(case, place)


def _may_be_there(mail: Mail) -> bool:
    """Tell whether a mail may be with the guardian for all that its receiver said last."""
    return mail.state == "accepted" or (mail.perhaps_taken and mail.state != "refused")


def _changed(case: Case, place: Place) -> Finding:
    """Say that what the broadcast went to, or could not go to, no longer stands there."""
    if place.set_at is None:
        return finding("emptied", ADDRESS, "do_enter", {"slots": place.slots})
    word = "changed" if place.mail else "replaced"
    return finding(word, ADDRESS, _next(case, [place], "do_next_there"), {"slots": place.slots, "at": place.set_at})


def _next(case: Case, places: Sequence[Place], advice: str = "do_next") -> str:
    """Return the advice that promises the next broadcast, unless it would go to none of these places either.

    Where nothing stands there any more, those count where something does.
    """
    now = [place for place in places if place.address] or _standing(case) or places
    return "do_mend_first" if now and all(_keeps_away(case, place) for place in now) else advice


def _standing(case: Case) -> list[Place]:
    return [place for place in case.places if place.address]


def _keeps_away(case: Case, place: Place) -> str:
    """Return why the next broadcast would not go to a place; no matter which slot if it goes to another of the case."""
    elsewhere = place.next == Excluded.SLOT_3_OR_4 and not set(case.standing).isdisjoint(BROADCAST_SLOTS)
    return "" if elsewhere else place.next


def _moved(case: Case) -> Iterator[Finding]:
    """Yield where an address stands now if its mail went to it in a slot where it stands no more."""
    then = tuple(slot for place in case.places if place.changed and place.mail for slot in place.slots)
    if then and case.moved:
        slots = {"slots": case.standing, "then": then}
        yield finding("moved", REMARK, _next(case, _standing(case)), slots)


def _came_later(case: Case, place: Place) -> Iterator[Finding]:
    home, sent = case.household, case.broadcast
    if home is None or sent is None or case.awaited or _was_met(case):
        return
    if place.next != _keeps_away(case, place) and not sent.to_every_slot:
        return  # it would not have gone there anyhow
    if place.set_at and home.registered_at <= sent.announced_at < place.set_at:
        times = {"at": place.set_at, "announced": sent.announced_at}
        if home.school in sent.schools:
            yield finding("set_later", ADDRESS, _next(case, [place]), {"slots": place.slots, **times})


def _was_met(case: Case) -> bool:
    """Tell whether the broadcast found the address elsewhere in the household, so that its place says nothing."""
    others = ("", Excluded.SLOT_3_OR_4)
    return bool(case.address) and any(place.mail or place.excluded not in others for place in case.places)


def _from_now_on(case: Case) -> Iterator[Finding]:
    """Yield what would keep the next broadcast away; of a past one that says nothing."""
    for place in case.places:
        if place.next:
            for one in _left_out(case, place, place.next, case.standing):
                yield Finding(one.text, REMARK if case.broadcast else one.item, one.advice)


def _left_out(case: Case, place: Place, reason: str, slots: Sequence[int]) -> Iterator[Finding]:
    """Yield why a place is left out; no matter which slot if the address stands in another of these slots too."""
    if reason != Excluded.SLOT_3_OR_4 or set(slots).isdisjoint(BROADCAST_SLOTS):
        yield LEFT_OUT[reason](case, place)


def _option_off(case: Case, place: Place) -> Finding:
    if case.household and case.household.receives_broadcasts:
        return finding("option_was_off", OPTION, _next(case, [place]))
    word = "option_still_off" if place.excluded == Excluded.OPTION_OFF else "option_off"
    return finding(word, OPTION, "do_tick")


def _resting(case: Case, place: Place) -> Finding:
    rest = place.rest
    if rest is None:
        return finding("was_resting", ADDRESS, _next(case, [place]), {"slots": place.slots})
    now = case.standing if case.moved and not place.address else place.slots
    since = {"slots": now, "since": rest.since, "why": rest.why.word}
    if rest.why.item == OPTION:
        return finding("unwanted", OPTION, "do_complaint", since)
    return finding("resting", rest.why.item or ADDRESS, "do_wake", since)


def _unknown_school(case: Case, place: Place) -> Finding:
    return finding(
        "unknown_school", SUPPORT, "do_our_turn", {"school": case.household.school if case.household else ""}
    )


#: Why it is an address, and not its slot or household, that was left out.
OF_THE_ADDRESS = frozenset({Excluded.RESTING, Excluded.BAD_ADDRESS})
#: What is said of an address that an announcement does not go to.
LEFT_OUT: Mapping[str, Callable[[Case, Place], Finding]] = {
    Excluded.OPTION_OFF: _option_off,
    Excluded.SLOT_3_OR_4: lambda _case, place: finding("slot_3_or_4", SLOTS, "do_move", {"slots": place.slots}),
    Excluded.RESTING: _resting,
    Excluded.BAD_ADDRESS: lambda _case, place: finding(
        "bad_address", ADDRESS, "do_enter_again", {"slots": place.slots}
    ),
    Excluded.UNKNOWN_SCHOOL: _unknown_school,
    Excluded.NO_ADDRESS: lambda _case, _place: finding("no_address", SLOTS, "do_enter"),
}

#: What is said of a broadcast that is still to leave in the place of what is said of one that has left.
AHEAD: Mapping[str, str] = {
    "registered_later": "planned_before_registration",
    "moved": "planned_before_move",
    "option_still_off": "planned_with_option_still_off",
    "option_was_off": "planned_with_option_off",
    "was_resting": "planned_when_resting",
    "changed": "planned_before_change",
    "emptied": "planned_before_emptying",
    "replaced": "planned_without",
    "set_later": "planned_before_entry",
    "option_on": "option_is_on",
    "option_off_since": "option_off_since_planned",
    "no_window": "no_window_ahead",
    "no_window_then": "no_window_ahead",
}


def _maintenance(case: Case) -> Iterator[Finding]:
    if case.broadcast is None:
        return
    begins, ends = _on_its_way(case, case.broadcast)
    for window in case.windows:
        over = min(window.ends_at, window.cancelled_at or window.ends_at)
        if window.begins_at < over and window.begins_at <= ends and over > begins:
            word = "window_then" if over <= case.now else "window_now"
            word = "window_ahead" if window.begins_at > case.now else word
            yield finding(word, MAINTENANCE, "do_nothing", {"begins": window.begins_at, "ends": over})


def _on_its_way(case: Case, sent: Broadcast) -> tuple[datetime, datetime]:
    """Return from when until when the mails of a case were on their way."""
    ends = [mail.settled_at or max(case.now, sent.not_before) for mail in case.mails]
    return sent.not_before, max(ends, default=sent.not_before)


def _unaccounted(case: Case) -> Finding:
    if case.broadcast is None and case.household:
        return finding("nothing_yet", SUPPORT, "do_next", {"at": case.household.registered_at})
    if case.broadcast and case.awaited:
        return _awaited(case.broadcast)
    return finding("unaccounted", SUPPORT, "do_our_turn")


def _awaited(sent: Broadcast) -> Finding:
    if sent.cancelled_at:
        return finding("called_off", SUPPORT, "do_nothing", {"at": sent.cancelled_at})
    return finding("being_written", SUPPORT, "do_wait")


def _line(case: Case, found: list[Finding], item: int) -> Line:
    certain = tuple(one.text for one in found if one.item == item and one.certain)
    if certain:
        return Line(item, True, certain)
    applies, said = OTHERWISE[item](case)
    return Line(item, applies, (_in_time(case, said),))


def _beyond(unseen: str) -> Callable[[Case], Verdict]:
    """Make what is said of that which happens, if it does, behind the carrier's door."""

    def verdict(case: Case) -> Verdict:
        if case.confirmed_here:
            return False, Said("was_opened")
        taken = [(unseen, mail) for mail in case.mails if mail.state == "accepted"]
        perhaps = [("taken_unknown", mail) for mail in case.mails if mail.perhaps_taken]
        for word, mail in taken + perhaps:
            return None, Said(word, {"receiver": mail.receiver.name})
        return False, Said("not_handed_over")

    return verdict


def _no_maintenance(case: Case) -> Verdict:
    if case.broadcast is None:
        return False, Said("no_window_now")
    begins, ends = _on_its_way(case, case.broadcast)
    word = "no_window_then" if ends - begins < A_MOMENT else "no_window"
    return False, Said(word, {"begins": begins, "ends": ends})


def _address_stands(case: Case) -> Verdict:
    since = [place.set_at for place in case.places if place.address and place.set_at]
    if not since:
        return False, Said("not_looked_at")
    return False, Said("stands", {"slots": case.standing, "since": max(since)})


def _option(case: Case) -> Verdict:
    if case.household is None:
        return None, Said("not_registered")
    on = case.household.receives_broadcasts
    if case.mails:
        return False, Said("option_on" if on else "option_off_since")
    return (False, Said("option_is_on")) if on else (True, Said("option_off"))


def _slots(case: Case) -> Verdict:
    if case.household is None:
        return None, Said("not_registered")
    if case.broadcast and case.broadcast.to_every_slot:
        return False, Said("slot_any")
    slots = case.standing if case.moved else case.slots
    right = tuple(slot for slot in slots if slot in BROADCAST_SLOTS)
    if right or not slots:
        return False, Said("slot_right" if right else "not_looked_at", {"slots": right})
    moved = next(_moved(case), None)
    return (False, moved.text) if moved else (True, Said("slot_3_or_4", {"slots": slots}))


def _support(case: Case) -> Verdict:
    return False, Said("nothing_open" if case.confirmed_here else "another_item")


#: What is said of an item that no finding speaks of.
OTHERWISE: Mapping[int, Callable[[Case], Verdict]] = {
    SETTINGS: _beyond("filter_unseen"),
    MAINTENANCE: _no_maintenance,
    REACH: _beyond("reach_unseen"),
    ADDRESS: _address_stands,
    OPTION: _option,
    SLOTS: _slots,
    SUPPORT: _support,
}
