"""What is said of a mail in each state of the queue, and what can the guardian do?"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mailer.domain.explain_case import Case, Mail, Meant, Place, Stopped

ITEMS = range(1, 8)
SETTINGS, MAINTENANCE, REACH, ADDRESS, OPTION, SLOTS, SUPPORT = ITEMS
#: Of no item: a remark.
REMARK = 0

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of `explain_words` and what fills it."""

    word: str
    fields: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What holds: the item that it speaks of, what to do, and whether we know or it may be so at the most."""

    text: Said
    item: int
    advice: Said
    certain: bool = True


def finding(word: str, item: int, advice: str, fields: Fields | None = None) -> Finding:
    """Return a finding that we know of; sentence and advice are filled alike."""
    return Finding(Said(word, fields or {}), item, Said(advice, fields or {}))


def fate(case: Case, place: Place, mail: Mail) -> Iterator[Finding]:
    """Yield what became of a mail so far, and that an earlier attempt may have left it there where that is so."""
    fields = _fields(case, place, mail)
    found = FATES[mail.state](case, mail, fields)
    yield found
    if mail.perhaps_taken and found.text.word not in SAY_THAT_IT_MAY_BE_THERE and not case.confirmed_here:
        yield _beyond_our_sight("perhaps_taken", fields)


def _beyond_our_sight(word: str, fields: Fields) -> Finding:
    """Return what is said of a mail that is with a carrier, or may be: the guardian has to look for it."""
    return Finding(Said(word, fields), SETTINGS, Said("do_look", fields), certain=False)


def _fields(case: Case, place: Place, mail: Mail) -> Fields:
    """Return what sentences about a mail may say."""
    return {
        "slots": place.slots,
        "receiver": mail.receiver.name,
        "filter": mail.receiver.filter,
        "ask": mail.receiver.ask,
        "sender": mail.sender,
        "domain": case.domain,
        "host": mail.host,
        "reply": mail.reply,
        "at": mail.at or mail.settled_at,
        "why": mail.read.word if mail.read else mail.reason,
        "next": mail.next_try,
        "deadline": mail.deadline,
    }


def _accepted(case: Case, mail: Mail, fields: Fields) -> Finding:
    """Nobody sees from here what a carrier does with a mail that it took, unless it writes."""
    if mail.later:
        came = mail.later
        words = {"accepted": mail.at, "at": came.at, "why": came.read.word if came.read else "", "reply": came.words}
        return _by_reason(came.kind, came.read, {**fields, **words})
    return _beyond_our_sight("machine_only" if mail.machine else "accepted", fields)


def _refused(case: Case, mail: Mail, fields: Fields) -> Finding:
    return _in_wave(mail, fields) if mail.wave else _by_reason("refused", mail.read, fields)


def _returned(case: Case, mail: Mail, fields: Fields) -> Finding:
    if mail.wave:
        return _in_wave(mail, fields)
    return _by_reason("returned" if mail.read else "returned_unread", mail.read, fields)


def _in_wave(mail: Mail, fields: Fields) -> Finding:
    """Blame no address for what is refused to many (N9)."""
    return finding("in_wave", SUPPORT, "do_their_turn", {**fields, "wave": mail.wave})


def _expired(case: Case, mail: Mail, fields: Fields) -> Finding:
    if mail.reason == "unknown_arrival":
        return _held(case, mail, fields)
    if mail.perhaps_taken:
        return _unsaid("expired_unsaid", mail, fields)
    if mail.read is None:
        return finding("never_tried", SUPPORT, "do_our_turn", fields)
    return _by_reason("expired", mail.read, fields)


def _unsaid(word: str, mail: Mail, fields: Fields) -> Finding:
    """Return a finding about a mail of which nobody knows whether it is there; what a guardian can mend goes first."""
    if mail.read and mail.read.acts == "guardian":
        return _by_reason(word, mail.read, fields)
    return _beyond_our_sight(word, fields)


def _by_reason(word: str, read: Meant | None, fields: Fields) -> Finding:
    """Return a finding whose item and advice are those of what the receiver said."""
    if read is None:
        return finding(word, SUPPORT, "do_their_turn", fields)
    word = OUR_FAULT.get(word, word) if read.our_fault else word
    return finding(word, read.item or SUPPORT, _advice(read), fields)


def _advice(read: Meant) -> str:
    """Return what the guardian can do; what others must mend is theirs."""
    return f"do_{read.word}" if read.acts == "guardian" else TURNS[read.acts]


#: What is said where the fault is ours: not the guardian's address, nor what the receiver answered to us.
OUR_FAULT: Mapping[str, str] = {
    "put_off": "put_off_by_our_fault",
    "refused": "refused_by_our_fault",
    "returned": "returned_by_our_fault",
    "expired": "expired_by_our_fault",
}
#: What a guardian is told of what others must mend.
TURNS: Mapping[str, str] = {"operator": "do_our_turn", "remote": "do_their_turn", "nobody": "do_nothing"}


def _held(case: Case, mail: Mail, fields: Fields) -> Finding:
    if mail.reason == "unknown_arrival":
        return finding("unknown_arrival", SUPPORT, "do_our_turn", fields)
    word = "held_until" if mail.held_until else "held_by_operator"
    return finding(word, SUPPORT, "do_our_turn", {**fields, "until": mail.held_until})


def _cancelled(case: Case, mail: Mail, fields: Fields) -> Finding:
    fields = {**fields, "at": mail.settled_at}
    if mail.reason == "deregistered":
        return finding("left_with_household", ADDRESS, "do_register_anew", fields)
    if mail.reason == "removed_by_operator":
        return finding("removed_by_operator", SUPPORT, "do_ask_school", fields)
    word = "cancelled_since" if mail.perhaps_taken else "announcement_cancelled"
    return finding(word, SUPPORT, "do_ask_school", fields)


def _sending(case: Case, mail: Mail, fields: Fields) -> Finding:
    return finding("sending", SUPPORT, "do_wait", fields)


def _waiting(case: Case, mail: Mail, fields: Fields) -> Finding:
    sent = case.broadcast
    if mail.stop:
        return _stopped(mail.stop, fields)
    if sent and sent.not_before > case.now:
        return finding("scheduled", SUPPORT, "do_wait", {**fields, "at": sent.not_before})
    running = next((window for window in case.windows if window.runs(case.now)), None)
    if running and not mail.urgent:
        return finding("in_window", MAINTENANCE, "do_wait", {**fields, "ends": running.ends_at})
    if mail.perhaps_taken:
        return _unsaid("tried_again", mail, fields)
    if mail.reason == "not_made":
        return finding("not_made", SUPPORT, "do_our_turn", fields)
    return _not_taken(case, mail, fields)


def _not_taken(case: Case, mail: Mail, fields: Fields) -> Finding:
    """Return why its receiver has not taken a mail yet: what was said of itself, then what is known of the receiver."""
    if mail.read and (mail.read.our_fault or mail.read.acts == "guardian"):
        return _by_reason("put_off", mail.read, fields)
    if mail.blocked:
        return _blocked(case, mail, fields)
    if mail.read is None:
        return finding("queued", SUPPORT, "do_wait", fields)
    return finding("put_off", mail.read.item or SUPPORT, "do_wait", fields)


def _blocked(case: Case, mail: Mail, fields: Fields) -> Finding:
    """Return that a mail waits for its receiver to take any; urgent mail is tried whatever the time."""
    word = "blocked_until" if mail.next_try and mail.next_try > case.now else "blocked"
    return finding(word, SUPPORT, "do_our_turn", fields)


def _stopped(stop: Stopped, fields: Fields) -> Finding:
    word = "suspended_until" if stop.until else "suspended"
    return finding(word, SUPPORT, "do_our_turn", {**fields, "since": stop.since, "until": stop.until, "stop": stop.why})


#: Sentences of which that is the sense.
SAY_THAT_IT_MAY_BE_THERE = frozenset({"unknown_arrival", "expired_unsaid", "tried_again"})
#: By the word of the store.
FATES: Mapping[str, Callable[[Case, Mail, Fields], Finding]] = {
    "waiting": _waiting,
    "sending": _sending,
    "accepted": _accepted,
    "refused": _refused,
    "expired": _expired,
    "cancelled": _cancelled,
    "held": _held,
    "returned": _returned,
}
