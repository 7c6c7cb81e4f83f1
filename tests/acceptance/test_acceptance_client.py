"""Do servers that nobody here wrote understand the SMTP client, in each of the ways in which it speaks?

By BDAT (Postfix, Exim), by DATA with the next mail's flight behind the final dot (Postfix without CHUNKING), and in
lock step (Postfix without PIPELINING, OpenSMTPD).
"""

import pytest

from mailer.smtp.reply import Stage
from tests.acceptance import exim, opensmtpd, postfix
from tests.acceptance.conftest import Town
from tests.acceptance.handing import hand_over, transaction
from tests.acceptance.jail import wait_until

DOORS = {
    "postfix by BDAT": (postfix.PLAIN, "docomo.ne.jp"),
    "postfix by DATA": (postfix.DATA_ONLY, "data.example"),
    "postfix in lock step": (postfix.LOCK_STEP, "lockstep.example"),
    "exim": (exim.DOOR, exim.DOMAIN),
    "opensmtpd": (opensmtpd.DOOR, opensmtpd.DOMAIN),
}
doors = pytest.mark.parametrize("door", DOORS)

BODIES = {
    "lone dots": b".\r\n..\r\n...\r\n.a\r\n. \r\n",
    "a dot at the end": b"text\r\n.\r\n",
    "what ends DATA": b"a\r\n.\r\nMAIL FROM:<x@y>\r\n.\r\n",
    "nothing": b"",
    "empty lines at the end": b"text\r\n\r\n\r\n",
    "the longest lines": b"a" * 998 + b"\r\n" + b"." * 998 + b"\r\n",
    "8-bit text": "校門の近くで。\r\n.先頭の点\r\n".encode(),
    "From at the beginning": b"From here\r\n",
}


def content(body: bytes, name: str) -> bytes:
    """Return a mail with this body that no server has to complete; the name tells it apart from any other."""
    fields = [
        "From: t-daiichi@mail.mimamori-iwamizawa.jp",
        "To: taro@example.jp",
        f"Subject: {name}",
        "Date: Wed, 08 Apr 2026 15:20:00 +0900",
        f"Message-ID: <{name.replace(' ', '.')}@mail.mimamori-iwamizawa.jp>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    return "".join(f"{field}\r\n" for field in fields).encode() + b"\r\n" + body


def arrived(town: Town, sent: bytes) -> int:
    """Return how often a mail lies somewhere, byte for byte below what the server wrote on top."""
    return sum(mail.endswith(b"\n" + sent.replace(b"\r\n", b"\n")) for mail in town.mails())


@doors
def test_any_content_arrives_as_it_was(town: Town, door: str) -> None:
    address, domain = DOORS[door]
    mails = [content(body, f"{door} {name}") for name, body in BODIES.items()]
    facts = hand_over(address, town.port, [transaction(mail, f"taro@{domain}") for mail in mails])
    assert [fact.accepted for (fact,) in facts] == [True] * len(mails)
    wait_until(lambda: [arrived(town, mail) for mail in mails] == [1] * len(mails), 10, town.mails)


@doors
def test_many_mails_of_one_session_each_have_their_own_answer(town: Town, door: str) -> None:
    address, domain = DOORS[door]
    names = ["unknown" if number % 5 == 3 else "taro" for number in range(40)]
    mails = [content(b"text\r\n", f"{door} number {number}") for number in range(len(names))]
    sent = [transaction(mail, f"{name}@{domain}") for mail, name in zip(mails, names, strict=True)]
    facts = hand_over(address, town.port, sent)
    assert [fact.accepted for (fact,) in facts] == [name == "taro" for name in names]
    assert {(fact.stage, fact.reply and fact.reply.code) for (fact,) in facts if not fact.accepted} == {
        (Stage.RCPT, 550)
    }
    expected = [int(name == "taro") for name in names]
    wait_until(lambda: [arrived(town, mail) for mail in mails] == expected, 10)


@doors
def test_one_mail_to_several_has_an_answer_for_each(town: Town, door: str) -> None:
    address, domain = DOORS[door]
    mail = content(b"text\r\n", f"{door} several")
    nobody = transaction(content(b"text\r\n", f"{door} nobody"), f"unknown.one@{domain}", f"unknown.two@{domain}")
    several = transaction(mail, f"taro@{domain}", f"unknown.one@{domain}", f"hanako@{domain}")
    facts = hand_over(address, town.port, [nobody, several, nobody, several])
    assert [[fact.accepted for fact in one] for one in facts] == [[False] * 2, [True, False, True]] * 2


@pytest.mark.parametrize("local", ["a..b", "abc.", ".abc"])
def test_opensmtpd_refuses_an_irregular_local_part_and_goes_on(town: Town, local: str) -> None:
    mail = content(b"text\r\n", "irregular")
    sent = [transaction(mail, f"{name}@{opensmtpd.DOMAIN}") for name in (local, "taro")]
    refused, taken = hand_over(opensmtpd.DOOR, town.port, sent)
    assert refused[0].reply is not None
    assert (refused[0].stage, refused[0].reply.code) == (Stage.RCPT, 501)
    assert taken[0].accepted
