"""Is the notice one that a guardian understands, that a receiver can verify, and that no answering machine answers?"""

import email
import email.policy
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from email.message import EmailMessage

import pytest

from mailer.clock import JAPAN
from mailer.domain.answering import Replies
from mailer.domain.school import School
from mailer.message.auto_reply import Answered, draft
from mailer.message.onward import onward
from mailer.message.sign import KeyName
from mailer.message.signer import Signer
from mailer.mime.automatic import is_automatic
from mailer.mime.entity import read_mail
from mailer.smtp.address import parse_address
from tests.message.conftest import DOMAIN

SCHOOL = School("t-daiichi", "滝川第一小学校", f"t-daiichi@{DOMAIN}", "takikawa", "elementary", 0)
PHONED = replace(SCHOOL, replies=Replies(phone="0125-22-0000"))
ANSWERED = Answered(
    parse_address("a..b@docomo.ne.jp"), "<x.1@docomo.ne.jp>", "s1", datetime(2026, 4, 10, 15, tzinfo=JAPAN)
)
Write = Callable[..., bytes]


@pytest.fixture
def write(signers: Sequence[Signer]) -> Write:
    """Write a signed notice."""
    keys = [KeyName(signer.selector, signer.algorithm) for signer in signers]

    def one(school: School = PHONED, successor: School | None = None, answered: Answered = ANSWERED) -> bytes:
        unsigned = draft(school, successor or school, answered, keys)
        return unsigned.signed([signer.sign(digest) for signer, digest in zip(signers, unsigned.digests, strict=True)])

    return one


def read(mail: bytes) -> EmailMessage:
    return email.message_from_bytes(mail, _class=EmailMessage, policy=email.policy.default)


def text_of(mail: bytes) -> str:
    return str(read(mail).get_content()).replace("\r\n", "\n")


def test_it_says_whom_to_phone(write: Write) -> None:
    text = text_of(write())
    assert "このアドレスは送信専用です。" in text
    assert "滝川第一小学校に電話でお知らせください。\n電話：0125-22-0000\n" in text
    assert text.endswith("----------\n滝川第一小学校（児童見守りシステム）\n")
    assert "電話：" not in text_of(write(SCHOOL))


def test_a_closed_school_names_the_one_that_took_its_children(write: Write) -> None:
    closed = replace(SCHOOL, name="旧小学校", closed_on=date(2026, 3, 31), merged_into="t-daiichi")
    text = text_of(write(closed, PHONED))
    assert "旧小学校は閉校しました。現在は滝川第一小学校です。\n" in text
    assert "滝川第一小学校に電話でお知らせください。\n電話：0125-22-0000\n" in text
    alone = text_of(write(replace(closed, merged_into=None)))
    assert "旧小学校は閉校しました。" in alone
    assert "電話" not in alone


def test_a_school_may_say_it_in_its_own_words(write: Write) -> None:
    own = replace(SCHOOL, replies=Replies(text="職員室まで。\x07"))
    assert text_of(write(own)).startswith("職員室まで。\u2407\n\n----------\n")


def test_its_fields_are_those_of_an_automatic_reply(write: Write) -> None:
    mail = read(write())
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert (mail["In-Reply-To"], mail["References"]) == ("<x.1@docomo.ne.jp>", "<x.1@docomo.ne.jp>")
    assert (mail["Subject"], mail["Message-ID"]) == (
        "自動返信：このアドレスは送信専用です（滝川第一小学校）",
        f"<s1@{DOMAIN}>",
    )
    assert mail["From"].addresses[0].addr_spec == SCHOOL.address
    assert b'\r\nTo: <"a..b"@docomo.ne.jp>\r\n' in write()
    assert mail["Date"].datetime == ANSWERED.at
    assert [mail[name] for name in ("Reply-To", "Precedence", "Cc")] == [None, None, None]
    assert is_automatic(read_mail(write()))


def test_without_a_message_id_it_refers_to_nothing(write: Write) -> None:
    mail = read(write(answered=replace(ANSWERED, message_id="")))
    assert (mail["In-Reply-To"], mail["References"]) == (None, None)


def test_both_signatures_hold(write: Write, dkimpy: Callable[[bytes], list[bool]]) -> None:
    assert dkimpy(write()) == [True, True]
    assert dkimpy(write(answered=replace(ANSWERED, message_id=f"<{'a' * 100}@{'b' * 100}>"))) == [True, True]
    assert dkimpy(write().replace(b"auto-replied", b"no")) == [False, False]


def test_every_line_fits_and_every_attempt_has_the_same_bytes(write: Write) -> None:
    mail = write()
    assert mail == write()
    assert len(mail) < 4096
    assert mail.isascii()
    assert max(map(len, mail.split(b"\r\n"))) <= 78
    assert mail.count(b"\n") == mail.count(b"\r\n") == mail.count(b"\r")


def test_unsigned_it_does_not_leave() -> None:
    with pytest.raises(ValueError, match="key"):
        draft(SCHOOL, SCHOOL, ANSWERED, [])


def test_what_is_handed_on_is_as_it_came_but_for_our_mark() -> None:
    rest = b"Received: from x ([192.0.2.1])\r\n\tby y\r\nReturn-Path: <z@z>\r\nFrom: a\r\n\r\nbody \xff\r\n"
    mark = f"Delivered-To: {SCHOOL.address}\r\n".encode()
    assert onward(b"Return-Path: <hanako@docomo.ne.jp>\r\n" + rest, SCHOOL.address) == mark + rest
    assert onward(rest, SCHOOL.address) == mark + rest
