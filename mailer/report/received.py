"""Which report about our mail does a mail bring?

That of a receiver about DMARC (RFC 7489, RFC 9990) or of a sender about TLS (RFC 8460 §5.3). No structure of the mail
is asked for: the first part that looks like a report, by its media type, by its name, or by its first bytes, and can be
read, is it. Never raises: a mail that brings none is an ordinary one.
"""

from mailer.mime.entity import Entity, read_mail
from mailer.report import dmarc, tls_received
from mailer.report.dmarc import DmarcReport
from mailer.report.tls_received import TlsReceived
from mailer.report.unpack import is_packed, unpack
from mailer.report.unreadable import Unreadable

Received = DmarcReport | TlsReceived

#: A mail with more attachments than these is about something else.
MOST_TRIED = 5
_SPACE = b" \t\r\n\xef\xbb\xbf\xff\xfe\0"
_TYPES = ("gzip", "zip", "xml", "json")
_ENDINGS = (".xml", ".json", ".gz", ".zip")


def read(content: bytes) -> Received | None:
    """Return the report in a mail; None if there is none that can be read."""
    return inside(read_mail(content))


def inside(mail: Entity) -> Received | None:
    """Return the report in a mail that was taken apart already."""
    parts = [part for part in mail.entities() if _may_be(part)]
    for part in parts[:MOST_TRIED]:
        try:
            return read_file(part.content())
        except Unreadable:
            continue
    return None


def read_file(content: bytes) -> Received:
    """Return the report that a file is, packed or not. Raises Unreadable."""
    file = unpack(content)
    begin = file[:64].lstrip(_SPACE)
    if begin.startswith(b"<"):
        return dmarc.read(file)
    if begin.startswith(b"{"):
        return tls_received.read(file)
    raise Unreadable("it is neither XML nor JSON")


def _may_be(part: Entity) -> bool:
    if part.media_type.startswith(("multipart/", "message/")):
        return False
    named = part.media_type.endswith(_TYPES) or part.filename.lower().endswith(_ENDINGS)
    return named or _is_octets_of_a_report(part)


def _is_octets_of_a_report(part: Entity) -> bool:
    if part.media_type.startswith("text/"):
        return False
    content = part.content()
    return is_packed(content) or content[:64].lstrip(_SPACE).startswith((b"<?xml", b"<feedback", b"{"))
