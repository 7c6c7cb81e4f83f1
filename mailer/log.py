"""What does a log line look like?

`2026-11-24T09:15:02.123+09:00 info mailer.dispatcher: text`: English, ASCII, one line a record whatever
it quotes (control characters and line breaks of a far server are escaped, so nobody can forge a line).
From INFO upwards every address is shortened (`t***o@docomo.ne.jp`), also those in quoted replies.
"""

import logging
import re
import sys
from datetime import datetime

from mailer.clock import JAPAN

#: Libraries that would write addresses or chatter at INFO.
QUIET = ("aiosmtpd", "mail.log", "mail.debug", "mail.error", "asyncio", "uvicorn.access", "httpx")

_ADDRESS = re.compile(r"""(?:"(?:[^"\\]|\\.){0,320}"|[^\s<>"'(),:;=\[\]@]{1,320})@[\w.-]+""")
_CONTROL = {number: f"\\x{number:02x}" for number in (*range(32), 127)} | {9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\"}


def shorten(address: str) -> str:
    """Return an address with its local part cut to the first and last character: `t***o@docomo.ne.jp`."""
    local, at, domain = address.rpartition("@")
    bare = local.strip('"')
    ends = (bare[0], bare[-1]) if len(bare) > 2 else ("", "")
    return f"{ends[0]}***{ends[1]}{at}{domain}"


class LineFormatter(logging.Formatter):
    """One ASCII line for each record, without clear addresses from INFO upwards."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback is folded into it."""
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}: {self.formatException(record.exc_info)}"
        if record.levelno >= logging.INFO:
            text = _ADDRESS.sub(lambda found: shorten(found.group()), text)
        at = datetime.fromtimestamp(record.created, JAPAN).isoformat(timespec="milliseconds")
        line = f"{at} {record.levelname.lower()} {record.name}: {text.translate(_CONTROL)}"
        return line.encode("ascii", "backslashreplace").decode("ascii")


def set_up(level: int = logging.INFO) -> None:
    """Send every record from `level` upwards to stderr as one line; may be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
