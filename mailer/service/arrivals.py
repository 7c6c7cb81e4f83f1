"""Which mails that came in are still to be read, and which may be forgotten?

A mail that said something about somebody is kept as long as the settings want; one that said nothing to us (ordinary
mail, or one that could not be read) waits for a person and is kept longer; one that nobody has read is never forgotten.
"""

from datetime import timedelta

from mailer.service.bounce import MAIL, UNREAD, UNREADABLE
from mailer.service.office import Office
from mailer.store import inbound

FOR_A_PERSON = (MAIL, UNREADABLE)
#: At most so many are forgotten at once: the store is locked meanwhile.
MOST_AT_ONCE = 200


def unread(most: int) -> list[int]:
    """Return the numbers of mails that are still to be read, in the order in which they are."""
    return inbound.with_meaning(UNREAD, most)


def content(mail_id: int) -> bytes:
    """Return a mail as it is kept."""
    return inbound.raw(mail_id) or b""


def give_up(mail_id: int) -> None:
    """Write that a mail cannot be read; inside a Writer."""
    inbound.mean(mail_id, UNREADABLE)


def forget(office: Office, keep: timedelta, keep_for_a_person: timedelta) -> int:
    """Forget mails that are kept no longer, some at a time, and return how many that were; inside a Writer."""
    now = office.clock()
    return inbound.forget(now - keep, now - keep_for_a_person, FOR_A_PERSON, (UNREAD,), MOST_AT_ONCE)
