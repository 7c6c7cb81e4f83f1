"""What becomes of a mail that came in and was read?

A returned mail is about a queue item when it proves that its writer got our mail: it came to the item's VERP
address, or quotes it as the reverse-path of the mail it speaks of; nobody can invent one. Then what it says of the
item's address counts: a failure makes the item `returned`, with the words as evidence. A Message-ID is no proof,
because all recipients of a broadcast can guess each other's: such a mail is shown beside the item and changes nothing
(attacks A12). A report about another address, a second copy, or a report on what was never handed over changes
nothing either. No mail that came in ever causes another to its VERP address.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailer.bounce.event import Event, Kind, ReadMail
from mailer.bounce.match import about, forwarded
from mailer.carrier.reason import Reason
from mailer.domain.suspension import heeds
from mailer.schedule.item import ItemState
from mailer.schedule.outcome import Evidence
from mailer.schedule.queue_id import queue_number
from mailer.service import canary, suspension, wave
from mailer.service.office import Office
from mailer.store import bounce_events, inbound
from mailer.store.bounce_events import Concerned, Criteria, Listed

#: What is written of a mail that was read: it returned an item, reports something, answers by itself, is ordinary.
RETURNED, REPORT, AUTOREPLY, MAIL = "returned", "report", "autoreply", "mail"
#: What is written before it is read, and where reading it failed: it is kept for a person.
UNREAD, UNREADABLE = "unread", "unreadable"
#: Where a returned item's evidence comes from, beside the stages of a session.
STAGE = "dsn"

MOST_EVENTS = 200

#: A row number has at most 63 bits; more digits than these no item will ever have.
_MESSAGE_ID = re.compile(r"<(q[0-9a-f]{1,15})\.([a-z0-9-]{1,60})@([^<>@\s]{1,250})>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Linked:
    """The queue item that a mail speaks of; `proved` if only who got our mail can have written it."""

    item: Concerned
    proved: bool


@dataclass(frozen=True, slots=True)
class InboundFacts:
    """A mail as it came in; `item_id` is the queue item that a VERP address among its forward-paths names, or None."""

    reverse_path: str
    forward_paths: tuple[str, ...]
    peer: str
    content: bytes
    item_id: int | None


@dataclass(frozen=True, slots=True)
class Packed:
    """A mail ready to be kept: what came, what tells it from others, and the bytes that are written."""

    facts: InboundFacts
    digest: bytes
    content: bytes


def pack(facts: InboundFacts) -> Packed:
    """Do what takes long with a big mail, before the store is locked for it."""
    return Packed(facts, _digest(facts.content), inbound.pack(facts.content))


def keep(office: Office, mail: Packed) -> tuple[int, bool]:
    """Keep a mail unread; return its number, and whether it is new; inside a Writer.

    A second copy of a mail to the same item is the first one come again.
    """
    facts = mail.facts
    item_id = None if facts.item_id is None or inbound.address_key(facts.item_id) is None else facts.item_id
    to = ", ".join(facts.forward_paths)
    earlier = None if item_id is None else inbound.known(item_id, mail.digest, to)
    if earlier is not None:
        return earlier, False
    number = inbound.add(
        inbound.Arrived(
            received_at=office.clock(),
            reverse_path=facts.reverse_path,
            forward_path=to,
            peer=facts.peer,
            digest=mail.digest,
            packed=mail.content,
            item_id=item_id,
            meaning=UNREAD,
        )
    )
    return number, True


def _digest(content: bytes) -> bytes:
    """Tell mails apart by their bodies: a second copy differs in the trace that servers wrote on top of it."""
    head, separator, body = content.partition(b"\r\n\r\n")
    return hashlib.sha256(body if separator else head).digest()


def learn(office: Office, mail_id: int, mail: ReadMail) -> str:
    """Apply what a kept mail says, and return its meaning (one of those above); inside a Writer."""
    arrival = bounce_events.arrival(mail_id)
    if arrival is None:
        return MAIL
    linked = _linked(office, arrival.item_id, mail)
    returned = False
    for event in _events(mail, linked):
        concerned = linked is not None and about(event, linked.item.address_key)
        item_id = linked.item.item_id if linked and concerned else None
        proved = linked is not None and linked.proved and concerned
        bounce_events.add(mail_id, event, item_id, arrival.received_at, proved=proved)
        if linked and proved:
            returned = _apply(office, linked.item, event) or returned
    meaning = RETURNED if returned else _meaning(mail.events)
    bounce_events.interpret(mail_id, meaning, linked.item.item_id if linked else None)
    return meaning


def _events(mail: ReadMail, linked: Linked | None) -> tuple[Event, ...]:
    """Return the events; a complaint whose reporter hid the reader is one of the item's that it proves."""
    if mail.complaint and not mail.events and linked is not None and linked.proved:
        return (Event(linked.item.address, Kind.COMPLAINT, Reason.COMPLAINT),)
    return mail.events


def listed(criteria: Criteria, most: int) -> list[Listed]:
    """Return the mails that came in and fit the criteria, with their events, the newest first, up to `most` lines."""
    return bounce_events.listed(criteria, most)


def show(mail_id: int) -> tuple[bytes | None, list[Listed]]:
    """Return a mail as it came in (None if there is none with this number), and what was made of it."""
    return inbound.raw(mail_id), listed(Criteria(mail=mail_id), MOST_EVENTS)


def _meaning(events: Sequence[Event]) -> str:
    if not events:
        return MAIL
    return AUTOREPLY if all(event.kind is Kind.AUTOREPLY for event in events) else REPORT


def _linked(office: Office, by_verp: int | None, mail: ReadMail) -> Linked | None:
    """Return the item that a mail speaks of: by VERP, to which it came or which it quotes, or else by Message-ID."""
    quoted = (office.verp.read(path.rpartition("@")[0]) for path in mail.reverse_paths)
    for item_id in (by_verp, *quoted):
        if item_id is not None and (found := bounce_events.item(item_id)) is not None:
            return Linked(found, proved=True)
    for message_id in mail.message_ids:
        if (found := _by_message_id(office, message_id)) is not None:
            return Linked(found, proved=False)
    return None


def _by_message_id(office: Office, message_id: str) -> Concerned | None:
    form = _MESSAGE_ID.fullmatch(message_id)
    if form is None or form[3].lower() != office.domain:
        return None
    return bounce_events.item(queue_number(form[1].upper()), form[2].upper())


def _apply(office: Office, item: Concerned, event: Event) -> bool:
    """Do what an event that is proved asks for; return whether it returned the item."""
    domain = item.address_key.rpartition("@")[2]
    said = suspension.Noted(item.item_id, domain, event.kind, event.reason, event.diagnostic)
    if not event.kind.failed:
        if heeds(office.clock() - item.sent_at):
            suspension.note(office, said)  # a complaint; whatever else is no failure is not kept there
        return False
    sent_on = forwarded(event, item.address_key, lambda domain: office.receiver(domain, ""))
    evidence = _evidence(event)
    if sent_on:  # the words are of another mailbox, and say nothing of this one
        evidence = replace(evidence, reason=Reason.UNCLEAR.value)
    if not inbound.mark_returned(item.item_id, evidence, office.clock()):
        return False
    canary.look_again(item.item_id)
    if sent_on:
        return True
    # Before the setback is kept: a wave began no later than what was said in it.
    wave.returned(office, domain, item.announcement_id, was_accepted=item.state == ItemState.ACCEPTED)
    suspension.note(office, said)
    return True


def _evidence(event: Event) -> Evidence:
    return Evidence(STAGE, event.host, enhanced=event.status, text=event.diagnostic, reason=event.reason.value)
