"""How many transactions a second does the SMTP client alone carry?

Run: `python tests/bench/smtp_client.py [transactions]`. The far side is a function that answers at once in memory,
so the figure is the client's own time on one core: no socket, no loop, no signature.
"""

import sys
import time
from collections.abc import Callable

from mailer.smtp.address import parse_address
from mailer.smtp.client import Client, Settled
from mailer.smtp.envelope import Envelope, ForwardPath, ReversePath, Transaction

CONTENT = b"".join(b"%02d " % line + b"x" * 73 + b"\r\n" for line in range(52))  # 4,056 octets
OFFERS = {
    "lock step": b"250 mx\r\n",
    "PIPELINING": b"250-mx\r\n250-SIZE 10485760\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    "PIPELINING CHUNKING": b"250-mx\r\n250-SIZE 10485760\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n",
}


def transactions(count: int) -> list[Transaction]:
    """Return transactions as a broadcast has them: each to its own recipient with its own reverse-path."""
    paths = (
        Envelope(
            ReversePath(parse_address(f"b-{number:x}-0123456789abcdef@mail.example.jp")),
            (ForwardPath(parse_address(f"guardian{number}@docomo.example")),),
        )
        for number in range(count)
    )
    return [Transaction(envelope, CONTENT) for envelope in paths]


class Far:
    """A server that accepts everything; it reads only as much as it takes to answer."""

    def __init__(self, offer: bytes) -> None:
        self._offer = offer
        self._in_content = False

    def answer(self, data: bytes) -> bytes:
        """Return the replies to what the client wrote."""
        answers = []
        start = 0
        while start < len(data):
            if self._in_content:
                start = data.index(b"\r\n.\r\n", start) + 5
                self._in_content = False
                answers.append(b"250 2.0.0 Ok: queued as 4F1A2B3C\r\n")
                continue
            end = data.index(b"\r\n", start) + 2
            verb = data[start : start + 4]
            if verb == b"BDAT":
                end += int(data[start:end].split()[1])
            self._in_content = verb == b"DATA"
            answers.append(self._offer if verb == b"EHLO" else _ANSWERS[verb])
            start = end
        return b"".join(answers)


_ANSWERS = {
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b"BDAT": b"250 2.0.0 Ok: 4056 bytes queued as 4F1A2B3C\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
}


def run(offer: bytes, work: list[Transaction]) -> float:
    """Carry all the work over one session; return the seconds that the client took, the server's left out."""
    client = Client("mail.example.jp", starttls=True)
    far = Far(offer)
    waiting = iter(work)
    spent = 0.0
    settled = 0
    answer = b"220 mx ESMTP\r\n"
    while True:
        begun = time.perf_counter()
        events = client.receive(answer)
        while client.room and (transaction := next(waiting, None)) is not None:
            client.send(transaction)
        data = client.outgoing()
        _ = client.waiting
        spent += time.perf_counter() - begun
        settled += sum(isinstance(event, Settled) and event.facts[0].accepted for event in events)
        if settled == len(work):
            return spent
        answer = far.answer(data)
        if not answer:
            raise RuntimeError("client and server wait for each other")


def main(count: int, tell: Callable[[str], None] = print) -> None:
    """Measure each way to speak over ten sessions; tell their median and their best."""
    sessions = [transactions(count // 10) for _ in range(10)]
    for name, offer in OFFERS.items():
        rates = sorted(len(work) / run(offer, work) for work in sessions)
        tell(f"{name:20} {rates[5]:8,.0f} transactions/s (best {rates[-1]:,.0f}, {1e6 / rates[-1]:.1f} us each)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
