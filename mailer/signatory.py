"""How do processes that speak to strangers get their mail signed without having a key?

The mailer's parent alone reads the private keys. Each worker has a socket to it: it sends selectors and digests by the
handful and gets signatures back. A thread for each worker signs; RSA lets go of the interpreter, so all cores sign. It
is always some mails ahead, so the workers go first: a receiver that has answered is not kept waiting.

A request is a line with the number of mails and the selectors, and then one SHA-256 digest for each mail and selector;
the answer is its length in four octets, and for each digest in the same order a length of two octets and the signature.
Length 0: there is no such key.
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from socket import socket
from struct import Struct
from typing import IO

log = logging.getLogger(__name__)

BEHIND = 5
DIGEST_OCTETS = 32
LONGEST_LINE = 4096
#: A handful takes some milliseconds. Who has not got it by then asks a thread that hangs.
LONGEST_SECONDS = 60.0
ALL, ONE = Struct("!I"), Struct("!H")
Sign = Callable[[str, bytes], bytes]


def serve(connection: socket, sign: Sign) -> None:
    """Sign for the worker at the other end until it is gone, in a thread of its own."""
    threading.Thread(target=_serve, args=(connection, sign), name="signatory", daemon=True).start()


def _serve(connection: socket, sign: Sign) -> None:
    _step_behind()
    with connection, connection.makefile("rb") as requests:
        try:
            while line := requests.readline(LONGEST_LINE):
                connection.sendall(_answer(line, requests, sign))
        except OSError as gone:
            log.info("a worker no longer wants signatures: %s", gone)
        except Exception:
            # The worker ends in order when its socket does, and is started again.
            log.exception("nothing more is signed for a worker")


def _step_behind() -> None:
    """Let the workers go before this thread (to Linux, threads have priorities of their own)."""
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + BEHIND)


def _answer(line: bytes, requests: IO[bytes], sign: Sign) -> bytes:
    number, *selectors = line.decode("ascii").split()
    answer = bytearray()
    for _ in range(int(number)):
        for selector in selectors:
            signature = sign(selector, requests.read(DIGEST_OCTETS))
            answer += ONE.pack(len(signature)) + signature
    return ALL.pack(len(answer)) + answer


class Signatory:
    """The worker's end: asks for signatures, one handful at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    @classmethod
    async def at(cls, connection: socket) -> "Signatory":
        """Return the signatory at the other end of a socket."""
        return cls(*await asyncio.open_connection(sock=connection))

    async def sign(self, selectors: Sequence[str], digests: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
        """Return the signatures of mails: for each of them one of each selector, empty where there is no such key.

        Raises OSError or EOFError when the parent is gone or hangs, and ever after.
        """
        request = b"%d %b\n" % (len(digests), " ".join(selectors).encode("ascii"))
        request += b"".join([digest for mail in digests for digest in mail])
        async with self._turn:
            signatures = iter(_split(await self._answer(request)))
        return [[next(signatures) for _ in selectors] for _ in digests]

    async def _answer(self, request: bytes) -> bytes:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                self._writer.write(request)  # in one piece: each wakes the parent
                (length,) = ALL.unpack(await self._reader.readexactly(ALL.size))
                return await self._reader.readexactly(length)
        except BaseException:
            # An answer that still comes must not be taken for the one to the next request.
            self._writer.transport.abort()
            raise

    def close(self) -> None:
        """Ask no more."""
        self._writer.close()


def _split(answer: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(answer):
        (length,) = ONE.unpack_from(answer, place)
        place += ONE.size + length
        yield answer[place - length : place]
