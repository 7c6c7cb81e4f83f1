"""What must be known of a guardian's mail to say why it was not seen?

Facts of the town, without SQL and without codes of SMTP: `service.explain` gathers them, `domain.explain` judges.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mailer.domain.maintenance import Window


@dataclass(frozen=True, slots=True)
class Meant:
    """What a reason means: its word, the item that it points to, and who acts (guardian, operator, remote, nobody).

    `our_fault` says that something here is not in order: it is more than that an operator acts.
    """

    word: str
    item: int
    acts: str
    our_fault: bool = False


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who takes an address's mail: its name for people, and what its customers are told of filters and waiting mail."""

    name: str
    filter: str = ""
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """That operators keep a mail from leaving; `until` None: until they end it."""

    since: datetime
    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Later:
    """What the receiving side wrote after it had accepted a mail: `kind` is delayed (it still tries) or complaint."""

    kind: str
    at: datetime
    read: Meant | None
    words: str


@dataclass(frozen=True, slots=True)
class Mail:
    """What became of the mail to one address.

    `state` and `reason` are the words of the store, `read` is what the last reply or report meant, `later` what came
    of an accepted one, if anything. `sender` is its school's address; `opened_at` is when a person first opened its
    receipt URL, `machine` says that a program looked at it; `wave` is the day since when its receiver refuses far more
    than usual, if it did by then. `possible_duplicate` says that an earlier attempt may have left it with the receiver.
    `sent_again` says that operators had it sent again after it was accepted, `blocked` that it waits because the
    receiver takes no mail from us at present.
    """

    queue_id: str
    address: str
    sender: str
    receiver: Receiver
    state: str
    urgent: bool
    attempts: int
    host: str
    reply: str
    at: datetime | None
    settled_at: datetime | None
    reason: str
    read: Meant | None
    next_try: datetime | None
    deadline: datetime
    later: Later | None = None
    stop: Stopped | None = None
    held_until: datetime | None = None
    opened_at: datetime | None = None
    machine: bool = False
    wave: str = ""
    possible_duplicate: bool = False
    sent_again: bool = False
    blocked: bool = False

    @property
    def perhaps_twice(self) -> bool:
        """Whether the receiver accepted the mail and may have another copy of it."""
        return self.possible_duplicate and self.state == "accepted"

    @property
    def perhaps_taken(self) -> bool:
        """Whether the receiver may have the mail without our knowing it."""
        return self.possible_duplicate and self.state not in ("accepted", "returned")


@dataclass(frozen=True, slots=True)
class Rest:
    """Since when and why an address gets nothing."""

    since: datetime
    why: Meant


@dataclass(frozen=True, slots=True)
class Place:
    """The slots of a household in which one address stands or stood; none for a household without any address.

    `address` stands there now (empty: none), since `set_at`. `excluded` is why the broadcast left it out, `next` why
    the next one would; `changed` says that the broadcast went to, or left out, what stood there before.
    """

    slots: tuple[int, ...]
    address: str
    set_at: datetime | None
    excluded: str = ""
    mail: Mail | None = None
    changed: bool = False
    rest: Rest | None = None
    next: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """A household as it is registered now; `school` is a code, `label` its name."""

    number: int
    school: str
    label: str
    registered_at: datetime
    deregistered_at: datetime | None
    receives_broadcasts: bool


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What is asked about; `schools` are codes with names, `named` says that the person named it."""

    id: str
    subject: str
    schools: Mapping[str, str]
    announced_at: datetime
    not_before: datetime
    to_every_slot: bool
    named: bool
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """When the household confirmed, and through which slot."""

    at: datetime
    slot: int


@dataclass(frozen=True, slots=True)
class Case:
    """One household and what is asked of it. `address` is what was typed (empty: a household was named).

    `problem` says why that is no address. `places` are those of the address, or of the whole household. `met` says that
    what is asked about has mails for the household or reasons for none, `awaited` that these are still to be written.
    """

    now: datetime
    domain: str
    address: str = ""
    problem: str = ""
    household: Registration | None = None
    broadcast: Broadcast | None = None
    places: tuple[Place, ...] = ()
    confirmed: Confirmed | None = None
    windows: tuple[Window, ...] = ()
    met: bool = False
    awaited: bool = False

    @property
    def mails(self) -> list[Mail]:
        """The mails of its places."""
        return [place.mail for place in self.places if place.mail]

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots of its places, then and now."""
        return tuple(sorted(slot for place in self.places for slot in place.slots))

    @property
    def ahead(self) -> bool:
        """Whether what is asked about is still to leave."""
        return self.broadcast is not None and self.broadcast.not_before > self.now

    @property
    def standing(self) -> tuple[int, ...]:
        """The slots in which the address, or any of the household, stands now."""
        return tuple(sorted(slot for place in self.places if place.address for slot in place.slots))

    @property
    def moved(self) -> bool:
        """Whether the address stands in the household still: what was changed is only its slot."""
        return bool(self.address and self.standing)

    @property
    def confirmed_here(self) -> bool:
        """Whether a person opened the receipt URL of what is asked about, the address or the whole household."""
        return any(mail.opened_at for mail in self.mails) if self.address else self.confirmed is not None
