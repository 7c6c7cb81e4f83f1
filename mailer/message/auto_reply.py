"""What is a guardian told who answered to a school's address?

That nobody reads it and whom to phone, in a few plain words that are ours or the school's: of the mail that is answered
nothing is repeated but its Message-ID, not even the subject that RFC 3834 §3.1.5 would add, so that nobody has his
words carried to a stranger under a school's name. It is brief, in plain text (RFC 3834 §3.2) and marked as automatic
for every kind of answering machine; it has no Precedence, for the reason in `compose`. The same bytes at every attempt.
"""

from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from mailer.domain.school import School
from mailer.message import header
from mailer.message.compose import FOOTER, Draft
from mailer.message.sign import KeyName, Seal, Shared
from mailer.message.text import clean_text
from mailer.smtp.address import Address

SUBJECT = "自動返信：このアドレスは送信専用です（{school}）"
TEXT = """\
{school}からの連絡メールのアドレスに、メールをいただきました。

このアドレスは送信専用です。いただいたメールを学校は読んでいません。
{call}

このメールは自動でお送りしています（同じ方へは1日に1回まで）。ご返信は不要です。
"""
CLOSED = "{school}は閉校しました。"
MERGED = "現在は{successor}です。\n"
CALL = "欠席の連絡やお急ぎのご用件は、{school}に電話でお知らせください。"
PHONE = "\n電話：{phone}"


@dataclass(frozen=True, slots=True)
class Answered:
    """The mail that is answered: `to` is its reverse-path, `message_id` its own or empty.

    `name` is the left side of the notice's Message-ID, `at` its date (aware).
    """

    to: Address
    message_id: str
    name: str
    at: datetime


def draft(school: School, successor: School, answered: Answered, keys: Sequence[KeyName]) -> Draft:
    """Return the notice that lacks only its signatures; `successor` is the school that is phoned: mostly the same.

    Raises ValueError without a key to sign with.
    """
    domain = school.address.rpartition("@")[2]
    fields = _fields(school, answered, domain)
    body = encodebytes(_text(school, successor).replace("\n", "\r\n").encode()).replace(b"\n", b"\r\n")
    seal = Seal(Shared(domain, school.address, int(answered.at.timestamp()), fields, (), body), keys)
    body_hash, digests = seal.digests(b"", b"")
    return Draft(digests, b"".join(fields) + b"\r\n" + body, body_hash, seal)


def _fields(school: School, answered: Answered, domain: str) -> tuple[bytes, ...]:
    thread = () if not answered.message_id else ("In-Reply-To", "References")
    return (
        header.named("From", school.name, f"<{school.address}>"),
        b"To: <%b>\r\n" % answered.to.header.encode(),
        header.unstructured("Subject", SUBJECT.format(school=school.name)),
        header.plain("Date", format_datetime(answered.at)),
        header.plain("Message-ID", f"<{answered.name}@{domain}>"),
        *(_reference(name, answered.message_id) for name in thread),
        header.plain("Auto-Submitted", "auto-replied"),
        header.plain("X-Auto-Response-Suppress", "All"),
        header.plain("MIME-Version", "1.0"),
        header.plain("Content-Type", "text/plain; charset=utf-8"),
        header.plain("Content-Transfer-Encoding", "base64"),
    )


def _reference(name: str, message_id: str) -> bytes:
    fits = len(name) + 2 + len(message_id) <= header.LINE
    return header.plain(name, message_id if fits else f"\r\n {message_id}")


def _text(school: School, successor: School) -> str:
    own = school.replies.text or TEXT.format(school=school.name, call=_call(school, successor))
    return clean_text(own).rstrip("\n") + "\n\n" + FOOTER.format(school=school.name)


def _call(school: School, successor: School) -> str:
    if successor.closed_on is not None:
        return CLOSED.format(school=school.name)
    moved = CLOSED.format(school=school.name) + MERGED.format(successor=successor.name)
    phone = successor.replies.phone
    said = CALL.format(school=successor.name) + (PHONE.format(phone=phone) if phone else "")
    return said if successor is school else moved + said
