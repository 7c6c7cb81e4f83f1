"""Which mail does a queue item become?

The common part of an announcement is frozen once per school and kept; a recipient adds the reverse-path, the
To, the Message-ID and the receipt URL. The school's name is that of the time when the announcement was made, and only
those keys sign that were active then, so that every attempt has the same bytes; here they are only named (see
`signing`).
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from mailer.clock import JAPAN
from mailer.dispatcher.job import Job
from mailer.domain.announcement import Announcement
from mailer.domain.receipt import token, url
from mailer.domain.school import Schools
from mailer.message.compose import Draft, Frozen, Letter
from mailer.message.sign import KeyName
from mailer.message.verp import Verp
from mailer.schedule.queue_id import queue_id
from mailer.smtp.address import Address
from mailer.smtp.envelope import Envelope, ForwardPath, ReversePath, Transaction

#: Announcements whose items are in this process; a forgotten one's items are postponed, so there is room for plenty.
MOST_KNOWN = 1000
MOST_FROZEN = 256


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What is needed to write letters: who we are, our secrets, and who gets REQUIRETLS."""

    domain: str
    base_url: str
    schools: Schools
    receipt_key: bytes
    verp: Verp
    require_tls: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """An announcement and the keys that sign it."""

    announcement: Announcement
    keys: tuple[KeyName, ...]


class Letters:
    """Makes mail of jobs; remembers the frozen text of the announcements that are being sent."""

    def __init__(self, head: Letterhead) -> None:
        self._head = head
        self._sources: OrderedDict[str, Source] = OrderedDict()
        self._frozen: OrderedDict[tuple[str, str], Frozen] = OrderedDict()

    def knows(self, announcement: str) -> bool:
        """Tell whether `draft` can do without asking the store; what is known now is forgotten last."""
        if announcement not in self._sources:
            return False
        self._sources.move_to_end(announcement)
        return True

    def learn(self, announcement: Announcement, keys: Sequence[KeyName]) -> None:
        """Remember an announcement whose items are about to be written, and the keys of its selectors."""
        self._sources[announcement.id] = Source(announcement, tuple(keys))
        if len(self._sources) > MOST_KNOWN:
            self._sources.popitem(last=False)

    def selectors(self, job: Job) -> tuple[str, ...]:
        """Return the selectors that sign a job's mail; raise KeyError for an unknown announcement."""
        return tuple(key.selector for key in self._sources[job.claimed.announcement_id].keys)

    def draft(self, job: Job) -> Draft:
        """Return a job's mail but for its signatures, the same bytes at every attempt."""
        claimed, head = job.claimed, self._head
        source = self._sources[claimed.announcement_id]
        frozen = self._freeze(source, claimed.school)
        receipt = url(head.base_url, token(head.receipt_key, claimed.item_id)) if source.announcement.receipt else None
        # The announcement's name keeps it unlike any other even where a store is made anew and counts from one again.
        message_id = f"{queue_id(claimed.item_id)}.{claimed.announcement_id}".lower()
        return frozen.draft(job.address, message_id, receipt)

    def address(self, job: Job) -> Transaction:
        """Put a job's written mail into its envelope."""
        reverse_path = ReversePath(Address(self._head.verp.local_part(job.claimed.item_id), self._head.domain))
        require_tls = job.claimed.domain in self._head.require_tls
        envelope = Envelope(reverse_path, (ForwardPath(job.address, job.bare),), require_tls)
        return Transaction(envelope, job.content, job, alone=job.claimed.possible_duplicate)

    def _freeze(self, source: Source, code: str) -> Frozen:
        key = (source.announcement.id, code)
        if (frozen := self._frozen.get(key)) is None:
            frozen = Frozen(self._letter(source.announcement, code), source.keys)
            self._frozen[key] = frozen
            if len(self._frozen) > MOST_FROZEN:
                self._frozen.popitem(last=False)
        else:
            self._frozen.move_to_end(key)
        return frozen

    def _letter(self, announcement: Announcement, code: str) -> Letter:
        return Letter(
            announcement_id=announcement.id,
            # An older version announced without keeping the name.
            from_name=announcement.names.get(code) or self._head.schools.by_code[code].name,
            from_address=f"{code}@{self._head.domain}",
            subject=announcement.subject,
            text=announcement.text,
            date=announcement.announced_at.astimezone(JAPAN),
            domain=self._head.domain,
            receipt=announcement.receipt,
        )
