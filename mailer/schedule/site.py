"""What do all workers and the next start know of a site?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

#: The reason of a lesson that ends a rest.
TAKEN_AGAIN = "taken_again"
#: The reason of a lesson that a session was ended by the other side, with the number of its mails behind it.
SESSION_ENDED = "session_ended"

REASONS: Mapping[str, str] = {
    TAKEN_AGAIN: "mail is taken again",
    SESSION_ENDED: "a session ended after {detail} mails",
}


@dataclass(frozen=True, slots=True)
class SiteState:
    """What a site made us learn at `since`, and why.

    `connections` is what it takes from all workers together, `messages_per_session` how many mails in each. Until
    `paused_until` ordinary mail is kept from it; urgent mail still tries now and then. `reason` is a key of REASONS,
    with its detail behind it, a word of `carrier.reason`, or what went wrong and what the server said.
    """

    site: str
    connections: int
    messages_per_session: int
    paused_until: datetime | None
    reason: str
    since: datetime
