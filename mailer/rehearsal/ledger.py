"""What did a simulated receiver really take?

`received` is noted when the final dot (or the last BDAT chunk) is in, `answered` after the 250 was given to
the network: a mail that was received and not answered is one that the sender could not know of. The journal
is a JSON-lines file that several ledgers share, one line per recipient. `received` lines are handed to the
system before the replies, so that no mail that was answered is missing there, even if the process is killed.
"""

import json
import os
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that came in whole. `at` in seconds since 1970; `sha256` in hexadecimal, of the unstuffed content."""

    serial: int
    carrier: str
    reverse_path: str
    recipients: tuple[str, ...]
    at: float
    size: int
    sha256: str
    session: int
    tls: bool


@dataclass(slots=True)
class Counters:
    """What happened at one receiver, in numbers."""

    sessions: int = 0
    connections: int = 0
    most_connections: int = 0
    most_messages: int = 0
    commands: int = 0
    refused_recipients: int = 0
    refused_messages: int = 0
    deferred: int = 0
    throttled: int = 0
    resets: int = 0
    tls_sessions: int = 0
    first_at: float = 0.0
    last_at: float = 0.0


class Journal:
    """The file that ledgers write through to, or none (path None)."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lines: list[str] = []

    def note(self, kind: str, **values: Any) -> None:
        """Add a line; it is handed to the system by the next `flush`."""
        if self._file is not None:
            self._lines.append(_encode({"kind": kind, **values}))

    def flush(self) -> None:
        """Hand all lines to the system: they outlive this process, though not a power cut."""
        if self._lines and self._file is not None:
            os.write(self._file, ("\n".join(self._lines) + "\n").encode(errors="backslashreplace"))
            self._lines.clear()

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Ledger:
    """All that one receiver took; `keep` contents are kept (the last ones; None keeps all)."""

    def __init__(self, carrier: str, journal: Journal | None = None, *, keep: int | None = 0) -> None:
        self.carrier = carrier
        self.journal = journal or Journal(None)
        self.counters = Counters()
        self.received: list[Mail] = []
        self.answered: list[Mail] = []
        self.contents: deque[tuple[Mail, bytes]] = deque(maxlen=keep)

    def receive(self, mail: Mail, content: bytes) -> None:
        """Note a mail whose end is in, before any reply to it."""
        self.received.append(mail)
        if self.contents.maxlen != 0:
            self.contents.append((mail, content))
        for address in mail.recipients:
            self.journal.note(
                "received",
                carrier=mail.carrier,
                serial=mail.serial,
                address=address,
                at=mail.at,
                size=mail.size,
                sha256=mail.sha256,
            )

    def answer(self, mails: Sequence[Mail], at: float) -> None:
        """Note that the 250 of these mails was given to the network."""
        self.answered.extend(mails)
        self.counters.first_at = self.counters.first_at or at
        self.counters.last_at = at
        for mail in mails:
            for address in mail.recipients:
                self.journal.note("answered", carrier=mail.carrier, serial=mail.serial, address=address, at=at)

    def copies(self) -> Counter[tuple[str, str]]:
        """Return how often each (recipient, sha256) was received: more than 1 is a real duplicate."""
        return Counter((address, mail.sha256) for mail in self.received for address in mail.recipients)
