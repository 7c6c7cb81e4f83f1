"""How is each command written, and how the content?

The command lines of RFC 5321 §4.1.1, with the parameters of SIZE (RFC 1870 §6), 8BITMIME (RFC 6152 §3),
SMTPUTF8 (RFC 6531 §3.4) and REQUIRETLS (RFC 8689), BDAT (RFC 3030 §2) and STARTTLS (RFC 3207 §4). Paths and
content are checked where they are made (`address`, `envelope`), so that no line here can become two. Raises ValueError
for a host name of ours that is none.
"""

from mailer.smtp.capabilities import Capabilities
from mailer.smtp.envelope import ForwardPath, ReversePath

DATA = b"DATA\r\n"
RSET = b"RSET\r\n"
QUIT = b"QUIT\r\n"
STARTTLS = b"STARTTLS\r\n"
DOT = b".\r\n"


def checked_hostname(hostname: str) -> bytes:
    """Return our name for EHLO (RFC 5321 §4.1.1.1) in bytes; ValueError where it would break the line."""
    if not hostname or not hostname.isascii() or not hostname.isprintable() or " " in hostname:
        raise ValueError(f"{hostname!r} cannot be said in EHLO")
    return hostname.encode("ascii")


def ehlo(hostname: bytes) -> bytes:
    """Return the greeting that asks for extensions."""
    return b"EHLO " + hostname + b"\r\n"


def helo(hostname: bytes) -> bytes:
    """Return the greeting for servers that know no EHLO (RFC 5321 §3.2)."""
    return b"HELO " + hostname + b"\r\n"


def mail(
    path: ReversePath, content: bytes, utf8: bool, capabilities: Capabilities, *, require_tls: bool = False
) -> bytes:
    """Return MAIL with what the server offered; the size counts CRLF and no stuffed dots (RFC 1870 §5)."""
    line = b"MAIL FROM:<" + path.wire() + b">"
    if capabilities.size is not None:
        line += b" SIZE=%d" % len(content)
    if capabilities.eight_bit_mime and not content.isascii():
        line += b" BODY=8BITMIME"
    if require_tls:
        line += b" REQUIRETLS"
    return line + (b" SMTPUTF8\r\n" if utf8 else b"\r\n")


def rcpt(path: ForwardPath) -> bytes:
    """Return RCPT for one forward-path."""
    return b"RCPT TO:<" + path.wire() + b">\r\n"


def bdat(content: bytes) -> bytes:
    """Return the one and last BDAT chunk, command and octets; nothing is stuffed in it (RFC 3030 §2)."""
    return b"BDAT %d LAST\r\n" % len(content) + content


def data(content: bytes) -> bytes:
    """Return the content with dots stuffed and the final dot behind it (RFC 5321 §4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..") + DOT
    return b"." + stuffed if content[0] == 0x2E else stuffed
