"""Which lines do we write on top of a mail that we keep?

Return-Path and Received (RFC 5321 §4.4), so that the stored copy tells by itself where it came from, and what was said
about delivery reports.
What the peer called itself is quoted with everything odd replaced: nobody writes header lines of ours.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

_ODD = re.compile(r"[^A-Za-z0-9.:\[\]_-]")


@dataclass(frozen=True, slots=True)
class Trace:
    """How one mail reached us; `protocol` is SMTP, ESMTP, or ESMTPS under TLS."""

    helo: str
    peer: str
    hostname: str
    protocol: str
    at: datetime

    def lines(self, reverse_path: str, words: Sequence[str] = ()) -> bytes:
        """Return the header fields, each line ended by CRLF."""
        helo = _ODD.sub("?", self.helo)[:255] or "?"
        literal = f"IPv6:{self.peer}" if ":" in self.peer else self.peer
        return (
            f"Return-Path: <{reverse_path}>\r\n"
            f"Received: from {helo} ([{literal}])\r\n"
            f"\tby {self.hostname} with {self.protocol};\r\n"
            f"\t{format_datetime(self.at)}\r\n" + "".join(f"X-DSN: {said}\r\n" for said in words)
        ).encode()
