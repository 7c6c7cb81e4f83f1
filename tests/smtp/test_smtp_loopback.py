"""Does a real SMTP server that no one here wrote take our mails, in plain and over TLS?"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailer.smtp import envelope as ours
from mailer.smtp.address import parse_address
from mailer.smtp.client import Client, Closed, Event, Ready, Settled, StartTls

CONTENT = "Subject: test\r\n\r\n.\r\n..dots\r\nÜmlaut, 試験\r\n".encode()


class Mailbox:
    """An aiosmtpd handler that keeps what it takes, and refuses the local part `nobody`."""

    def __init__(self, offers: tuple[str, ...]) -> None:
        self.mails: list[tuple[list[str], bytes]] = []
        self.over_tls: list[bool] = []
        self._offers = [f"250-{offer}" for offer in offers]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *self._offers, responses[-1]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append((list(envelope.rcpt_tos), envelope.content))
        self.over_tls.append(session.ssl is not None)
        return "250 2.0.0 taken"


class Edge(asyncio.Protocol):
    """The least that connects a client to a socket."""

    def __init__(self, client: Client, work: list[ours.Transaction], context: ssl.SSLContext | None) -> None:
        self._client = client
        self._work = work
        self._context = context
        self.events: list[Event] = []
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._obey(self._client.receive(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._obey(self._client.eof())
        if not self.done.done():
            self.done.set_result(None)

    def _obey(self, events: list[Event]) -> None:
        self.events += events
        while self._client.room and self._work:
            self.events += self._client.send(self._work.pop(0))
        if not self._work:
            self._client.quit()
        self._transport.write(self._client.outgoing())
        if any(isinstance(event, StartTls) for event in events):
            self._handshake = asyncio.get_running_loop().create_task(self._start_tls())
        if any(isinstance(event, Closed) for event in events):
            self._transport.close()

    async def _start_tls(self) -> None:
        assert self._context is not None
        loop = asyncio.get_running_loop()
        upgraded = await loop.start_tls(self._transport, self, self._context, server_hostname="localhost")
        assert upgraded is not None
        self._transport = upgraded
        self._client.tls_established()
        self._transport.write(self._client.outgoing())


@asynccontextmanager
async def listening(mailbox: Mailbox, context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve the mailbox on loopback; yield the port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="mx.example", enable_SMTPUTF8=True, tls_context=context, loop=loop),
        "127.0.0.1",
        0,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def deliver(work: list[ours.Transaction], port: int, context: ssl.SSLContext | None) -> list[Event]:
    """Hand everything over in one session; return all events."""
    loop = asyncio.get_running_loop()
    client = Client("mail.example.jp", starttls=context is not None)
    _, edge = await loop.create_connection(lambda: Edge(client, work, context), "127.0.0.1", port)
    await asyncio.wait_for(edge.done, 10)
    return edge.events


def work() -> list[ours.Transaction]:
    recipients = [["taro@x.example"], ["nobody@x.example"], ["a..b@x.example", "nobody@x.example"], ["山田@x.example"]]
    return [
        ours.Transaction(
            ours.Envelope(
                ours.ReversePath(parse_address("b-1@mail.example.jp")),
                tuple(ours.ForwardPath(parse_address(text)) for text in texts),
            ),
            CONTENT,
        )
        for texts in recipients
    ]


EXPECTED = [
    [("eod", 250)],
    [("rcpt", 550)],
    [("eod", 250), ("rcpt", 550)],
    [("eod", 250)],
]


def ends(events: list[Event]) -> list[list[tuple[str, int]]]:
    return [
        [(fact.stage.value, fact.reply.code if fact.reply else 0) for fact in event.facts]
        for event in events
        if isinstance(event, Settled)
    ]


@pytest.mark.parametrize("offers", [(), ("PIPELINING",)], ids=["lock step", "pipelined"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_aiosmtpd_takes_our_mails(offers: tuple[str, ...], tls: bool) -> None:
    server_context = client_context = None
    if tls:
        authority = trustme.CA()
        server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(server_context)
        client_context = ssl.create_default_context()
        authority.configure_trust(client_context)
    mailbox = Mailbox(offers)
    async with listening(mailbox, server_context) as port:
        events = await deliver(work(), port, client_context)
    assert ends(events) == EXPECTED
    assert [recipients for recipients, _ in mailbox.mails] == [
        ["taro@x.example"],
        ["a..b@x.example"],
        ["山田@x.example"],
    ]
    assert [content for _, content in mailbox.mails] == [CONTENT] * 3
    assert mailbox.over_tls == [tls] * 3
    assert events[-1] == next(event for event in events if isinstance(event, Closed))
    assert isinstance(events[-1], Closed)
    assert events[-1].failure == ""
    assert sum(isinstance(event, Ready) for event in events) == 1
