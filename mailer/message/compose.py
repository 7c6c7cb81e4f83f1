"""Which bytes does the guardian get?

Plain text in UTF-8 and base64 with lines of 76 (RFC 2045 §6.8): whatever staff paste fits, no server on the way has a
reason to change it, and every attempt has the same bytes. A letter is composed, canonicalised and hashed once
(`Frozen`); a mail adds its To, its Message-ID, the lines around its receipt URL, and its signatures.

Auto-Submitted and List-Id keep answering machines quiet (RFC 3834 §5, RFC 2919). There is no Precedence field:
RFC 3834 §3.1.8 does not recommend it, and servers that heed it treat `bulk` as mail that can wait.
"""

from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from mailer.message import header
from mailer.message.sign import KeyName, Seal, Shared
from mailer.message.text import check_name, check_subject, clean_text
from mailer.smtp.address import Address

#: What every letter ends with. Not the signature line `-- `: some phones fold away what follows it, the URL too.
FOOTER = "----------\n{school}（児童見守りシステム）\n"
RECEIPT = "\n▼受信確認（下のURLを開いてください）\n"
BASE64_LINE = 57  # octets that fill a line of 76 characters


@dataclass(frozen=True, slots=True)
class Letter:
    """A text as one school sends it to many: what all its mails share.

    `from_address` is the school's address in `domain`, `date` the time of announcing (aware; written in its zone).
    `receipt` tells whether each mail carries a receipt URL. TextError for a subject or name that must not go out,
    ValueError for a date without a zone. The text is cleaned when it is composed.
    """

    announcement_id: str
    from_name: str
    from_address: str
    subject: str
    text: str
    date: datetime
    domain: str
    receipt: bool

    def __post_init__(self) -> None:
        check_subject(self.subject)
        check_name(self.from_name)
        if self.date.tzinfo is None:
            raise ValueError("the date of a letter needs a zone")


class Frozen:
    """A letter made ready once for all its recipients; the same input gives the same bytes, always."""

    def __init__(self, letter: Letter, keys: Sequence[KeyName]) -> None:
        """Encode, canonicalise and hash all that the mails share; raise ValueError without a key to sign with."""
        fields = _fields(letter)
        body, self._rest = _body(letter)
        self._receipt = letter.receipt
        self._domain = letter.domain.encode("ascii")
        self._shared = b"".join(fields) + b"\r\n" + body
        self._seal = Seal(
            Shared(
                domain=letter.domain,
                identity=letter.from_address,
                at=int(letter.date.timestamp()),
                fields=fields,
                own=("To", "Message-ID"),
                body=body,
            ),
            keys,
        )

    def draft(self, to: Address, message_id_left: str, receipt_url: str | None) -> "Draft":
        """Return one mail that lacks only its signatures.

        `message_id_left` is a dot-atom (RFC 5322 §3.6.4), another one for each recipient. ValueError unless a URL is
        given exactly where the letter asks for receipts.
        """
        if (receipt_url is not None) != self._receipt:
            raise ValueError("a receipt URL belongs to every mail of a letter with receipts, and to no other")
        tail = b"" if receipt_url is None else _base64(self._rest + receipt_url.encode("ascii") + b"\r\n")
        recipient = to.header.encode()
        message_id = b"<%b@%b>" % (message_id_left.encode("ascii"), self._domain)
        body_hash, digests = self._seal.digests(b"to:%b\r\nmessage-id:%b\r\n" % (recipient, message_id), tail)
        content = b"To: %b\r\nMessage-ID: %b\r\n%b%b" % (recipient, message_id, self._shared, tail)
        return Draft(digests, content, body_hash, self._seal)


@dataclass(slots=True)
class Draft:
    """One complete mail but for its signatures; `digests` are to be signed, one for each key of its letter."""

    digests: Sequence[bytes]
    content: bytes
    body_hash: bytes
    seal: Seal

    def signed(self, signatures: Sequence[bytes], *, at_any_rate: bool = False) -> bytes:
        """Return the mail with CRLF line ends; an empty signature is of a key that nobody has.

        Raises ValueError if all are, or, unless it has to leave `at_any_rate`, those of all RSA keys.
        """
        return self.seal.fields(self.body_hash, signatures, at_any_rate=at_any_rate) + self.content


def _fields(letter: Letter) -> tuple[bytes, ...]:
    """Return the header fields that all mails share, each exactly once."""
    school, _, _ = letter.from_address.partition("@")
    return (
        header.named("From", letter.from_name, f"<{letter.from_address}>"),
        header.unstructured("Subject", letter.subject),
        header.plain("Date", format_datetime(letter.date)),
        header.plain("MIME-Version", "1.0"),
        header.plain("Content-Type", "text/plain; charset=utf-8"),
        header.plain("Content-Transfer-Encoding", "base64"),
        header.named("List-Id", letter.from_name, f"<{school}.{letter.domain}>"),
        header.plain("Auto-Submitted", "auto-generated"),
        header.plain("Feedback-ID", f"{letter.announcement_id}:{school}:mimamori"),
    )


def _body(letter: Letter) -> tuple[bytes, bytes]:
    """Return the base64 lines that all mails share, and the octets before the URL that fill no line."""
    text = clean_text(letter.text).rstrip("\n") + "\n\n" + FOOTER.format(school=letter.from_name)
    if not letter.receipt:
        return _base64(_octets(text)), b""
    octets = _octets(text + RECEIPT)
    cut = len(octets) - len(octets) % BASE64_LINE
    return _base64(octets[:cut]), octets[cut:]


def _octets(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def _base64(octets: bytes) -> bytes:
    return encodebytes(octets).replace(b"\n", b"\r\n")
