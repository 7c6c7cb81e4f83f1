"""What do all workers and the next start know of a site?"""

from dataclasses import dataclass
from datetime import datetime

#: The reason of a lesson that ends a rest.
TAKEN_AGAIN = "mail is taken again"


@dataclass(frozen=True, slots=True)
class SiteState:
    """What a site made us learn at `since`, and why.

    `connections` is what it takes from all workers together, `messages_per_session` how many mails in each. Until
    `paused_until` ordinary mail is kept from it; urgent mail still tries now and then.
    """

    site: str
    connections: int
    messages_per_session: int
    paused_until: datetime | None
    reason: str
    since: datetime
