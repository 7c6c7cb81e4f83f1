"""Do servers that nobody here wrote take what answers to a school lead to, and what if they return it?"""

import smtplib
import tomllib
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import verdicts
from tests.acceptance.appliance import Appliance
from tests.acceptance.conftest import Town
from tests.acceptance.jail import wait_until

SCHOOL = "t-nishi@mail.mimamori-iwamizawa.jp"
GUARDIAN = "taro@docomo.ne.jp"
#: A mailbox whose mail Postfix takes and returns later.
MAILBOX = "moved@docomo.ne.jp"
SCHOOLS = f"""
[replies]
forward_to = "{MAILBOX}"
[[school]]
code = "t-nishi"
name = "西小学校"
city = "takikawa"
kind = "elementary"
"""


@pytest.fixture(scope="module")
def notice(town: Town) -> bytes:
    """The notice that lies in the guardian's mailbox."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = GUARDIAN, SCHOOL, "Re: x", "<answer@docomo.ne.jp>"
    mail.set_content("ありがとうございます。")
    (listen,) = tomllib.loads(town.appliance.configuration.read_text())["inbound"]["listen"]
    host, _, port = listen.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=20) as port25:
        assert port25.send_message(mail, GUARDIAN, [SCHOOL]) == {}
    wait_until(lambda: _notices(town), 60, town.appliance.log)
    (found,) = _notices(town)
    return found


def _notices(town: Town) -> list[bytes]:
    return [mail for mail in town.mails() if b"\nAuto-Submitted: auto-replied" in mail and GUARDIAN.encode() in mail]


def test_the_notice_is_verified_by_others_and_cannot_come_back(town: Town, notice: bytes) -> None:
    assert verdicts.dkimpy(notice, town.keys) == [True, True]
    assert b"Return-Path: <>" in notice
    assert b"In-Reply-To: <answer@docomo.ne.jp>" in notice


def test_a_copy_that_a_real_server_returns_is_marked_and_leads_to_nothing(
    town: Town, notice: bytes, tmp_path: Path
) -> None:
    (tmp_path / "schools.toml").write_text(SCHOOLS, encoding="utf-8")
    other = Appliance(tmp_path)
    extra = f'[schools]\nfile = "{tmp_path}/schools.toml"\n'
    other.configuration.write_text(town.appliance.configuration.read_text() + extra)
    (answer,) = _answers(town)
    made = other.run("replies", "forward", answer["name"])
    wait_until(lambda: _answer(town, made["name"])["state"] == "returned", 60, town.appliance.log)
    returned = _answer(town, made["name"])
    assert (returned["recipient"], returned["attempts"], returned["possible_copies"]) == (MAILBOX, 1, 0)
    assert len(_answers(town)) == 2
    assert len(_notices(town)) == 1


def _answers(town: Town) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = town.appliance.run("replies", "list", "--all", "--school", "t-nishi")
    return found


def _answer(town: Town, name: str) -> dict[str, Any]:
    return next(one for one in _answers(town) if one["name"] == name)
