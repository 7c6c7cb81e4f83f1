"""Is a mail taken apart, however damaged, and never at more cost than the limits allow?"""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.mime.entity import MOST_PARTS, decode_words, read_mail, read_parameters


def types(content: bytes) -> list[str]:
    return [entity.media_type for entity in read_mail(content).entities()]


def test_what_the_standard_library_writes_is_read() -> None:
    message = EmailMessage()
    message["Subject"] = "配信できませんでした " * 5
    message.set_content("本文です\n", charset="iso-2022-jp")
    message.add_attachment(b"<xml/>", maintype="application", subtype="xml", filename="報告.xml")
    mail = read_mail(message.as_bytes())
    text, attachment = mail.children
    assert mail.words("subject").strip() == ("配信できませんでした " * 5).strip()
    assert text.text() == "本文です\n"
    assert attachment.content() == b"<xml/>"


def test_line_ends_make_no_difference() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\n"
    assert types(content) == types(content.replace(b"\n", b"\r\n")) == ["multipart/mixed", "text/plain", "text/html"]


def test_a_boundary_that_is_not_said_is_found() -> None:
    content = (
        b"Content-Type: multipart/report\n\n--xyz\nContent-Type: message/delivery-status\n\nAction: failed\n--xyz--\n"
    )
    assert types(content) == ["multipart/report", "message/delivery-status"]


def test_a_mail_in_a_mail_is_entered_and_headers_alone_too() -> None:
    content = (
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\ntext\n"
        b"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <1@x>\n--b--\n"
    )
    found = list(read_mail(content).entities())
    assert found[2].field("subject") == "in"
    assert found[4].field("message-id") == "<1@x>"


def test_a_line_of_a_mailbox_file_is_passed_over() -> None:
    assert read_mail(b"From a@b Thu Apr 29\nSubject: s\n\nx").field("subject") == "s"


def test_a_base64_part_that_is_cut_off_gives_what_is_there() -> None:
    mail = read_mail(b"Content-Transfer-Encoding: base64\n\naGVsbG8gd29ybGQ")
    assert mail.content() == b"hello world"


def test_parameters_are_read() -> None:
    value = 'Multipart/Report; report-type="a;b\\"c"; Boundary=xyz; charset*=utf-8'
    assert read_parameters(value) == (
        "multipart/report",
        {"report-type": 'a;b"c', "boundary": "xyz", "charset": "utf-8"},
    )


def test_words_are_decoded_and_damage_stays() -> None:
    assert decode_words("=?UTF-8?B?44Gr?= =?UTF-8?Q?=E3=82=83?= a =?nonsense") == "にゃ a =?nonsense"


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 200_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
        b"Content-Type: message/rfc822\n\n" * 100_000,
        b"Subject: " + b"=?utf-8?q?a?= " * 100_000 + b"\n\n",
        b"Content-Type: text/plain" + b"; a*0*=x" * 100_000 + b"\n\n",
        b"Cc: " + b'"' * 1_000_000 + b"\n\n",
        b"X-Y: a\n" * 300_000 + b"\n",
        b"Subject: x\n" + b" y\n" * 500_000 + b"\n",
        b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * 500_000,
    ],
    ids=["parts", "depth", "mails", "words", "parameters", "quotes", "fields", "folds", "soft breaks"],
)
def test_hostile_mails_cost_little(content: bytes) -> None:
    began = time.process_time()
    mail = read_mail(content)
    found = list(mail.entities())
    for entity in found:
        entity.text(), entity.words("subject"), entity.filename
    assert len(found) <= MOST_PARTS
    assert time.process_time() - began < 3


@given(st.binary(max_size=2000))
def test_every_bytes_give_a_mail(content: bytes) -> None:
    for entity in read_mail(content).entities():
        assert isinstance(entity.text(), str)
