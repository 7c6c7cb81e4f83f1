"""Which fates can a mail meet behind a server that nobody here wrote, and who decides them?

Every server of these tests gives the same local parts the same fates, each in the way that it knows; they are ordinary
names, so that no reader of a report can learn anything from an address. Most mails go on to a next hop (a Postfix as
well), which asks the `Moods` of this module what to answer.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from tests.acceptance.policy import Greylist

#: The server itself refuses the address (in the session), or the content.
REFUSED, CONTENT = "atsuko", "bunta"
#: It takes the mail, and then: the next hop does not know the address; there is no room; the mail is forwarded to a
#: domain that does not exist, or to an address that the next hop refuses; it goes round in circles; it is too big for
#: the next hop.
UNKNOWN, FULL, NO_DOMAIN, FORWARDED, LOOP, BIG = "chie", "daigo", "emi", "fumio", "goro", "haruka"
#: The next hop says "later" until the time runs out, or until somebody lets the mails in; both are warned about.
EXPIRED, SLOW = "ichiro", "junko"
#: A program answers by itself.
AWAY = "kenji"
#: The server returns to the address in From, against RFC 5321 §4.5.5; the reader's address is unknown to the next hop.
FROM = "makoto"

#: The next hop's own domain, one that does not exist, and whom `FORWARDED` stands for there.
NEXT_DOMAIN, NOWHERE, ELSEWHERE = "next.example", "kieta.example", "tanaka.fumio"
#: The octets that a mail may have that goes on by the small door of the next hop.
SMALL = 1000
#: For how long servers try: long enough that a busy machine lets `SLOW` in after the warning and before the end.
LIFETIME = 25


class Moods(Greylist):
    """What the next hop answers at RCPT, by the policy protocol of Postfix."""

    def __init__(self) -> None:
        super().__init__()
        self.let_in = threading.Event()

    def action(self, sender: str, recipient: str) -> str:
        """Return what Postfix is to do with a mail for a recipient."""
        self.asked.append((sender, recipient))
        local = recipient.partition("@")[0]
        if local in (UNKNOWN, ELSEWHERE, FROM):
            return "550 5.1.1 User unknown in virtual mailbox table"
        if local == FULL:
            return "552 5.2.2 Mailbox full, quota exceeded"
        if local == EXPIRED or (local == SLOW and not self.let_in.is_set()):
            return "450 4.2.0 Greylisted, try again later"
        return "DISCARD taken"


@contextlib.contextmanager
def moods() -> Iterator[Moods]:
    """Serve the policy protocol in a thread."""
    with Moods() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@dataclass(frozen=True)
class Surroundings:
    """What a server meets: the port of all servers, the one here where reports go, a name server, and the next hop."""

    port: int
    inbound: int
    nameserver: str
    policy: str


#: The words above, for configurations.
NAMES = {
    **{"refused": REFUSED, "content": CONTENT, "unknown": UNKNOWN, "full": FULL, "no_domain": NO_DOMAIN},
    **{"forwarded": FORWARDED, "loop": LOOP, "big": BIG, "expired": EXPIRED, "slow": SLOW, "away": AWAY},
    **{"from": FROM, "next_domain": NEXT_DOMAIN, "nowhere": NOWHERE, "elsewhere": ELSEWHERE, "small": SMALL},
}
