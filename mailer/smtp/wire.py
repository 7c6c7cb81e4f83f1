"""What waits to be written, and which replies are awaited?

Replies come in the order of the commands (RFC 2920 §3.2), so the awaited ones are one queue. An entry names the
stage, the exchange it belongs to (None where the reply decides about no mail), the index of the forward-path, and where
in all that we say its command and content end.
"""

from collections import deque

from mailer.smtp.event import Waiting
from mailer.smtp.exchange import Exchange
from mailer.smtp.reply import Stage

_EOD = Stage.EOD  # Python 3.11 looks an enum's member up more slowly than it calls a function

Awaited = tuple[Stage, Exchange | None, int, int]


class Wire:
    """Both directions of a connection, without a connection."""

    __slots__ = ("_ending", "_pieces", "_served", "_taken", "_written", "awaited", "gone")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._ending: list[Exchange] = []
        self._served = 0
        self._written = 0
        self._taken = 0
        self.gone = 0  # how much may have left the machine, as the edge said last
        self.awaited: deque[Awaited] = deque([(Stage.CONNECT, None, 0, 0)])

    @property
    def unsent(self) -> bool:
        """Tell whether something was written that the edge has not taken yet."""
        return bool(self._pieces)

    @property
    def waiting(self) -> Waiting | None:
        """Return the oldest reply awaited; its serial is the number of replies that came before it."""
        return Waiting(self._served, self.awaited[0][0]) if self.awaited else None

    def write(self, data: bytes, stage: Stage, exchange: Exchange | None = None, index: int = 0) -> None:
        """Append a command or content, and await its reply."""
        self._pieces.append(data)
        self._written += len(data)
        self.awaited.append((stage, exchange, index, self._written))
        if stage is _EOD and exchange is not None:
            self._ending.append(exchange)

    def keeps_back(self, octets: int) -> None:
        """Learn that so much of what the edge has taken has not left the machine."""
        self.gone = self._taken - octets

    def answered(self) -> Awaited:
        """Take the oldest awaited reply out: it has come."""
        self._served += 1
        return self.awaited.popleft()

    def take(self) -> bytes:
        """Return all that waits to be written. From now on the mails whose end is in it may have arrived."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._taken = self._written
        for exchange in self._ending:
            exchange.left = True
        self._ending.clear()
        return data

    def cut(self) -> None:
        """Forget everything: the connection is of no more use."""
        self._pieces.clear()
        self.awaited.clear()
