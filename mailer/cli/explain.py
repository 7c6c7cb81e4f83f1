"""What does the support window say to 「メールが送られてきません」?"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import marked, reason_words, state_word
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, option
from mailer.clock import JAPAN
from mailer.language import _, spoken

if TYPE_CHECKING:
    from mailer.domain.explain_case import Case, Mail
    from mailer.domain.explain_mail import Finding, Said
    from mailer.service.explain import Explained, Meant

NUMBERS = "①②③④⑤⑥⑦"
#: Times near to the broadcast, which need no year.
SOON = frozenset({"begins", "ends", "next", "deadline", "until"})


@click.command(
    cls=Verb,
    context_settings={"ignore_unknown_options": True},  # -abc@ezweb.ne.jp is an address
    help=N_(
        "Say why a broadcast did not come: the FAQ's check-list ① to ⑦, answered from what we know.\n\n"
        "HOUSEHOLD is the number that “households show” prints. Without --broadcast it is the latest one that concerned"
        " the address or household and is not only planned. An address that is not registered is never taken for"
        " another; those that look like it are asked about."
    ),
)
@click.argument("wanted", metavar="ADDRESS|HOUSEHOLD")
@option("--broadcast", "announcement_id", metavar="ID", help=N_("Explain this broadcast or notice."))
@click.pass_obj
def explain(session: Session, wanted: str, announcement_id: str | None) -> None:
    """Explain for an address or a household."""
    from config.carriers import load_carriers
    from mailer.service import explain as desk

    carriers = load_carriers(session.settings)
    with session.office() as office:
        found = desk.ask(office, carriers, wanted, announcement_id)
        similar = [] if found[0].case.household else desk.meant(carriers, wanted)
    if session.json:
        first, *others = (_document(one, wanted) for one in found)
        output.document({**first, "others": others, "meant": [_similar(one) for one in similar]})
        return
    for number, one in enumerate(found):
        if number:
            output.say("")
        _tell(one)
    for other in similar:
        output.say(_question(other))


def _tell(one: "Explained") -> None:
    """Write the answer as it is said, then what it rests on."""
    case, answer = one.case, one.answer
    output.facts(_subject(case))
    output.say("")
    _tell_findings([answer.first, *answer.others])
    output.say("")
    rows = [
        (_title(line.item), _mark(line.applies), " ".join(_words(said) for said in line.evidence))
        for line in answer.items
    ]
    output.table([_("check-list"), "", _("evidence")], rows)
    if case.mails:
        output.say("")
        heads = [_("queue id"), _("slots"), _("recipient"), _("state"), _("host"), _("last reply"), _("when")]
        output.table(heads, _mails(case))
    for slot, word in one.elsewhere:
        output.say(_("Address {slot} of the household: {state}").format(slot=slot, state=_elsewhere(word)))
    for place in case.places:
        if place.rest and place.address:
            words = _("When the guardian says that {address} is right: mimamori bounce resume {typed}")
            output.say(words.format(address=place.address, typed=shlex.quote(place.address)))


def _subject(case: "Case") -> list[tuple[str, object]]:
    home, sent = case.household, case.broadcast
    return [
        *([(_("address"), case.address)] if case.address else []),
        *([(_("household"), home.number), (_("school"), home.label)] if home else []),
        *([(_("slots"), _joined(case.slots))] if case.slots else []),
        (_("broadcast"), f"{sent.id} {sent.subject}" if sent else _("none")),
        *([(_("announced"), sent.announced_at)] if sent else []),
    ]


def _tell_findings(found: "Sequence[Finding]") -> None:
    """Write the answer and what else was found; the same advice is given once."""
    advised = set[str]()
    for number, one in enumerate(found):
        head = _("Besides") if number else _("Answer")
        item = f" {NUMBERS[one.item - 1]}" if one.item else ""
        output.say(f"{head}{item}: {_words(one.text)}")
        for line in _words(one.advice).split("\n"):
            if line not in advised:
                output.say(f"  → {line}")
            advised.add(line)


def _mails(case: "Case") -> Iterator[tuple[object, ...]]:
    for place in case.places:
        if place.mail:
            mail = place.mail
            reply = _shown("reply", mail.reply)
            state = marked(_state(_told(mail)), possible_duplicate=mail.possible_duplicate)
            yield mail.queue_id, _joined(place.slots), mail.address, state, mail.host, reply, mail.at


def _title(item: int) -> str:
    titles = (
        _("settings of the phone"),
        _("maintenance"),
        _("phone in reach"),
        _("registered address"),
        _("option “receive broadcasts”"),
        _("address 1 or 2"),
        _("anything else"),
    )
    return f"{NUMBERS[item - 1]} {titles[item - 1]}"


def _mark(applies: bool | None) -> str:
    return {True: _("applies"), False: _("does not apply"), None: _("cannot be seen from here")}[applies]


def _state(word: str) -> str:
    """Return the state of a mail: a mail that came back is told from one that was refused at the door."""
    return _("sent back later") if word == "returned" else state_word(word)


def _told(mail: "Mail") -> str:
    """Return the word that “broadcast recipients” has for a mail, but for what is said here in more detail."""
    return "deferred" if mail.state == "waiting" and mail.attempts else mail.state


def _elsewhere(word: str) -> str:
    from mailer.domain.audience import REASONS

    if word in REASONS:
        return _(REASONS[word])
    return _state(word) if word else _("no mail")


def _question(other: "Meant") -> str:
    if other.household:
        return _("Is household {number} meant perhaps? Please ask.").format(number=other.household)
    if other.registered:
        words = _("Is {address} meant perhaps? It is registered, as another address. Please ask.")
    else:
        words = _("Is {address} meant perhaps? Please ask.")
    return words.format(address=other.address)


def _words(said: "Said") -> str:
    """Return a sentence filled in; where a carrier has no words of its own, nothing is left of their place."""
    from mailer.domain.explain_words import WHY

    filled = _(WHY[said.word]).format_map({name: _shown(name, value) for name, value in said.fields.items()})
    return "\n".join(line.strip() for line in filled.split("\n"))


def _shown(name: str, value: object) -> str:
    from mailer.smtp.address import REASONS as OF_ADDRESSES
    from mailer.smtp.envelope import FAILURES

    if isinstance(value, datetime):
        return _time(value, name)
    if isinstance(value, tuple):
        return _joined(value)
    if name == "why":
        return reason_words(str(value))
    sentences = {"problem": OF_ADDRESSES, "reply": FAILURES}.get(name, {})
    text = str(value or "")
    return _(sentences[text]) if text in sentences else text or ("" if name in ("filter", "ask") else "–")


def _time(value: datetime, name: str) -> str:
    """Return a time as one says it: in Japanese with its day of the week; what happened, to the second."""
    from mailer.domain.maintenance import japanese_time

    if spoken() != "ja":
        return output.moment(value)
    local = value.astimezone(JAPAN)
    year = "" if name in SOON else f"{local.year}年"
    return year + japanese_time(value) + (f":{local.second:02}" if name == "at" else "")


def _joined(values: Sequence[object]) -> str:
    return ("・" if spoken() == "ja" else ", ").join(map(str, values))


def _document(one: "Explained", asked: str) -> dict[str, Any]:
    case, answer = one.case, one.answer
    home, sent = case.household, case.broadcast
    return {
        "subject": {
            "asked": asked,
            "household": home and home.number,
            "school": home and home.school,
            "slots": list(case.slots),
        },
        "broadcast": sent and sent.id,
        "announced_at": sent and sent.announced_at,
        "items": [
            {"item": line.item, "applies": line.applies, "evidence": " ".join(_words(said) for said in line.evidence)}
            for line in answer.items
        ],
        "answer": {**_found(answer.first), "also": [_found(other) for other in answer.others]},
        "mails": [_mail(place.slots, place.mail) for place in case.places if place.mail],
        "elsewhere": [{"slot": slot, "state": word or None} for slot, word in one.elsewhere],
    }


def _found(one: "Finding") -> dict[str, Any]:
    return {"item": one.item or None, "word": one.text.word, "text": _words(one.text), "advice": _words(one.advice)}


def _mail(slots: Sequence[int], mail: "Mail") -> Mapping[str, Any]:
    return {
        "queue_id": mail.queue_id,
        "address": mail.address,
        "slots": list(slots),
        "state": mail.state,
        "receiver": mail.receiver.name,
        "host": mail.host,
        "reply": mail.reply,
        "at": mail.at,
        "reason": mail.reason,
        "reading": mail.read and mail.read.word,
        "attempts": mail.attempts,
        "next_attempt_at": mail.next_try if mail.state == "waiting" else None,
        "expires_at": mail.deadline,
        "opened_at": mail.opened_at,
        "possible_duplicate": mail.possible_duplicate,
    }


def _similar(one: "Meant") -> dict[str, Any]:
    return {"address": one.address or None, "household": one.household, "registered": one.registered}
