"""Does every claim come to an end, and does urgent mail find room whatever else waits?"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

import apsw
import pytest

from mailer.carrier.group import Carrier, Carriers, Manners
from mailer.clock import system_clock
from mailer.dispatcher import dispatcher as dispatcher_module
from mailer.dispatcher import ledger as ledger_module
from mailer.dispatcher import site as site_module
from mailer.dispatcher.dispatcher import Dispatcher
from mailer.dispatcher.door import FIRST_JOBS
from mailer.dispatcher.site import Site
from mailer.net.routes import Route
from mailer.net.transport import Owner, Session
from mailer.rehearsal.dns import Records
from mailer.rehearsal.moods import Mood
from mailer.service.office import Office
from mailer.smtp.route import NoRoute
from mailer.smtp.tls_result import TlsResult
from mailer.store import spool
from mailer.store.database import select
from tests.dispatcher.town import Town, town, until

WELL = Mood()
ALIAS = NoRoute("the MX is an alias", permanent=False, enhanced="4.4.4", reason="network_trouble")


@pytest.fixture
def office(office: Office) -> Office:
    """The common office on the real clock: here things really happen."""
    return replace(office, clock=system_clock)


def accepted(here: Town, announcement: str) -> int:
    return int(here.show(announcement)["accepted"])


def claimed() -> int:
    ((number,),) = select("SELECT COUNT(*) FROM queue_item WHERE claimed_by IS NOT NULL")
    return int(number)


async def sent_once_and_left(here: Town, dispatcher: Dispatcher) -> Route:
    """Send one mail, let the session end and the way become old; return its route."""
    first = here.send()
    await until(lambda: accepted(here, first) == 1)
    way = dispatcher._ways._ways["a.example"]
    door = way.door
    assert door is not None
    await until(lambda: not door.connections)
    dispatcher._expected = {}  # nobody looks ahead: the way is looked for while mail is claimed
    way.until = 0.0
    return door.routes["a.example"]


@pytest.mark.parametrize("trouble", ["no way any more", "other demands"])
async def test_mail_whose_way_changes_while_it_is_claimed_goes_the_new_way(
    office: Office, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(site_module, "IDLE_SECONDS", 0.0)
    async with town(office, {"a.example": WELL}) as here:
        here.register(["guardian@a.example"])
        async with here.dispatching() as dispatcher:
            old = await sent_once_and_left(here, dispatcher)

            async def find(domain: str) -> Route:
                if trouble == "no way any more":
                    raise ALIAS
                return replace(old, key=f"{old.key} sts")

            real = dispatcher._signing._signatory.sign

            async def sign(selectors: Sequence[str], digests: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
                await asyncio.sleep(0.3)
                return await real(selectors, digests)

            dialled: list[str] = []

            async def dial(route: Route, owner: Owner) -> Session:
                dialled.append(route.key)
                return await dispatcher._means.dialler.dial(route, owner)

            monkeypatch.setattr(dispatcher._ways, "_find", find)
            monkeypatch.setattr(dispatcher._signing._signatory, "sign", sign)
            monkeypatch.setattr(dispatcher, "dial", dial)
            second = here.send()
            if trouble == "no way any more":
                await until(lambda: int(here.show(second)["deferred"]) == 1 and claimed() == 0)
                assert dialled == []
            else:
                await until(lambda: accepted(here, second) == 1)
                assert dialled == [f"{old.key} sts"], "what opens the old door is less than the domain asks for now"


async def test_a_session_counts_for_the_domain_whose_mail_it_takes(office: Office) -> None:
    async with town(office, {"a.example": WELL}) as here:
        here.dns.answers.put("b.example", Records(mx=((10, "mx.a.example"),)))
        here.register(["guardian@a.example"])
        async with here.dispatching() as dispatcher:
            told: list[TlsResult] = []
            dispatcher._means.dialler.observe = told.append
            await until(lambda: "a.example" in dispatcher._ways._ways)
            dispatcher._ways.look_ahead(["b.example"], asyncio.get_running_loop().time())
            await until(lambda: "b.example" in dispatcher._ways._ways)
            first, second = (dispatcher._ways._ways[domain].door for domain in ("a.example", "b.example"))
            assert first is second, "they have the same hosts"
            sent = here.send()
            await until(lambda: accepted(here, sent) == 1)
            assert [one.policy.reported for one in told] == ["a.example"]


async def test_a_claim_is_given_back_although_the_store_refuses_at_first(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "AGAIN_SECONDS", 0.05)
    real, failures = spool.give_back, [apsw.BusyError("locked")]

    def give_back(*given: object) -> None:
        if failures:
            raise failures.pop()
        real(*given)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(spool, "give_back", give_back)
    async with town(office, {"a.example": WELL}) as here:
        here.register(["guardian@a.example"])
        async with here.dispatching() as dispatcher:
            monkeypatch.setattr(dispatcher, "is_over", lambda job: True)
            here.send()
            await until(lambda: not failures)
            monkeypatch.undo()
            await until(lambda: claimed() == 0)


async def test_urgent_mail_goes_while_the_hands_are_full_of_mail_that_has_to_wait(office: Office) -> None:
    manners = Manners(4, 100, 10.0, 50.0, 300)
    async with town(office, {"a.example": WELL}, manners=manners) as here:
        here.register([f"guardian{n}@a.example" for n in range(100)])
        ordinary = here.send(urgent=False)
        async with here.dispatching() as dispatcher:
            await until(lambda: accepted(here, ordinary) > 0)
            (site,) = dispatcher._ways.sites.values()
            site.limits.manners = replace(manners, avoid_minutes=frozenset(range(60)))
            await until(lambda: site.waiting == 0)
            gone = accepted(here, ordinary)
            urgent = here.send()
            await until(lambda: accepted(here, urgent) == 100, 10)
            assert accepted(here, ordinary) <= gone + 8


async def test_urgent_mail_has_its_own_pace_from_the_first_second_on(office: Office) -> None:
    async with town(office, {"a.example": WELL}, manners=Manners(10, 100, 10.0, 50.0, 300)) as here:
        here.register([f"guardian{n}@a.example" for n in range(120)])
        ordinary = here.send(urgent=False)
        async with here.dispatching():
            await until(lambda: accepted(here, ordinary) > 20)
            urgent = here.send()
            await until(lambda: accepted(here, urgent) == 120, 4)


async def test_a_mute_door_leaves_room_for_the_other_doors_of_its_site(office: Office) -> None:
    manners = Manners(8, 100, None, None, 300)
    group = Carrier("ms", "ms", frozenset({"a.example", "b.example"}), (), manners, ())
    async with town(
        office, {"a.example": WELL, "b.example": WELL}, groups=Carriers((group,), (), manners), manners=manners
    ) as here:
        here.register([f"guardian{n}@a.example" for n in range(200)])
        here.send(urgent=False)
        async with here.dispatching() as dispatcher:
            real, calls = dispatcher._means.dialler.dial, asyncio.Event()

            async def dial(route: Route, owner: Owner) -> Session:
                if route.domain == "a.example":
                    await calls.wait()
                return await real(route, owner)

            dispatcher.dial = dial  # type: ignore[method-assign]  # a receiver that does not answer
            await until(lambda: bool(dispatcher._ways.sites))
            (site,) = dispatcher._ways.sites.values()
            await until(lambda: site.waiting > 0 and site.connections > 0)
            assert site.waiting <= FIRST_JOBS
            here.register([f"teacher{n}@b.example" for n in range(5)])
            here.send()
            await until(lambda: len(here.ledger("b.example").received) == 5, 5)
            calls.set()


async def test_while_nothing_may_begin_there_is_no_haste_and_claims_are_given_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher_module, "LONGEST_WAIT_SECONDS", 0.5)
    rounds, begin, gate = 0, True, asyncio.Event()
    async with town(office, {"a.example": WELL}) as here:
        here.register(["guardian@a.example"])
        async with here.dispatching() as dispatcher, asyncio.timeout(20):
            real_renew, real_sign = dispatcher._tenancy.renew, dispatcher._signing._signatory.sign

            async def renew(sites: Iterable[Site]) -> None:
                nonlocal rounds
                rounds += 1
                await real_renew(sites)

            async def sign(selectors: Sequence[str], digests: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
                await gate.wait()
                return await real_sign(selectors, digests)

            monkeypatch.setattr(dispatcher._tenancy, "renew", renew)
            monkeypatch.setattr(dispatcher._signing._signatory, "sign", sign)
            monkeypatch.setattr(dispatcher, "may_begin", lambda: begin)
            sent = here.send()
            await until(lambda: claimed() == 1)
            begin, rounds = False, 0
            gate.set()
            await until(lambda: claimed() == 0)
            assert rounds < 100
            begin = True
            await until(lambda: accepted(here, sent) == 1)
