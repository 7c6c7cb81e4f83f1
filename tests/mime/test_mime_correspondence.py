"""Is the header of a mail read as it is, and never believed or repeated where that would do harm?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.mime.correspondence import MOST_ADDRESSES, read_correspondence
from mailer.mime.entity import read_mail

SCHOOL = "t-daiichi@mail.mimamori-iwamizawa.jp"


def addressed(header: str) -> frozenset[str]:
    return read_correspondence(read_mail(f"{header}\r\n\r\ntext".encode())).addressed


@pytest.mark.parametrize(
    "header",
    [
        f"To: {SCHOOL}",
        f"to: <{SCHOOL.upper()}>",
        f'To: "Taro, Yamada" <taro@example.jp>,\r\n =?utf-8?B?5ruL?= <{SCHOOL}>',
        f"To: taro@example.jp\r\nCc: {SCHOOL} (school)",
        f"Bcc: schools: {SCHOOL};",
        f"Resent-To: {SCHOOL}",
        f"Resent-Cc: {SCHOOL}",
        f"To: a@b.example\r\nTo: {SCHOOL}",
    ],
)
def test_a_recipient_is_found_wherever_he_may_stand(header: str) -> None:
    assert SCHOOL in addressed(header)


@pytest.mark.parametrize(
    "header", [f"From: {SCHOOL}", f"Subject: {SCHOOL}", f"To: x{SCHOOL}", f"To: {SCHOOL}.example", "To: undisclosed:;"]
)
def test_nobody_else_is_taken_for_one(header: str) -> None:
    assert SCHOOL not in addressed(header)


def test_many_recipients_are_read_up_to_a_limit() -> None:
    fields = "\r\n".join(f"To: a{number}@example.jp" for number in range(2 * MOST_ADDRESSES))
    assert 0 < len(addressed(fields)) <= MOST_ADDRESSES


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("<abc.1@docomo.ne.jp>", "<abc.1@docomo.ne.jp>"),
        (" <20260410$x=y@[192.0.2.1]> ", "<20260410$x=y@[192.0.2.1]>"),
        ("", ""),
        ("abc@docomo.ne.jp", ""),
        ("<abc>", ""),
        ("<a@b> <c@d>", ""),
        ("<日本@example.jp>", ""),
        ("<a b@example.jp>", ""),
        (f"<{'a' * 300}@example.jp>", ""),
        ("<a@b\r\nBcc: x@y.example>", ""),
        ("<a@b>\r\n\tBcc: x@y.example", ""),
    ],
)
def test_only_a_plain_message_id_is_repeated(written: str, expected: str) -> None:
    assert read_correspondence(read_mail(f"Message-ID: {written}\r\n\r\n".encode())).message_id == expected


def test_where_it_has_been_is_read_from_its_marks() -> None:
    mail = read_mail(f"Delivered-To: {SCHOOL.title()}\r\nDelivered-To: box@city.example.jp\r\n\r\n".encode())
    assert read_correspondence(mail).delivered_to == {SCHOOL, "box@city.example.jp"}


def test_what_a_program_wrote_is_known() -> None:
    assert read_correspondence(read_mail(b"Auto-Submitted: auto-replied\r\n\r\n")).automatic
    assert not read_correspondence(read_mail(b"Subject: hello\r\n\r\n")).automatic


@given(st.binary(max_size=2000))
def test_anything_is_read(content: bytes) -> None:
    read_correspondence(read_mail(content))
