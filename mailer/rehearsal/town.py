"""What does the whole town look like from outside the appliance?

A name server for all mail domains of the population, one simulated receiver for each carrier with the mood that is
known of it, guardians who open receipt URLs, and receivers that take back their 250. Everything listens on loopback.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mailer.clock import Clock
from mailer.rehearsal import wording
from mailer.rehearsal.bouncer import Bouncer, Door
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.dns import DnsServer, Records
from mailer.rehearsal.guardians import Guardians, People
from mailer.rehearsal.ledger import Journal, Ledger, Mail
from mailer.rehearsal.moods import Fault, Mood, Trouble
from mailer.rehearsal.population import WORKPLACES
from mailer.rehearsal.ports import on_one_port
from mailer.rehearsal.receiver import Receiver, Surroundings

NET = "127.0.90"
UNKNOWN, FULL, FILTERED = Trouble(Fault.UNKNOWN), Trouble(Fault.FULL, 1), Trouble(Fault.FILTERED)
GREYLIST, SLOW, BOUNCE = Trouble(Fault.GREYLIST), Trouble(Fault.SLOW), Trouble(Fault.BOUNCE)
COMMON = Mood(round_trip_seconds=0.02, shares=((UNKNOWN, 0.01),))


@dataclass(frozen=True, slots=True)
class Place:
    """One receiver of the town: its MX name, the mail domains it serves, and its mood."""

    mx: str
    domains: tuple[str, ...]
    mood: Mood


PLACES: Mapping[str, Place] = {
    "docomo": Place(
        "mfsmax.docomo.ne.jp",
        ("docomo.ne.jp",),
        replace(
            COMMON,
            wording=wording.DOCOMO,
            recipients_per_session=100,
            shares=((UNKNOWN, 0.015), (FULL, 0.003)),
            open_share=0.8,
        ),
    ),
    "au": Place(
        "lsean.ezweb.ne.jp",
        ("ezweb.ne.jp", "au.com"),
        replace(COMMON, wording=wording.AU, shares=((UNKNOWN, 0.01), (FILTERED, 0.02)), open_share=0.8),
    ),
    "softbank": Place(
        "mx.softbank.ne.jp",
        ("softbank.ne.jp", "i.softbank.jp"),
        replace(COMMON, wording=wording.SOFTBANK, connections=3, messages_per_session=30, open_share=0.75),
    ),
    "google": Place(
        "gmail-smtp-in.l.google.com",
        ("gmail.com",),
        replace(COMMON, wording=wording.GMAIL, starttls=True, shares=((UNKNOWN, 0.01),), open_share=0.85),
    ),
    "apple": Place(
        "mx01.mail.icloud.com", ("icloud.com",), replace(COMMON, wording=wording.ICLOUD, starttls=True, open_share=0.85)
    ),
    "yahoo_japan": Place(
        "mx1.mail.yahoo.co.jp", ("yahoo.co.jp",), replace(COMMON, wording=wording.YAHOO, open_share=0.6)
    ),
    "ymobile": Place("mx.ymobile.ne.jp", ("ymobile.ne.jp",), COMMON),
    "rakuten": Place("mail-rakumail-jp.gslb.rmb-ss.jp", ("rakumail.jp",), replace(COMMON, wording=wording.RAKUTEN)),
    "microsoft": Place(
        "outlook-jp.olc.protection.outlook.com", ("outlook.jp",), replace(COMMON, wording=wording.OUTLOOK)
    ),
    "workplaces": Place(
        "mail.kyodo.example.jp",
        WORKPLACES[:-2],
        replace(COMMON, shares=((BOUNCE, 0.05), (UNKNOWN, 0.02)), open_share=0.5),
    ),
    "greylisting": Place(
        "mx.seika.example.jp", WORKPLACES[-2:-1], replace(COMMON, shares=((GREYLIST, 1.0),), greylist_seconds=5.0)
    ),
    "slow": Place("mx.kogyo.example.jp", WORKPLACES[-1:], replace(COMMON, shares=((SLOW, 1.0),), slow_seconds=1.0)),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a town is given: the time, chance, the guardians' haste, the journal, and the appliance's inbound door."""

    clock: Clock
    seed: int = 1
    haste: float = 1.0
    journal: Path | None = None
    inbound: Door | None = None
    places: Mapping[str, Place] = field(default_factory=lambda: PLACES)


class Town:
    """All receivers and the name server; `port` and `dns_port` are known after `start`."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._journal = Journal(terms.journal)
        people = People(random.Random(terms.seed), terms.haste, self._journal, terms.clock)
        self._guardians = Guardians(people, lambda carrier: terms.places[carrier].mood)
        self._bouncer = None if terms.inbound is None else Bouncer(terms.inbound, terms.clock)
        self.receivers = {name: self._receiver(name, place) for name, place in terms.places.items()}
        self.port = 0
        self._dns = DnsServer(_zone(terms.places))

    @property
    def dns_port(self) -> int:
        """Return where the name server listens."""
        return self._dns.port

    async def start(self) -> None:
        """Listen."""
        self.port = await on_one_port(0, self._listen)
        await self._dns.start()

    async def stop(self) -> None:
        """Close everything."""
        await self._guardians.stop()
        if self._bouncer is not None:
            await self._bouncer.stop()
        for receiver in self.receivers.values():
            await receiver.stop()
        await self._dns.stop()
        self._journal.close()

    async def _listen(self, port: int) -> int:
        for number, receiver in enumerate(self.receivers.values(), start=1):
            port = await receiver.listen([f"{NET}.{number}"], port)
        return port

    def _receiver(self, name: str, place: Place) -> Receiver:
        from mailer.rehearsal.certificate import server_context

        tls = server_context([place.mx], self._terms.clock()) if place.mood.starttls else None
        desk = Desk(name, place.mood, Ledger(name, self._journal), place.domains)
        return Receiver(desk, Surroundings(self._terms.clock, tls, (self._kept,)))

    def _kept(self, mail: Mail, content: bytes) -> None:
        self._guardians.got(mail, content)
        if self._bouncer is not None:
            self._bouncer.got(mail, self._terms.places[mail.carrier].mood)


def _zone(places: Mapping[str, Place]) -> dict[str, Records]:
    zone: dict[str, Records] = {}
    for number, place in enumerate(places.values(), start=1):
        zone[place.mx] = Records(a=(f"{NET}.{number}",))
        zone |= {domain: Records(mx=((10, place.mx),)) for domain in place.domains}
    return zone
