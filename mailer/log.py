"""What does a log line look like?

`2026-11-24T09:15:02.123+09:00 info mailer.dispatcher: text`: English, ASCII, one line a record whatever
it quotes (control characters and line breaks of a far server are escaped, so nobody can forge a line).
From INFO upwards every address is shortened (`t***o@docomo.ne.jp`), also those in quoted replies. Warnings and errors
of one kind come at most once a second, with the number of those kept back: no trouble fills the disk.
"""

import logging
import sys
from datetime import datetime

from mailer.clock import JAPAN
from mailer.smtp.quoted import replace_addresses

#: Libraries that would write addresses or chatter at INFO.
QUIET = ("aiosmtpd", "mail.log", "mail.debug", "mail.error", "asyncio", "uvicorn.access", "httpx")

PAUSE_SECONDS = 1.0

_CONTROL = {number: f"\\x{number:02x}" for number in (*range(32), 127)} | {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}


def shorten(address: str) -> str:
    """Return an address with its local part cut to the first and last character: `t***o@docomo.ne.jp`."""
    local, at, domain = address.rpartition("@")
    return _shortened(local, f"{at}{domain}")


def _shortened(local: str, rest: str) -> str:
    bare = local.strip('"')
    ends = (bare[0], bare[-1]) if len(bare) > 2 else ("", "")
    return f"{ends[0]}***{ends[1]}{rest}"


class LineFormatter(logging.Formatter):
    """One ASCII line for each record, without clear addresses from INFO upwards."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback is folded into it."""
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}: {self.formatException(record.exc_info)}"
        if kept_back := getattr(record, "kept_back", 0):
            text = f"{text} ({kept_back} more like it before)"
        if record.levelno >= logging.INFO:
            text = replace_addresses(text, _shortened)
        at = datetime.fromtimestamp(record.created, JAPAN).isoformat(timespec="milliseconds")
        line = f"{at} {record.levelname.lower()} {record.name}: {text.translate(_CONTROL)}"
        return line.encode("ascii", "backslashreplace").decode("ascii")


class Throttle(logging.Filter):
    """Lets one warning or error of a kind (the same place's same sentence) pass in each second."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record passes; one that does knows how many were kept back before it."""
        if record.levelno < logging.WARNING:
            return True
        kind = (record.pathname, record.lineno)
        at, kept_back = self._passed.get(kind, (0.0, 0))
        if abs(record.created - at) < PAUSE_SECONDS:
            self._passed[kind] = (at, kept_back + 1)
            return False
        self._passed[kind] = (record.created, 0)
        record.kept_back = kept_back
        return True


def set_up(level: int = logging.INFO) -> None:
    """Send every record from `level` upwards to stderr as one line; may be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    handler.addFilter(Throttle())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
