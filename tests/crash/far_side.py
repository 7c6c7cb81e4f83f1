"""Which receivers stop the mailer at a chosen moment of their talk?

`python -m tests.crash.far_side --journal FILE` serves d01.example … d06.example on loopback, as a process of its own,
and prints one line of JSON with its ports. Odd ones take BDAT, every third one speaks TLS. It obeys lines of JSON:

`{"do": "trap", "stage": S, "nth": N, "pids": [...]}`: when stage S comes for the N-th time, these processes are stopped
(SIGSTOP) before this one goes on, `{"sprung": S, "speaker": PID}` is said, and nobody is answered until `{"do": "go"}`.
`{"do": "leave"}` breaks everything off and listens no more; `{"do": "return"}` listens again at the same port.

The journal is written before a 250 (`received`) and after it (`answered`), one line per mail, and outlives everything.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailer.clock import system_clock
from mailer.rehearsal.certificate import server_context
from mailer.rehearsal.dns import DnsServer, Records
from mailer.rehearsal.ledger import Journal
from mailer.rehearsal.ports import PortTaken, on_one_port

#: Recipients of a broadcast by domain: the first has more than a site may claim at once.
SHARES = {1: 100, 2: 50, 3: 8, 4: 8, 5: 8, 6: 8}
#: The stages at which a trap may stand, and how often each surely comes in one broadcast over new connections.
STAGES = {
    "greeting": len(SHARES),
    "ehlo": len(SHARES),
    "starttls": 2,
    "handshake": 2,
    "mail": sum(SHARES.values()),
    "rcpt": sum(SHARES.values()),
    "data": sum(count for number, count in SHARES.items() if number % 2 == 0),
    "content": sum(count for number, count in SHARES.items() if number % 2 == 0),
    "chunk": sum(count for number, count in SHARES.items() if number % 2),
    "dot": sum(SHARES.values()),
    "answered": sum(SHARES.values()),
}
#: Those that come only with a new connection: what stands idle is cut off when the trap is set.
CONNECTING = ("greeting", "ehlo", "starttls", "handshake")
LIMIT = 4 * 1024 * 1024


def domain(number: int) -> str:
    """Return the name of a receiver."""
    return f"d{number:02}.example"


def addresses() -> list[str]:
    """Return everybody's address, the domains mixed."""
    return [f"guardian{n}@{domain(number)}" for number, count in SHARES.items() for n in range(count)]


class Orders:
    """What comes on standard input, and the one trap that may be set."""

    def __init__(self) -> None:
        self._buffer = b""
        self._stage = ""
        self._left = 0
        self._pids: list[int] = []

    def read(self) -> list[dict[str, Any]]:
        """Read once and return the whole orders; raises EOFError at the end."""
        data = os.read(0, 65536)
        if not data:
            raise EOFError
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def trap(self, stage: str, nth: int, pids: list[int]) -> None:
        """Set the trap; an empty stage takes it away."""
        self._stage, self._left, self._pids = stage, nth, pids

    def meet(self, stage: str, peer: tuple[str, int]) -> None:
        """Come to a stage; when the trap springs, nothing goes on until somebody says so."""
        if stage != self._stage:
            return
        self._left -= 1
        if self._left:
            return
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        self._stage = ""
        say(sprung=stage, speaker=speaker(peer, self._pids))
        while {"do": "go"} not in self.read():
            pass


def say(**words: object) -> None:
    """Print one line of JSON."""
    os.write(1, json.dumps(words).encode() + b"\n")


def speaker(peer: tuple[str, int], pids: list[int]) -> int:
    """Return which of these processes holds the socket at `peer`; 0 if none does."""
    host, port = peer
    wanted = f"{bytes(reversed([int(part) for part in host.split('.')])).hex().upper()}:{port:04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    names = {f"socket:[{fields[9]}]" for fields in sockets if fields[1] == wanted}
    for pid in pids:
        with contextlib.suppress(OSError):
            if any(os.readlink(handle) in names for handle in Path(f"/proc/{pid}/fd").iterdir()):
                return pid
    return 0


@dataclass(frozen=True)
class Receiver:
    """What one domain offers."""

    number: int
    orders: Orders
    journal: Journal
    think_seconds: float

    @property
    def capabilities(self) -> list[str]:
        """Return what EHLO is answered with in the clear."""
        offered = [domain(self.number), "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "SIZE 20971520"]
        return [*offered, *["CHUNKING"] * (self.number % 2), *["STARTTLS"] * (self.number % 3 == 0)]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak with one client until it or we have had enough."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await Talk(self, reader, writer).hold()
        writer.close()


class Talk:
    """One connection. A reply is on its way before the next command is read."""

    def __init__(self, receiver: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._receiver = receiver
        self._reader = reader
        self._writer = writer
        self._peer = writer.get_extra_info("peername")
        self._secure = False
        self._item = 0
        self._address = ""
        self._chunks: list[bytes] = []

    async def hold(self) -> None:
        """Greet, and answer one command after the other."""
        self._meet("greeting")
        self._reply(f"220 {domain(self._receiver.number)} ESMTP")
        while not self._writer.is_closing():
            line = (await self._reader.readuntil(b"\r\n")).decode()
            verb = line[:4].strip().upper()
            handler = getattr(self, f"_{verb.lower()}", None)
            if handler is None:
                self._reply("500 5.5.2 Error: command not recognized")
            else:
                await handler(line)

    def _meet(self, stage: str) -> None:
        self._receiver.orders.meet(stage, self._peer)

    def _reply(self, words: str) -> None:
        self._writer.write(words.encode() + b"\r\n")

    async def _ehlo(self, _: str) -> None:
        self._meet("ehlo")
        *most, last = [one for one in self._receiver.capabilities if not (self._secure and one == "STARTTLS")]
        self._reply("\r\n".join([*(f"250-{one}" for one in most), f"250 {last}"]))

    async def _star(self, _: str) -> None:
        self._meet("starttls")
        self._reply("220 2.0.0 Ready to start TLS")
        self._meet("handshake")
        await self._writer.start_tls(CONTEXT)
        self._secure = True

    async def _rset(self, _: str) -> None:
        self._reply("250 2.0.0 Ok")

    async def _quit(self, _: str) -> None:
        self._reply("221 2.0.0 Bye")
        self._writer.close()

    async def _mail(self, line: str) -> None:
        self._meet("mail")
        found = re.search(r"<b-([0-9a-f]+)-", line)
        self._item = int(found[1], 16) if found else 0
        self._chunks.clear()
        self._reply("250 2.1.0 Ok")

    async def _rcpt(self, line: str) -> None:
        self._meet("rcpt")
        self._address = line[line.index("<") + 1 : line.rindex(">")]
        self._reply("250 2.1.5 Ok")

    async def _data(self, _: str) -> None:
        self._meet("data")
        self._reply("354 End data with <CR><LF>.<CR><LF>")
        while (line := await self._reader.readuntil(b"\r\n")) != b".\r\n":
            self._chunks.append(line.removeprefix(b"."))
            if len(self._chunks) == 5:
                self._meet("content")
        await self._take()

    async def _bdat(self, line: str) -> None:
        size = int(line.split()[1])
        self._chunks.append(await self._reader.readexactly(size // 2))
        self._meet("chunk")
        self._chunks.append(await self._reader.readexactly(size - size // 2))
        if line.upper().split()[-1] == "LAST":
            await self._take()
        else:
            self._reply(f"250 2.0.0 {size} octets received")

    async def _take(self) -> None:
        """Keep the mail, say so, and note both."""
        content = b"".join(self._chunks)
        known = {"item": self._item, "address": self._address, "sha256": hashlib.sha256(content).hexdigest()}
        self._note("received", known)
        self._meet("dot")
        await asyncio.sleep(self._receiver.think_seconds)
        self._reply("250 2.0.0 Ok")
        self._note("answered", known)
        self._meet("answered")

    def _note(self, kind: str, known: dict[str, Any]) -> None:
        self._receiver.journal.note(kind, **known)
        self._receiver.journal.flush()


CONTEXT = server_context([f"mx.{domain(number)}" for number in SHARES], system_clock())


class FarSide:
    """All receivers and their name server."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.orders = Orders()
        self._journal = Journal(arguments.journal)
        self._think_seconds = arguments.think
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = arguments.port
        self._dns_port = arguments.dns

    async def serve(self) -> None:
        """Run until standard input ends."""
        self._port = await on_one_port(self._port, self._listen)
        names = DnsServer(_zone())
        await names.start(port=self._dns_port)
        say(port=self._port, dns=names.port)
        over = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def read() -> None:
            try:
                for order in self.orders.read():
                    tasks.add(asyncio.ensure_future(self._obey(order)))
            except EOFError:
                asyncio.get_running_loop().remove_reader(0)
                over.set()

        asyncio.get_running_loop().add_reader(0, read)
        await over.wait()
        self._leave()
        await names.stop()
        self._journal.close()

    async def _obey(self, order: dict[str, Any]) -> None:
        if order["do"] == "trap":
            if order["stage"] in CONNECTING:
                self._hang_up()
            self.orders.trap(order["stage"], order["nth"], order["pids"])
        elif order["do"] == "leave":
            self._leave()
        elif order["do"] == "return":
            await self._listen(self._port)
        say(done=order["do"])

    async def _listen(self, port: int) -> int:
        try:
            for number in SHARES:
                self._servers.append(await self._open(number, port))
                port = int(self._servers[-1].sockets[0].getsockname()[1])
        except OSError as error:
            self._leave()
            raise PortTaken(str(error)) from error
        return port

    async def _open(self, number: int, port: int) -> asyncio.Server:
        receiver = Receiver(number, self.orders, self._journal, self._think_seconds)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            await receiver.talk(reader, writer)
            self._writers.discard(writer)

        return await asyncio.start_server(talk, f"127.0.87.{number}", port, backlog=1024, limit=LIMIT)

    def _leave(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()
        self._hang_up()

    def _hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


def _zone() -> dict[str, Records]:
    zone = {}
    for number in SHARES:
        zone[domain(number)] = Records(mx=((10, f"mx.{domain(number)}"),))
        zone[f"mx.{domain(number)}"] = Records(a=(f"127.0.87.{number}",))
    return zone


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--think", type=float, default=0.003, help="seconds before each 250 to a mail")
    parser.add_argument("--port", type=int, default=0, help="0: one that is free")
    parser.add_argument("--dns", type=int, default=0, help="0: one that is free")
    asyncio.run(FarSide(parser.parse_args()).serve())


if __name__ == "__main__":
    main()
