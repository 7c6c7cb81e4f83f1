"""When do guardians open the receipt URL?

Whoever got a mail may open it after a while, over real HTTP with a phone's User-Agent. The delays are log-normal: most
people look within minutes, some in the evening; `haste` divides them. Chance is given from outside. A URL that leads
away from this machine is never opened.
"""

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random
from urllib.parse import urlsplit

from mailer.clock import Clock
from mailer.rehearsal.ledger import Journal, Mail
from mailer.rehearsal.moods import Mood

MEDIAN_SECONDS = 240.0
SPREAD = 1.2
AT_ONCE = 20
HTTP_SECONDS = 10.0
AGENT = "Mozilla/5.0 (Linux; Android 15; SO-53E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140 Mobile Safari/537.36"
_URL = re.compile(rb"https?://[^\s<>]+/r/[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class People:
    """What rules the guardians: chance, how much sooner than in life they look, and where visits are noted."""

    chance: Random
    haste: float
    journal: Journal
    clock: Clock


class Guardians:
    """Everybody who has mail with a receipt URL."""

    def __init__(self, people: People, mood_of: Callable[[str], Mood]) -> None:
        self._people = people
        self._mood_of = mood_of
        self._tasks: set[asyncio.Task[None]] = set()
        self._doors = asyncio.Semaphore(AT_ONCE)

    def got(self, mail: Mail, content: bytes) -> None:
        """A mail lies in a mailbox: perhaps its owner will open it."""
        url = receipt_url(content)
        people = self._people
        if url is None or people.chance.random() >= self._mood_of(mail.carrier).open_share:
            return
        delay = people.chance.lognormvariate(0.0, SPREAD) * MEDIAN_SECONDS / people.haste
        task = asyncio.get_running_loop().create_task(self._open(url, mail, delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Nobody opens anything any more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _open(self, url: str, mail: Mail, delay: float) -> None:
        await asyncio.sleep(delay)
        async with self._doors:
            status = await visit(url)
        if status == 200:
            at = self._people.clock().timestamp()
            self._people.journal.note("opened", carrier=mail.carrier, address=mail.recipients[0], at=at)
            self._people.journal.flush()


def receipt_url(content: bytes) -> str | None:
    """Return the receipt URL in a mail of ours (text in base64), or None."""
    _, _, body = content.partition(b"\r\n\r\n")
    try:
        found = _URL.search(base64.b64decode(body))
    except ValueError:
        return None
    return found[0].decode("ascii") if found else None


def on_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name; no name is looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def visit(url: str) -> int:
    """Open a URL on this machine and return the status, 0 if no answer came or the URL leads elsewhere."""
    parts = urlsplit(url)
    if not on_loopback(parts.hostname or ""):
        return 0
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: {AGENT}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(HTTP_SECONDS):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                writer.write(request.encode("ascii"))
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return 0
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
