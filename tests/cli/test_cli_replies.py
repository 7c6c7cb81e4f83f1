"""Does an operator see what guardians wrote to the schools, and can he hand it on?"""

import pytest

from mailer.inbound_app import keeper
from mailer.net.inbound_policy import Recipient
from mailer.net.inbound_session import Mail
from mailer.store.writer import Writer
from tests.cli.town import Town
from tests.inbound.test_inbound_app import read_what_came

DOMAIN = "mail.mimamori-iwamizawa.jp"
MAIL = f"""\
From: =?utf-8?B?5ruL5bed6Iqx5a2Q?= <hanako@docomo.ne.jp>
To: t-daiichi@{DOMAIN}
Subject: =?utf-8?B?5qyg5bit44GX44G+44GZ?=
Content-Type: text/plain; charset=utf-8

熱があるので欠席します。\x1b[31m
"""
SCHOOLS = """
[replies]
forward_to = "office@city.example.jp"
[[school]]
code = "t-daiichi"
name = "滝川第一小学校"
city = "takikawa"
kind = "elementary"
"""


async def came(town: Town, sender: str = "hanako@docomo.ne.jp") -> bytes:
    """Let a mail come to the school; return what is kept of it."""
    content = MAIL.replace("\n", "\r\n").encode()
    with town.office() as office:
        writer = Writer()
        mail = Mail(
            sender, (Recipient(f"t-daiichi@{DOMAIN}"),), "192.0.2.1", b"Return-Path: <x>\r\n", 1, lambda: content
        )
        await keeper(office, writer, lambda: None)(mail)
        await read_what_came(office, writer)
        writer.close()
    return b"Return-Path: <x>\r\n" + content


async def test_answers_are_listed_and_shown(town: Town) -> None:
    assert town.done("replies", "list") == "There is none.\n"
    content = await came(town)
    await came(town, sender="")
    (waiting,) = town.json("replies", "list")
    assert (waiting["name"], waiting["kind"], waiting["state"]) == ("S1", "notice", "waiting")
    kept, _ = town.json("replies", "list", "--all", "--school", "t-daiichi")
    assert (kept["name"], kept["state"], kept["reason"]) == ("S2", "kept", "no_sender")
    assert town.json("replies", "list", "--all", "--school", "t-daini") == []
    assert "It has no sender who could be answered" in town.done("replies", "list", "--all")
    shown = town.done("replies", "show", "s1")
    assert "滋川花子 <hanako@docomo.ne.jp>" in shown
    assert "欠席します" in shown
    assert "熱があるので欠席します。" in shown
    assert "\x1b" not in shown
    assert town.json("replies", "show", "S1")["subject"] == "欠席します"
    assert town.type("replies", "show", "S1", "--raw").stdout_bytes == content


async def test_a_mail_that_is_no_bounce_says_from_whom_it_came(town: Town) -> None:
    await came(town)
    (line,) = [one for one in town.done("bounce", "list").splitlines() if "ordinary mail" in one]
    assert f"from hanako@docomo.ne.jp to t-daiichi@{DOMAIN}" in line
    shown = town.done("bounce", "show", "1")
    assert line in shown
    assert "Subject: =?utf-8?B?5qyg5bit44GX44G+44GZ?=" in shown
    assert town.done("bounce", "list", "-abc@ezweb.ne.jp") == "No such mail came in.\n"
    assert "bounce list" in town.type("bounce", "show", "2").stderr


async def test_an_answer_is_handed_on(town: Town) -> None:
    await came(town)
    refused = town.type("replies", "forward", "S1")
    assert (refused.exit_code, "forward_to" in refused.stderr) == (1, True)
    file = town.write("schools.toml", SCHOOLS)
    town.write("mimamori.toml", town.config.read_bytes() + f'[schools]\nfile = "{file}"\n'.encode())
    assert town.done("replies", "forward", "S1") == "S1 goes to office@city.example.jp as S2.\n"
    assert town.json("replies", "show", "S2")["recipient"] == "office@city.example.jp"
    again = town.type("replies", "forward", "S1")
    assert (again.exit_code, "on its way" in again.stderr) == (1, True)
    entry = town.json("audit", "list")[0]
    assert (entry["action"], "S2" in entry.values()) == ("replies.forward", True)


@pytest.mark.parametrize("name", ["S", "Q1", "S-1", "1", "Sx", "S" + "1" * 16])
def test_what_is_no_name_is_refused(town: Town, name: str) -> None:
    assert town.type("replies", "show", name).exit_code == 2


def test_a_name_that_nothing_has_is_refused(town: Town) -> None:
    refused = town.type("replies", "show", "S99")
    assert (refused.exit_code, "mimamori replies list" in refused.stderr) == (1, True)
