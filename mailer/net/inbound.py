"""Who takes mail in on port 25?

`Inbound` listens and leads one `InboundSession` per connection. It stores nothing and knows no store: the house
brings its policy and its `take`. Nothing here ever causes a mail, so no loop can begin here.
"""

import asyncio
import logging
from collections.abc import Sequence
from socket import socket

from mailer.net.inbound_conversation import Conversation
from mailer.net.inbound_doors import Doors, Limits, who_gives_way
from mailer.net.inbound_log import Scarce
from mailer.net.inbound_session import House, InboundSession

CLOSE_SECONDS = 10.0
LINE_SECONDS = 1.0


class Inbound:
    """The listener and its open sessions; `nobody_inside` is set while there are none."""

    def __init__(self, house: House, limits: Limits) -> None:
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd writes envelope addresses at INFO
        self._house = house
        self._limits = limits
        self.lines = Scarce(LINE_SECONDS)
        self._doors = Doors(limits)
        self._servers: list[asyncio.Server] = []
        self._sessions: set[Conversation] = set()
        self.nobody_inside = asyncio.Event()
        self.nobody_inside.set()

    async def start(self, sockets: Sequence[socket]) -> None:
        """Listen on these sockets, which are ours from now on."""
        loop = asyncio.get_running_loop()
        for each in sockets:
            self._servers.append(await loop.create_server(self._open, sock=each))

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Take no new peers; let mail under way be stored and answered for `seconds`, then drop what is left."""
        for server in self._servers:
            server.close()
        for session in tuple(self._sessions):
            session.finish()
        try:
            async with asyncio.timeout(seconds):
                await self.nobody_inside.wait()
        except TimeoutError:
            for session in tuple(self._sessions):
                session.drop()
            await self.nobody_inside.wait()

    def came(self, conversation: Conversation) -> None:
        """Note a session that began."""
        self._sessions.add(conversation)
        self.nobody_inside.clear()

    def left(self, conversation: Conversation) -> None:
        """Note a session that ended."""
        self._sessions.discard(conversation)
        if not self._sessions:
            self.nobody_inside.set()

    def make_room(self, newcomer: str, now: float) -> bool:
        """Let a peer from this address have the place of one who does nothing with it; return whether there is one."""
        guests = [session for session in self._sessions if session.has_place]
        chosen = who_gives_way(guests, newcomer, now, self._doors.patience)
        if chosen is not None:
            chosen.give_way()
        return chosen is not None

    def _open(self) -> InboundSession:
        return InboundSession(self._house, self._limits, self._doors, self)
