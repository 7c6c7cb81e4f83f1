"""Does one single mail reach its domain, and is it known how far it came where it does not?"""

import asyncio

import pytest

from mailer.net.single import NotHandedOver
from mailer.rehearsal import session as far
from mailer.smtp.address import parse_address
from mailer.smtp.envelope import Envelope, ForwardPath, ReversePath
from mailer.smtp.reply import Stage
from tests.dispatcher.town import until
from tests.replying.world import CITY, world

CONTENT = b"Subject: x\r\n\r\ny\r\n"


def to(address: str) -> Envelope:
    return Envelope(ReversePath(None), (ForwardPath(parse_address(address)),))


async def test_a_mail_is_handed_over_without_a_reverse_path() -> None:
    async with world() as there:
        fact, host = await there.messenger().offer(to(f"office@{CITY}"), CONTENT, 20)
    assert fact.accepted
    assert host == f"mx.{CITY}[127.0.77.2]:{there.port}"
    assert (there.got(f"office@{CITY}"), there.reverse_paths(f"office@{CITY}")) == ([CONTENT], [""])


async def test_it_needs_no_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far.Session, "_bdat", lambda self, _: self._say(b"502 5.5.1 not implemented\r\n"))
    async with world() as there:
        fact, _ = await there.messenger().offer(to(f"office@{CITY}"), CONTENT, 20)
    assert fact.accepted


async def test_when_the_time_is_over_it_is_told_how_far_the_mail_came() -> None:
    async with world() as there:
        fact, _ = await there.messenger().offer(to(f"silent-office@{CITY}"), CONTENT, 0.3)
    assert (fact.stage, fact.failure, fact.kept_unknown) == (Stage.EOD, "timeout", True)


@pytest.mark.parametrize(("domain", "permanent"), [("nowhere.example", True), (CITY, False)])
async def test_where_nobody_can_be_spoken_to_it_is_told_whether_for_good(domain: str, permanent: bool) -> None:
    async with world() as there:
        await there.receivers[CITY].stop()
        with pytest.raises(NotHandedOver) as refused:
            await there.messenger().offer(to(f"office@{domain}"), CONTENT, 20)
    assert refused.value.permanent is permanent


async def test_who_is_cancelled_leaves_no_connection_behind() -> None:
    async with world() as there:
        offering = asyncio.create_task(there.messenger().offer(to(f"silent-office@{CITY}"), CONTENT, 20))
        await until(lambda: bool(there.arrived()))
        offering.cancel()
        await asyncio.gather(offering, return_exceptions=True)
        await until(lambda: not there.receivers[CITY].connections)
