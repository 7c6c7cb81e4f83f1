"""Is every address and host given to the carrier it belongs to?"""

import pytest

from mailer.carrier.group import Carrier, Carriers, Manners

MANNERS = Manners(20, 100, None, None, 300)


def carrier(name: str, domains: tuple[str, ...], suffixes: tuple[str, ...]) -> Carrier:
    """Return a carrier that only has a name and its places."""
    return Carrier(name, name, frozenset(domains), suffixes, MANNERS, ())


CARRIERS = Carriers(
    (
        carrier("softbank", ("softbank.ne.jp", "*.vodafone.ne.jp"), ("softbank.ne.jp",)),
        carrier("ymobile", ("ymobile.ne.jp",), ("ymx1.softbank.ne.jp",)),
        carrier("google", ("gmail.com",), ("google.com",)),
    ),
    (),
    MANNERS,
)


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("softbank.ne.jp", "softbank"),
        ("SoftBank.NE.JP", "softbank"),
        ("gmail.com.", "google"),
        ("k.vodafone.ne.jp", "softbank"),
        ("a.b.vodafone.ne.jp", "softbank"),
        ("vodafone.ne.jp", None),
        ("sub.gmail.com", None),
        ("notgmail.com", None),
        ("", None),
    ],
)
def test_domains(domain: str, name: str | None) -> None:
    found = CARRIERS.of_domain(domain)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        (["gmail-smtp-in.l.google.com"], "google"),
        (["ASPMX.L.Google.com."], "google"),
        (["google.com"], "google"),
        (["mx.softbank.ne.jp"], "softbank"),
        (["ymx1.softbank.ne.jp"], "ymobile"),
        (["mx.example.jp", "aspmx.l.google.com"], "google"),
        (["aspmx.l.google.com", "mx.softbank.ne.jp"], "google"),
        (["evilgoogle.com"], None),
        (["google.com.example.jp"], None),
        ([], None),
    ],
)
def test_hosts(hosts: list[str], name: str | None) -> None:
    found = CARRIERS.of_mx(hosts)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        (["aspmx.l.google.com", "alt1.aspmx.l.google.com"], "google"),
        (["mx.softbank.ne.jp"], "softbank"),
        (["evil.example", "mx.softbank.ne.jp"], None),
        (["mx.softbank.ne.jp", "backup.example.jp"], None),
        (["aspmx.l.google.com", "mx.softbank.ne.jp"], None),
        (["mx.example.jp"], None),
        ([], None),
    ],
)
def test_a_route_is_a_carriers_only_where_all_its_hosts_are(hosts: list[str], name: str | None) -> None:
    found = CARRIERS.of_route(hosts)
    assert (found and found.name) == name


def test_all_carriers_can_be_gone_through() -> None:
    assert [each.name for each in CARRIERS] == ["softbank", "ymobile", "google"]


@pytest.mark.parametrize(
    ("domain", "host", "name"),
    [
        ("gmail.com", "", "google"),
        ("example.jp", "aspmx.l.google.com", "google"),
        ("example.jp", "mx.example.jp", "example.jp"),
        ("example.jp", "", "example.jp"),
    ],
)
def test_every_receiver_has_a_name(domain: str, host: str, name: str) -> None:
    assert CARRIERS.name(domain, host) == name
