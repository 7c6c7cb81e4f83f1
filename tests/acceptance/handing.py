"""How does the SMTP client hand mails to a server without anything of ours around it?

`mailer.smtp.client` has no socket; here it gets the plainest one there is.
"""

import socket
from collections.abc import Iterable

from mailer.smtp.address import parse_address
from mailer.smtp.client import Client, Closed, Ready, Settled
from mailer.smtp.envelope import Envelope, Fact, ForwardPath, ReversePath, Transaction

SECONDS = 20
SENDER = "b-1-x@mail.mimamori-iwamizawa.jp"


def transaction(content: bytes, *recipients: str) -> Transaction:
    """Return a mail for some recipients."""
    paths = tuple(ForwardPath(parse_address(recipient)) for recipient in recipients)
    return Transaction(Envelope(ReversePath(parse_address(SENDER)), paths), content)


def hand_over(address: str, port: int, transactions: Iterable[Transaction]) -> list[tuple[Fact, ...]]:
    """Hand mails over in one session without TLS; return the facts of each, in order. The session must end well."""
    waiting = list(transactions)
    client = Client("mail.mimamori-iwamizawa.jp", starttls=False)
    facts: list[tuple[Fact, ...]] = []
    ready = False
    with socket.create_connection((address, port), SECONDS) as connection:
        while True:
            data = connection.recv(65536)
            for event in client.receive(data) if data else client.eof():
                if isinstance(event, Ready):
                    ready = True
                elif isinstance(event, Settled):
                    facts.append(event.facts)
                elif isinstance(event, Closed):
                    assert not event.failure, event
                    return facts
            while ready and waiting and client.room:
                facts += [event.facts for event in client.send(waiting.pop(0)) if isinstance(event, Settled)]
            if ready and not waiting:
                client.quit()
            connection.sendall(client.outgoing())
