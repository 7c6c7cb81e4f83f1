"""How is a mail read whose writer may mean harm?

By a process that can do nothing else (`mailer.sealed_room`), one mail after another. One that has read others may have
died between two mails, or be held up or worn out by what came before: where it fails, a new one is asked. If that one
dies over the mail or takes too long, the mail stays unread for good. A process that does not even begin is no mail's
fault.
"""

import asyncio
import contextlib
import logging
import os
import pickle
import sys
from asyncio.subprocess import PIPE, Process

from pydantic import TypeAdapter, ValidationError

from mailer.bounce.rulebook import Rulebook
from mailer.sealed_room import LENGTH, READY, Findings

log = logging.getLogger(__name__)

PROGRAM = ("-m", "mailer.sealed_room")
START_SECONDS = 60.0
#: The process itself ends after five seconds of a core; beside others these may take longer.
READ_SECONDS = 20.0
LONGEST_ANSWER = 16 * 1024 * 1024
ANSWER = TypeAdapter(Findings)
#: How a process that has died, or hangs, shows; the last is what uvloop raises where a pipe was closed before.
BROKEN = (TimeoutError, OSError, EOFError, RuntimeError)


class Unreadable(Exception):
    """The reader died over this mail, took too long, or answered with nonsense."""


class NoReader(Exception):
    """No process that reads can be had now."""


class SealedRoom:
    """One process that reads; it is started with the first mail, and again after it ended."""

    def __init__(self, book: Rulebook, seconds: float = READ_SECONDS) -> None:
        self._book = pickle.dumps(book)
        self._seconds = seconds
        self._process: Process | None = None

    async def read(self, content: bytes) -> Findings:
        """Return what a mail says; raises Unreadable or NoReader."""
        if self._process is not None:
            try:
                return await self._ask(self._process, content)
            except Unreadable as failure:
                log.warning("the process that reads mail failed, a new one is asked: %s", failure)
        return await self._ask(await self._open(), content)

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, process: Process, content: bytes) -> Findings:
        try:
            async with asyncio.timeout(self._seconds):
                return ANSWER.validate_json(await _asked(process, content))
        except (*BROKEN, ValidationError) as error:
            raise Unreadable(await self._ended(error)) from error

    async def _open(self) -> Process:
        environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", *PROGRAM, stdin=PIPE, stdout=PIPE, env=environment
            )
            async with asyncio.timeout(START_SECONDS):
                said = await _asked(self._process, self._book)
        except BROKEN as error:
            raise NoReader(await self._ended(error)) from error
        if said != READY:
            raise NoReader(await self._ended(ValueError("it did not say that it is ready")))
        return self._process

    async def _ended(self, error: Exception) -> str:
        """End a process that failed, and say how it did."""
        process = self._process
        await self.close()
        reason = str(error) or type(error).__name__
        return reason if process is None else f"{reason}; status {process.returncode}"


async def _asked(process: Process, message: bytes) -> bytes:
    assert process.stdin
    assert process.stdout
    process.stdin.write(LENGTH.pack(len(message)) + message)
    await process.stdin.drain()
    (octets,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    if octets > LONGEST_ANSWER:
        raise EOFError(f"an answer of {octets} octets")
    return await process.stdout.readexactly(octets)
