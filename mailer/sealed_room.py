"""What may a process still do while it reads what strangers wrote? Nothing but that.

A program of its own, which `mailer.sealed` starts. It gets the rules to read by, loads what reading may ever need, and
shuts itself in: from then on it can open no file and no connection, start no process and write no file, and it gets
256 MiB and five seconds of a core for a mail (attacks A14). It reads one mail after another from its standard input
and answers in JSON on its standard output; whatever goes wrong ends it.
"""

import contextlib
import encodings
import json
import math
import os
import pickle
import pkgutil
import resource
import signal
import struct
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import IO

from mailer.bounce.event import ReadMail
from mailer.bounce.parse import said_by
from mailer.bounce.rulebook import Rulebook
from mailer.mime.correspondence import Correspondence, read_correspondence
from mailer.mime.entity import read_mail
from mailer.report import received
from mailer.report.received import Received

#: Each message between the two is its length and its octets.
LENGTH = struct.Struct("!I")
READY = b"ready"
MEMORY_OCTETS = 256 * 1024 * 1024
CPU_SECONDS = 5
NICER = 5
#: What is read once before the door is shut, so that nothing is left to be loaded.
TRIAL = (
    b"Subject: =?iso-2022-jp?b?GyRCO24kNxsoQg==?=\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\n\r\nFailed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
    b"Final-Recipient: rfc822; nobody@mx.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
)


@dataclass(frozen=True, slots=True)
class Findings:
    """What is read out of a mail: what it says of the mail it speaks of, a report, and its header."""

    said: ReadMail
    reported: Received | None
    correspondence: Correspondence


def findings(content: bytes, book: Rulebook) -> Findings:
    """Read one mail, whole as it came in."""
    mail = read_mail(content)
    return Findings(said_by(mail, book), received.inside(mail), read_correspondence(mail))


def main() -> None:
    """Read mails until nobody gives one any more."""
    _leave_the_end_to_who_asks()
    mails, answers = sys.stdin.buffer, sys.stdout.buffer
    book: Rulebook = pickle.loads(_take(mails) or b"")  # from who started us, before any stranger had a word
    _load_everything(book)
    _shut()
    _give(answers, READY)
    while (content := _take(mails)) is not None:
        _allow_time()
        _give(answers, json.dumps(asdict(findings(content, book)), default=_plain).encode())


def _leave_the_end_to_who_asks() -> None:
    """Heed no signal that stops a service: it comes to all its processes, and the mail under way would be blamed."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _plain(value: object) -> object:
    """Return what JSON has for a value: a list for a set, its words for a time."""
    return list(value) if isinstance(value, frozenset) else str(value)


def _load_everything(book: Rulebook) -> None:
    """Load what is else loaded when it is first needed: any charset may be named by a mail."""
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(ImportError):  # those of other operating systems
            import_module(f"encodings.{module.name}")
    findings(TRIAL, book)


def _shut() -> None:
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.nice(NICER)
    with open("/proc/self/statm", encoding="ascii") as sizes:
        have = int(sizes.read().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_AS: have + MEMORY_OCTETS,
        resource.RLIMIT_NOFILE: 3,  # those that are open stay open
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))


def _allow_time() -> None:
    """Give the next mail its share of a core; who takes more is ended by the kernel."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def _take(source: IO[bytes]) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (octets,) = LENGTH.unpack(head)
    return source.read(octets)


def _give(target: IO[bytes], message: bytes) -> None:
    target.write(LENGTH.pack(len(message)) + message)
    target.flush()


if __name__ == "__main__":
    main()
