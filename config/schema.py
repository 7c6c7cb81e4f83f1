"""What may be set in mimamori.toml, and what holds when nothing is said?

Every section may be left out, and so may every key. What follows from another setting (the store and the DKIM
keys from the state directory, the host name and the web address from the domain) need not be said twice.
`default.toml` says the same for people; a test compares the two.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, model_validator

from config import kinds
from config.problem import wrong
from mailer.domain.retention import Terms as RetentionTerms
from mailer.domain.suspension import Terms

DOMAIN = "mail.mimamori-iwamizawa.jp"
STATE_DIRECTORY = Path("/var/lib/mimamori")
TERMS = Terms()
KEPT = RetentionTerms()

Switch = Annotated[bool, PlainValidator(kinds.switch)]
DomainName = Annotated[str, PlainValidator(kinds.domain)]
AbsolutePath = Annotated[Path, PlainValidator(kinds.path)]
Seconds = Annotated[float, PlainValidator(kinds.number(0.1, 60))]
Expiry = Annotated[timedelta, PlainValidator(kinds.duration("1m", "30d"))]
Leads = Annotated[
    tuple[Annotated[timedelta, PlainValidator(kinds.duration("1m", "90d"))], ...], AfterValidator(kinds.all_different)
]
Listen = Annotated[
    tuple[Annotated[kinds.Endpoint, PlainValidator(kinds.endpoint)], ...], AfterValidator(kinds.all_different)
]
Nameservers = Annotated[
    tuple[Annotated[kinds.Endpoint, PlainValidator(kinds.nameserver)], ...], AfterValidator(kinds.all_different)
]
Mailboxes = Annotated[tuple[Annotated[str, PlainValidator(kinds.mailbox)], ...], AfterValidator(kinds.one_mailbox_each)]
Command = Annotated[tuple[Annotated[str, PlainValidator(kinds.words(1000))], ...], AfterValidator(kinds.program)]
Kept = Annotated[timedelta, PlainValidator(kinds.duration("1d", "3650d"))]
#: A mail that returns, and an alarm that is raised again, ask for what is a month old.
KeptLong = Annotated[timedelta, PlainValidator(kinds.duration("60d", "3650d"))]
Late = Annotated[timedelta, PlainValidator(kinds.duration("5s", "1d"))]
Span = Annotated[timedelta, PlainValidator(kinds.duration("1s", "366d"))]
DomainNames = Annotated[tuple[DomainName, ...], AfterValidator(kinds.all_different)]
Addresses = Annotated[tuple[Annotated[str, PlainValidator(kinds.ip)], ...], AfterValidator(kinds.all_different)]


class Section(BaseModel):
    """A section of a configuration file: it cannot be changed and knows every key it may have."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Appliance(Section):
    """The installation as a whole."""

    language: Annotated[Literal["ja", "en"], PlainValidator(kinds.choice("ja", "en"))] = "ja"


class Domain(Section):
    """The sending domain; the host name must belong to it, because receivers compare the two (F3)."""

    name: DomainName = DOMAIN
    hostname: DomainName = Field(default_factory=lambda given: given.get("name", DOMAIN))

    @model_validator(mode="after")
    def _belongs(self) -> "Domain":
        if self.hostname != self.name and not self.hostname.endswith("." + self.name):
            raise wrong("outside_domain", self.hostname, at="hostname", name=self.name)
        return self


class State(Section):
    """Where the appliance keeps what it must not forget."""

    directory: AbsolutePath = STATE_DIRECTORY


class Database(Section):
    """The store; follows the state directory."""

    url: Annotated[str, PlainValidator(kinds.database_url)]


class Dns(Section):
    """How names are looked up; times in seconds."""

    nameservers: Annotated[Nameservers, AfterValidator(kinds.at_least_one)] = (("127.0.0.1", 53),)
    timeout: Seconds = 5.0
    lifetime: Seconds = 15.0

    @model_validator(mode="after")
    def _long_enough(self) -> "Dns":
        if self.lifetime < self.timeout:
            raise wrong("shorter", self.lifetime, at="lifetime", other=f"dns.timeout ({self.timeout:g})")
        return self


class Delivery(Section):
    """How mail is handed over; `workers` None is one process for each core.

    Mail leaves from the `source_addresses` of this host; behind a translation of addresses (NAT) receivers see
    `public_addresses` instead.
    """

    port: Annotated[int, PlainValidator(kinds.whole(1, 65535))] = 25
    permit_private_destinations: Switch = False
    require_standing: Switch = True
    connections_per_site: Annotated[int, PlainValidator(kinds.whole(1, 1000))] = 20
    messages_per_session: Annotated[int, PlainValidator(kinds.whole(1, 100_000))] = 100
    workers: Annotated[int, PlainValidator(kinds.whole(1, 64))] | None = None
    source_addresses: Addresses = ()
    public_addresses: Addresses = ()
    max_mx_hosts: Annotated[int, PlainValidator(kinds.whole(1, 20))] = 5
    starttls: Switch = True
    dane: Switch = True
    mta_sts: Switch = True
    require_tls_for: DomainNames = ()
    ca_file: AbsolutePath | None = None
    expires_safety: Expiry = timedelta(hours=24)
    expires_ordinary: Expiry = timedelta(days=3)
    expires_notice: Expiry = timedelta(days=3)

    @property
    def seen_addresses(self) -> tuple[str, ...]:
        """Return the addresses that receivers see our mail come from; none where nobody has named them."""
        return self.public_addresses or self.source_addresses


class SchoolList(Section):
    """Which schools there are; None is the shipped list."""

    file: AbsolutePath | None = None


class CarrierList(Section):
    """How carriers want to be spoken to; None is the shipped list."""

    file: AbsolutePath | None = None


class Inbound(Section):
    """Where mail is taken in; `timeout` in seconds. STARTTLS is offered where there are a certificate and its key.

    `keep` and `keep_for_a_person` are former names of two terms of `[retention]`.
    """

    listen: Listen = (("0.0.0.0", 25),)
    submission_listen: Listen = ()
    timeout: Annotated[int, PlainValidator(kinds.whole(1, 3600))] = 300
    certificate: AbsolutePath | None = None
    key: AbsolutePath | None = None
    connections: Annotated[int, PlainValidator(kinds.whole(1, 10_000))] = 500
    connections_per_network: Annotated[int, PlainValidator(kinds.whole(1, 10_000))] = 20
    connections_per_minute: Annotated[int, PlainValidator(kinds.whole(1, 100_000))] = 300
    size_megabytes: Annotated[int, PlainValidator(kinds.whole(1, 50))] = 10
    free_percent: Annotated[int, PlainValidator(kinds.whole(0, 50))] = 10
    free_megabytes: Annotated[int, PlainValidator(kinds.whole(0, 1_000_000))] = 512
    keep: Kept | None = None
    keep_for_a_person: Kept | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> "Inbound":
        if (self.certificate is None) != (self.key is None):
            raise wrong("pair", self.certificate or self.key, at="key" if self.key is None else "certificate")
        return self


class Web(Section):
    """Where the pages for guardians are served, and how their addresses begin."""

    listen: Listen = (("127.0.0.1", 8080),)
    base_url: Annotated[str, PlainValidator(kinds.base_url)]


class Admin(Section):
    """Where the pages for staff are served."""

    listen: Listen = (("127.0.0.1", 8081),)


class Dkim(Section):
    """Where the private keys lie; follows the state directory."""

    directory: AbsolutePath


class Maintenance(Section):
    """How long before a maintenance window its notices leave."""

    lead: Annotated[Leads, AfterValidator(kinds.at_least_one)] = (timedelta(days=7), timedelta(days=1))


class Alarm(Section):
    """How an operator is called when something is wrong, by ways that do not lead through the queue."""

    webhook: Annotated[str, PlainValidator(kinds.webhook_url)] | None = None
    command: Command = ()
    free_megabytes: Annotated[int, PlainValidator(kinds.whole(1, 1_000_000))] = 500


class Canary(Section):
    """Mailboxes of our own that ride first in every broadcast, and when a mail to one is late."""

    addresses: Mailboxes = ()
    late: Late = timedelta(seconds=60)
    late_ordinary: Late = timedelta(minutes=10)


class Suspension(Section):
    """When an address rests that mail does not reach, and when it is tried again; a `reach_test` of None is "never".

    `keep` is a former name of a term of `[retention]`.
    """

    hard: Annotated[int, PlainValidator(kinds.whole(1, 100))] = TERMS.hard
    broadcasts: Annotated[int, PlainValidator(kinds.whole(1, 100))] = TERMS.broadcasts
    soft_broadcasts: Annotated[int, PlainValidator(kinds.whole(1, 1000))] = TERMS.soft_broadcasts
    soft_span: Span = TERMS.soft_span
    wait: Annotated[timedelta, PlainValidator(kinds.duration("1s", "7d"))] = TERMS.wait
    reach_test: Annotated[timedelta | None, PlainValidator(kinds.duration_or_never("1m", "366d"))] = TERMS.reach_test
    keep: Kept | None = None


class Retention(Section):
    """How long what is kept; what each term means says `mailer.domain.retention`."""

    received: Kept = KEPT.received
    received_for_a_person: Kept = KEPT.received_for_a_person
    reports: Kept = KEPT.reports
    setbacks: Kept = KEPT.setbacks
    transcripts: Kept = KEPT.transcripts
    visits: Kept = KEPT.visits
    broadcasts: KeptLong = KEPT.broadcasts
    households: Kept = KEPT.households
    alarms: KeptLong = KEPT.alarms


class Reports(Section):
    """Whether receivers that want it are told how TLS with them went, and who answers questions; None: postmaster."""

    tls: Switch = True
    contact: Annotated[str, PlainValidator(kinds.mailbox)] | None = None


class Settings(Section):
    """All of mimamori.toml, checked; without any file it holds the defaults."""

    appliance: Appliance = Appliance()
    domain: Domain = Domain()
    state: State = State()
    database: Database
    dns: Dns = Dns()
    delivery: Delivery = Delivery()
    schools: SchoolList = SchoolList()
    carriers: CarrierList = CarrierList()
    inbound: Inbound = Inbound()
    web: Web
    admin: Admin = Admin()
    dkim: Dkim
    maintenance: Maintenance = Maintenance()
    alarm: Alarm = Alarm()
    canary: Canary = Canary()
    suspension: Suspension = Suspension()
    reports: Reports = Reports()
    retention: Retention = Retention()

    @model_validator(mode="before")
    @classmethod
    def _follow(cls, given: dict[str, Any]) -> dict[str, Any]:
        state = _said(given, "state", "directory") or STATE_DIRECTORY
        hostname = _said(given, "domain", "hostname") or _said(given, "domain", "name") or DOMAIN
        following = {
            "database": {"url": f"sqlite://{state}/mimamori.db"},
            "dkim": {"directory": f"{state}/dkim"},
            "web": {"base_url": f"https://{hostname}"},
        }
        return {**given, **{name: _filled(given.get(name, {}), keys) for name, keys in following.items()}}

    @property
    def kept(self) -> RetentionTerms:
        """Return how long what is kept; where only a former name is said, by that. Recipients outlast setbacks."""
        former = {
            "received": self.inbound.keep,
            "received_for_a_person": self.inbound.keep_for_a_person,
            "setbacks": self.suspension.keep,
        }
        said = self.retention.model_fields_set
        terms = dict(self.retention)
        terms.update((name, term) for name, term in former.items() if term is not None and name not in said)
        if "broadcasts" not in said:
            terms["broadcasts"] = max(terms["broadcasts"], terms["setbacks"])
        return RetentionTerms(**terms)

    @model_validator(mode="after")
    def _kept_while_it_may_count(self) -> "Settings":
        kept, span = self.kept, self.suspension.soft_span
        former = self.suspension.keep is not None and "setbacks" not in self.retention.model_fields_set
        setbacks = "suspension.keep" if former else "retention.setbacks"
        if kept.setbacks < span:
            raise wrong("shorter", kept.setbacks, at=setbacks, other=f"suspension.soft_span ({span.days}d)")
        if kept.broadcasts < kept.setbacks:
            other = f"{setbacks} ({kept.setbacks.days}d)"
            raise wrong("shorter", kept.broadcasts, at="retention.broadcasts", other=other)
        return self

    @model_validator(mode="after")
    def _apart(self) -> "Settings":
        taken: dict[kinds.Endpoint, str] = {}
        for key, endpoints in self._listening().items():
            for endpoint in endpoints:
                if endpoint in taken:
                    raise wrong("in_use", kinds.written(endpoint), at=key, other=taken[endpoint])
                taken[endpoint] = key
        return self

    def _listening(self) -> Mapping[str, tuple[kinds.Endpoint, ...]]:
        return {
            "inbound.listen": self.inbound.listen,
            "inbound.submission_listen": self.inbound.submission_listen,
            "web.listen": self.web.listen,
            "admin.listen": self.admin.listen,
        }


def _said(given: Mapping[str, Any], section: str, key: str) -> object:
    """Return what a file, or a section made in a program, says of a key; None if nothing."""
    said = given.get(section)
    return said.get(key) if isinstance(said, Mapping) else getattr(said, key, None)


def _filled(section: object, following: Mapping[str, object]) -> object:
    return {**following, **section} if isinstance(section, Mapping) else section
