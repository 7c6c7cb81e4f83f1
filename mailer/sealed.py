"""How is a mail read whose writer may mean harm?

By a process that can do nothing else (`mailer.sealed_room`), one mail after another. If it dies over a mail or takes
too long, that mail stays unread for good, and the next one gets a new process; a process that does not even begin is
no mail's fault.
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
        process = self._process or await self._open()
        try:
            async with asyncio.timeout(self._seconds):
                return ANSWER.validate_json(await _asked(process, content))
        except (TimeoutError, OSError, EOFError, ValidationError) as error:
            raise Unreadable(await self._ended(error)) from error

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _open(self) -> Process:
        environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", *PROGRAM, stdin=PIPE, stdout=PIPE, env=environment
            )
            async with asyncio.timeout(START_SECONDS):
                said = await _asked(self._process, self._book)
        except (TimeoutError, OSError, EOFError) as error:
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
