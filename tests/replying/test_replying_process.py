"""Does the whole appliance do with answers to schools what schools.toml says, and does a kill lose none?

Real processes as an operator runs them: mail comes to port 25, and what it leads to arrives at real receivers.
"""

import asyncio
import email
import email.policy
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import dkim
import pytest

from tests.appliance import Appliance
from tests.crash import tree
from tests.dispatcher.town import until
from tests.replying.world import CITY, PHONES, World, world

#: Each verb is a process of its own, and the machine may be busy.
pytestmark = pytest.mark.timeout(300)
DOMAIN = "mail.mimamori-iwamizawa.jp"
PHONE = f"hanako@{PHONES}"
MAILBOX = f"office@{CITY}"
MUTE_ONCE = f"silent-1-office@{CITY}"
SCHOOLS = f"""
[replies]
phone = "0125-22-0000"
[[school]]
code = "noticing"
name = "滝川第一小学校"
city = "takikawa"
kind = "elementary"
[[school]]
code = "forwarding"
name = "滝川第二小学校"
city = "takikawa"
kind = "elementary"
replies = "forward"
forward_to = "{MAILBOX}"
[[school]]
code = "mute"
name = "西小学校"
city = "takikawa"
kind = "elementary"
replies = "forward"
forward_to = "{MUTE_ONCE}"
[[school]]
code = "refusing"
name = "旧小学校"
city = "takikawa"
kind = "elementary"
closed_on = 2020-03-31
replies = "refuse"
"""
REPORT = """\
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.city.example

Final-Recipient: rfc822; office@city.example
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 Mailbox full

--b--
"""


@dataclass
class Town:
    """The appliance, and who is around it; verbs and mail run beside the loop in which the receivers answer."""

    appliance: Appliance
    world: World

    async def verb(self, *words: str) -> Any:
        """Type a verb."""
        return await asyncio.to_thread(self.appliance, *words)

    async def write(self, sender: str, *codes: str, **fields: str) -> dict[str, tuple[int, bytes]]:
        """Hand a mail to port 25; return which recipients were refused."""
        mail = EmailMessage()
        mail["From"], mail["To"] = sender or "MAILER-DAEMON@x.example", ", ".join(f"{code}@{DOMAIN}" for code in codes)
        mail["Message-ID"] = "<1@phones.example>"
        for name, value in fields.items():
            mail[name.replace("_", "-")] = value
        mail.set_content("了解しました。")
        return await self.hand_over(sender, [f"{code}@{DOMAIN}" for code in codes], mail.as_bytes())

    async def hand_over(self, sender: str, to: list[str], content: bytes) -> dict[str, tuple[int, bytes]]:
        """Speak SMTP to port 25."""

        def speak() -> dict[str, tuple[int, bytes]]:
            with smtplib.SMTP("127.0.0.1", self.appliance.inbound, timeout=20) as port25:
                try:
                    return port25.sendmail(sender, to, content)
                except smtplib.SMTPRecipientsRefused as refused:
                    return refused.recipients

        return await asyncio.to_thread(speak)

    async def arrived(self, address: str, count: int = 1) -> list[bytes]:
        """Wait until so many mails came for an address."""
        await until(lambda: len(self.world.got(address)) >= count, 90)
        return self.world.got(address)

    async def rows(self, count: int, **expected: object) -> list[dict[str, Any]]:
        """Wait until the newest of so many rows of `replies list` is as expected."""
        async with asyncio.timeout(90):
            while True:
                rows = await self.verb("replies", "list", "--all")
                if len(rows) == count and all(rows[0][name] == value for name, value in expected.items()):
                    return list(rows)
                await asyncio.sleep(0.2)


@asynccontextmanager
async def town(directory: Path) -> AsyncIterator[Town]:
    (directory / "schools.toml").write_text(SCHOOLS, encoding="utf-8")
    async with world() as there:
        extra = f'[schools]\nfile = "{directory}/schools.toml"\n'
        made = await asyncio.to_thread(lambda: Appliance(directory, dns=there.dns.port, port=there.port, extra=extra))
        yield Town(made, there)


async def test_each_school_does_with_answers_what_it_says(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        serving = here.appliance.serving("mailer", "inbound")
        await asyncio.to_thread(serving.__enter__)
        try:
            refused = await here.write(PHONE, "noticing", "forwarding", "refusing")
            code, text = refused[f"refusing@{DOMAIN}"]
            assert (len(refused), code, text[:5], text[-12:]) == (1, 550, b"5.2.1", b"0125-22-0000")
            (notice,), (copy,) = await here.arrived(PHONE), await here.arrived(MAILBOX)
            await _check_notice(here, notice)
            _check_copy(copy)
            await _check_what_leads_to_nothing(here)
            await _check_return(here)
        finally:
            await asyncio.to_thread(serving.__exit__, None, None, None)
    assert len(here.world.got(PHONE)) == len(here.world.got(MAILBOX)) == 1


async def _check_notice(here: Town, notice: bytes) -> None:
    assert here.world.reverse_paths(PHONE) == [""]
    read = email.message_from_bytes(notice, _class=EmailMessage, policy=email.policy.default)
    assert (read["In-Reply-To"], read["Auto-Submitted"]) == ("<1@phones.example>", "auto-replied")
    assert "電話：0125-22-0000" in read.get_content()
    records = {f"{key['name']}.": key["record"].encode() for key in await here.verb("keys", "list")}
    verifier = dkim.DKIM(notice)
    for index in range(2):
        assert verifier.verify(index, dnsfunc=lambda name, timeout=5: records[name.decode()])


def _check_copy(copy: bytes) -> None:
    first, second, *_ = copy.split(b"\r\n")
    assert first == f"Delivered-To: forwarding@{DOMAIN}".encode()
    assert second.startswith(b"Received: from ")
    assert b"Return-Path" not in copy
    assert f"\r\nFrom: {PHONE}\r\n".encode() in copy


async def _check_what_leads_to_nothing(here: Town) -> None:
    """A second answer on the day, what a program wrote, what comes round, what has no sender: none of it leaves."""
    await here.write(PHONE, "noticing")
    await here.write("other@phones.example", "noticing", "forwarding", Auto_Submitted="auto-replied")
    await here.hand_over(PHONE, [f"forwarding@{DOMAIN}"], here.world.got(MAILBOX)[0])
    await here.write("", "noticing", "forwarding", "refusing")
    await here.write("other@phones.example", "postmaster", "abuse")
    rows = await here.rows(9)
    assert [(row["school"], row["kind"], row["state"], row["reason"]) for row in reversed(rows)] == [
        ("noticing", "notice", "accepted", ""),
        ("forwarding", "forward", "accepted", ""),
        ("noticing", "notice", "kept", "answered_today"),
        ("noticing", "notice", "kept", "automatic"),
        ("forwarding", "forward", "kept", "automatic"),
        ("forwarding", "forward", "kept", "been_here"),
        ("noticing", "notice", "kept", "no_sender"),
        ("forwarding", "forward", "kept", "no_sender"),
        ("refusing", "nothing", "kept", "refusing"),
    ]


async def _check_return(here: Town) -> None:
    """The mailbox's server gives up later: the copy is marked, and nobody gets anything."""
    (back,) = here.world.reverse_paths(MAILBOX)
    assert await here.hand_over("", [back], REPORT.replace("\n", "\r\n").encode()) == {}
    rows = await here.verb("replies", "list")
    assert (rows[-1]["state"], rows[-1]["reply"]) == ("returned", "Mailbox full")


async def test_a_kill_between_attempt_and_end_loses_nothing_and_is_counted(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        first = await asyncio.to_thread(here.appliance.start, "mailer", "inbound")
        try:
            await here.write(PHONE, "mute")
            (copy,) = await here.arrived(MUTE_ONCE)
        finally:
            await asyncio.to_thread(lambda: tree.kill(tree.family(first.pid)))
            first.wait()
            assert first.stdout is not None
            first.stdout.close()
        (row,) = await here.verb("replies", "list")
        assert (row["state"], row["attempts"], row["possible_copies"]) == ("sending", 1, 0)
        serving = here.appliance.serving("mailer")
        await asyncio.to_thread(serving.__enter__)
        try:
            assert await here.arrived(MUTE_ONCE, 2) == [copy, copy]
            (row,) = await here.rows(1, state="accepted")
        finally:
            await asyncio.to_thread(serving.__exit__, None, None, None)
        assert (row["attempts"], row["possible_copies"]) == (2, 1)
