"""Which mail does an item leave as, and how many octets is that?

The mail is made anew, as it is whenever it leaves. Its signatures need keys that the command does not have; how long
they are is known without, so that the size told here is the one that the carrier is told (SIZE=) and that stands in
the transcript.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailer.dispatcher.job import Job
    from mailer.domain.announcement import Announcement
    from mailer.message.compose import Draft
    from mailer.service.office import Office
    from mailer.service.queue import QueuedItem


class Mailing:
    """Makes the mail of items, but for the signatures."""

    def __init__(self, office: "Office") -> None:
        from mailer.dispatcher.letters import Letterhead, Letters
        from mailer.message.keys import signature_octets
        from mailer.message.sign import KeyName
        from mailer.service import dispatch, keys

        head = Letterhead(office.domain, office.base_url, office.schools, office.receipt_key, office.verp)
        self._letters = Letters(head)
        self._records = {key.selector: key.record for key in keys.list_()}
        self._octets = cache(signature_octets)
        self._known: dict[tuple[str, str, int, int], int] = {}
        self.announcement = cache(dispatch.announcement)
        self._key_names = dispatch.key_names
        self._nobody = [KeyName("unsigned", "rsa-sha256")]

    def draft(self, item: "QueuedItem") -> "Draft":
        """Return the mail; raise KeyError or ValueError where none can be made, as of a school that is no more."""
        announcement = self.announcement(item.announcement_id)
        if not self._letters.knows(announcement.id):
            self._letters.learn(announcement, self._key_names(announcement.selectors) or self._nobody)
        return self._letters.draft(_job(item))

    def octets(self, item: "QueuedItem") -> int:
        """Return how long the signed mail is, header and body; 0 where none can be made."""
        try:
            alike = _alike(item)
            if alike not in self._known:
                placeholders = self._placeholders(self.announcement(item.announcement_id))
                self._known[alike] = len(self.draft(item).signed(placeholders))
            return self._known[alike]
        except (KeyError, ValueError):
            return 0

    def _placeholders(self, announcement: "Announcement") -> list[bytes]:
        """Return something as long as each signature, in the order of the keys."""
        known = [self._records[selector] for selector in announcement.selectors if selector in self._records]
        return [bytes(self._octets(record)) for record in known]


def _alike(item: "QueuedItem") -> tuple[str, str, int, int]:
    """Return what decides how long a mail is: its letter, and the lengths of its Message-ID and its To."""
    from mailer.schedule.queue_id import queue_id
    from mailer.smtp.address import parse_address

    recipient = parse_address(item.address).header.encode()
    return item.announcement_id, item.school, len(queue_id(item.id)), len(recipient)


def _job(item: "QueuedItem") -> "Job":
    from mailer.dispatcher.job import job_of
    from mailer.dispatcher.ways import Way
    from mailer.schedule.claim import Claimed

    claimed = Claimed(
        item_id=item.id,
        announcement_id=item.announcement_id,
        school=item.school,
        address=item.address,
        domain=item.domain,
        lane=item.lane,
        attempt=item.attempts,
        expires_at=item.expires_at,
        possible_duplicate=item.possible_duplicate,
    )
    return job_of(claimed, Way(0.0), frozenset())
