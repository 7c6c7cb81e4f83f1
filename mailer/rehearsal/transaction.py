"""What becomes of one mail and its recipients at a simulated receiver?

From MAIL to the end of the data (RFC 5321 §3.3): judges each forward-path by the mood and gives the answer
to the whole. No socket; time is an argument (seconds since 1970).
"""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum, auto

from mailer.rehearsal.desk import Desk
from mailer.rehearsal.ledger import Mail
from mailer.rehearsal.moods import Fault, Forms
from mailer.rehearsal.wording import reply


class End(Enum):
    """What becomes of the connection after an answer."""

    OPEN = auto()
    CLOSE = auto()
    RESET = auto()
    TLS = auto()
    MUTE = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """Words to write (after `pause` seconds), the mail they accept, and what becomes of the connection."""

    words: bytes = b""
    end: End = End.OPEN
    pause: float = 0.0
    mail: Mail | None = None


AT_RCPT = {Fault.TEMPFAIL, Fault.GREYLIST, Fault.UNKNOWN, Fault.FULL}
_IRREGULAR = re.compile(r"\A\.|\.\.|\.\Z")
_QUOTED = re.compile(r"\\(.)", re.DOTALL)


class Transaction:
    """One mail on its way in."""

    def __init__(self, desk: Desk, reverse_path: str) -> None:
        self.recipients: list[str] = []
        self.fault: Fault | None = None
        self._desk = desk
        self._mood = desk.mood
        self._reverse_path = reverse_path

    def rcpt(self, path: str, now: float) -> Answer:
        """Answer one RCPT; `path` is what stood inside the angle brackets."""
        wording = self._mood.wording
        local, _, domain = path.rpartition("@")
        quoted = local.startswith('"')
        bare = _QUOTED.sub(r"\1", local[1:-1]) if quoted else local
        address = f"{bare}@{domain}"
        if not local or not self._takes_form(quoted, bare):
            return self._refuse(wording.syntax, address)
        if not self._desk.serves(domain.lower()):
            return self._refuse(wording.relay, address)
        return self._meet(address, self._desk.fault(address, now))

    def _takes_form(self, quoted: bool, bare: str) -> bool:
        if self._mood.forms is Forms.BOTH or not _IRREGULAR.search(bare):
            return True
        return quoted == (self._mood.forms is Forms.QUOTED)

    def _meet(self, address: str, fault: Fault | None) -> Answer:
        if fault in AT_RCPT:
            return self._refuse(getattr(self._mood.wording, fault.value), address)
        if fault is Fault.RESET:
            return Answer(end=End.RESET)
        self.fault = fault or self.fault
        self.recipients.append(address)
        pause = self._mood.slow_seconds if fault is Fault.SLOW else 0.0
        return Answer(reply(self._mood.wording.rcpt), pause=pause)

    def _refuse(self, text: str, address: str) -> Answer:
        if text.startswith("4"):
            self._desk.ledger.counters.deferred += 1
        else:
            self._desk.ledger.counters.refused_recipients += 1
        return Answer(reply(text.format(address=address)))

    def finish(self, content: bytes, session: int, now: float, *, tls: bool) -> Answer:
        """Answer the end of the data; what is kept is in the ledger before the answer exists."""
        wording = self._mood.wording
        if len(content) > self._mood.max_size:
            return self._turn_down(wording.too_big)
        if self.fault is Fault.FILTERED:
            return self._turn_down(wording.filtered)
        if self.fault is Fault.EODFAIL:
            return self._turn_down(wording.eodfail)
        mail = self._mail(content, session, now, tls=tls)
        self._desk.ledger.receive(mail, content)
        return self._receipt(mail)

    def _turn_down(self, text: str) -> Answer:
        counters = self._desk.ledger.counters
        if text.startswith("4"):
            counters.deferred += 1
        else:
            counters.refused_messages += 1
        return Answer(reply(text.format(address=self.recipients[0])))

    def _mail(self, content: bytes, session: int, now: float, *, tls: bool) -> Mail:
        return Mail(
            serial=self._desk.serial(),
            carrier=self._desk.name,
            reverse_path=self._reverse_path,
            recipients=tuple(self.recipients),
            at=now,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            session=session,
            tls=tls,
        )

    def _receipt(self, mail: Mail) -> Answer:
        if self.fault is Fault.LOSTREPLY:
            return Answer(end=End.CLOSE)
        if self.fault is Fault.SILENT:
            return Answer(end=End.MUTE)
        return Answer(reply(self._mood.wording.accepted.format(serial=mail.serial)), mail=mail)
