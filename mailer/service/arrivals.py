"""Which mails that came in are still to be read?"""

from mailer.service.bounce import UNREAD, UNREADABLE
from mailer.store import inbound


def unread(most: int) -> list[int]:
    """Return the numbers of mails that are still to be read, in the order in which they are."""
    return inbound.with_meaning(UNREAD, most)


def content(mail_id: int) -> bytes:
    """Return a mail as it is kept."""
    return inbound.raw(mail_id) or b""


def give_up(mail_id: int) -> None:
    """Write that a mail cannot be read; inside a Writer."""
    inbound.mean(mail_id, UNREADABLE)
