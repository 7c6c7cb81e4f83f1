"""Which mail does a queue item become?

The common part of an announcement is frozen once per school and kept; a recipient adds the reverse-path, the
To, the Message-ID and the receipt URL. The DKIM keys are read here, by the mailer alone, and only those selectors
sign that were active when the announcement was made, so that every attempt has the same bytes.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailer.clock import JAPAN
from mailer.dispatcher.job import Job
from mailer.domain.announcement import Announcement
from mailer.domain.receipt import token, url
from mailer.domain.school import Schools
from mailer.ids import queue_id
from mailer.message.compose import Frozen, Letter
from mailer.message.sign import Signer
from mailer.message.verp import Verp
from mailer.smtp.address import Address
from mailer.smtp.envelope import Envelope, ForwardPath, ReversePath, Transaction

#: Announcements whose items are in this process; a forgotten one's items are postponed, so there is room for plenty.
MOST_KNOWN = 1000
MOST_FROZEN = 256


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed to write letters: who we are, our secrets, and a way to the keys."""

    domain: str
    base_url: str
    schools: Schools
    receipt_key: bytes
    verp: Verp
    signers: Callable[[Sequence[str]], Sequence[Signer]]


class Letters:
    """Makes transactions of jobs; remembers the frozen text of the announcements that are being sent."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._announcements: OrderedDict[str, Announcement] = OrderedDict()
        self._frozen: OrderedDict[tuple[str, str], Frozen] = OrderedDict()

    def knows(self, announcement: str) -> bool:
        """Tell whether `write` can do without asking the store."""
        return announcement in self._announcements

    def learn(self, announcement: Announcement) -> None:
        """Remember an announcement whose items are about to be written."""
        self._announcements[announcement.id] = announcement
        if len(self._announcements) > MOST_KNOWN:
            self._announcements.popitem(last=False)

    def write(self, job: Job) -> Transaction:
        """Return a job's signed mail in its envelope, the same bytes at every attempt."""
        claimed, desk = job.claimed, self._desk
        announcement = self._announcements[claimed.announcement_id]
        frozen = self._freeze(announcement, claimed.school)
        receipt = url(desk.base_url, token(desk.receipt_key, claimed.item_id)) if announcement.receipt else None
        # The announcement's name keeps it unlike any other even where a store is made anew and counts from one again.
        message_id = f"{queue_id(claimed.item_id)}.{announcement.id}".lower()
        reverse_path = ReversePath(Address(desk.verp.local_part(claimed.item_id), desk.domain))
        envelope = Envelope(reverse_path, (ForwardPath(job.address, job.bare),))
        return Transaction(envelope, frozen.render(job.address, message_id, receipt), job)

    def _freeze(self, announcement: Announcement, code: str) -> Frozen:
        key = (announcement.id, code)
        if (frozen := self._frozen.get(key)) is None:
            frozen = Frozen(self._letter(announcement, code), self._desk.signers(announcement.selectors))
            self._frozen[key] = frozen
            if len(self._frozen) > MOST_FROZEN:
                self._frozen.popitem(last=False)
        else:
            self._frozen.move_to_end(key)
        return frozen

    def _letter(self, announcement: Announcement, code: str) -> Letter:
        school = self._desk.schools.by_code[code]
        return Letter(
            announcement_id=announcement.id,
            from_name=school.name,
            from_address=school.address,
            subject=announcement.subject,
            text=announcement.text,
            date=announcement.announced_at.astimezone(JAPAN),
            domain=self._desk.domain,
            receipt=announcement.receipt,
        )
