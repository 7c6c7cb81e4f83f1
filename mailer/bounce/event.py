"""What came back about one recipient?

A closed set of kinds: only `hard` says that an address is dead. `delayed` is a warning (the reporting server still
tries), `delivered` a success, `complaint` a reader's press on the "spam" button, `autoreply` a vacation notice or other
automatic answer, `report` a machine's report about no single reader.
"""

from dataclasses import dataclass
from enum import StrEnum

from mailer.carrier.reason import Reason


class Kind(StrEnum):
    """What an event says of the recipient's address."""

    HARD = "hard"
    SOFT = "soft"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    REPORT = "report"

    @property
    def failed(self) -> bool:
        """Tell whether the mail was given up."""
        return self in (Kind.HARD, Kind.SOFT)


@dataclass(frozen=True, slots=True)
class Event:
    """What a mail says of one recipient: the address as written there, and why.

    `recipient` is whom the mail was sent to (the original recipient, where a report tells it), `final` whom it was for
    in the end. `status` is like 5.1.1 or empty; `diagnostic` are the words, fit to be shown; `host` is the server
    that said them, as the report names it.
    """

    recipient: str
    kind: Kind
    reason: Reason
    status: str = ""
    diagnostic: str = ""
    host: str = ""
    final: str = ""


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail that came in, read: its events, and what tells the mail that it speaks of.

    `message_ids`, `reverse_paths` and `recipients` are those of the mail spoken of, as quoted; `complaint` says that a
    reader complained, even where the report hides who; `automatic` that a program wrote the mail; `subject` is fit to
    be shown.
    """

    events: tuple[Event, ...]
    message_ids: tuple[str, ...] = ()
    reverse_paths: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    complaint: bool = False
    automatic: bool = False
    subject: str = ""
