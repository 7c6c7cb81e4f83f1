"""Are the records those that receivers look for, and does a name server take the zone?"""

from base64 import b64encode
from datetime import UTC, datetime

import dns.zone
import pytest

from mailer.message.keys import generate
from mailer.standing.key import Key, KeyState
from mailer.standing.records import NOT_KNOWN, WHY, Place, Record, records, zone

DOMAIN, HOST = "mail.mimamori-iwamizawa.jp", "mx.mail.mimamori-iwamizawa.jp"
NOW = datetime(2026, 4, 10, tzinfo=UTC)
RSA = Key("r1", "rsa", generate("rsa")[1], KeyState.ACTIVE, NOW)
ED = Key("e1", "ed25519", generate("ed25519")[1], KeyState.PENDING, NOW)
OLD = Key("r0", "rsa", "v=DKIM1; k=rsa; p=old", KeyState.RETIRED, NOW)
KNOWN = Place(DOMAIN, HOST, f"www.{DOMAIN}", ("198.51.100.7", "8.8.8.8", "2001:4860:4860::8888", "127.0.0.1", "::1"))


def of(found: tuple[Record, ...], why: str) -> list[tuple[str, str, str]]:
    return [(record.name, record.type, record.value) for record in found if record.why == why]


def test_what_is_published_where_the_address_is_known() -> None:
    found = records(KNOWN, [RSA, ED, OLD])
    spf = "v=spf1 ip4:8.8.8.8 ip6:2001:4860:4860::8888 -all"
    assert of(found, "mx") == [(DOMAIN, "MX", f"10 {HOST}.")]
    assert of(found, "address") == [(HOST, "A", "8.8.8.8"), (HOST, "AAAA", "2001:4860:4860::8888")]
    assert of(found, "web")[0] == (f"www.{DOMAIN}", "A", "8.8.8.8")
    assert of(found, "spf") == [(DOMAIN, "TXT", spf)]
    assert of(found, "helo_spf") == [(HOST, "TXT", spf)]
    assert of(found, "dkim") == [
        (f"r1._domainkey.{DOMAIN}", "TXT", RSA.record),
        (f"e1._domainkey.{DOMAIN}", "TXT", ED.record),
    ]
    assert of(found, "dmarc") == [
        (
            f"_dmarc.{DOMAIN}",
            "TXT",
            f"v=DMARC1; p=quarantine; adkim=s; aspf=s; rua=mailto:postmaster@{DOMAIN}",
        )
    ]
    reports = f"v=TLSRPTv1; rua=mailto:postmaster@{DOMAIN}"
    assert of(found, "tlsrpt") == [(f"_smtp._tls.{DOMAIN}", "TXT", reports)]
    assert of(found, "ptr")[0] == ("8.8.8.8.in-addr.arpa", "PTR", f"{HOST}.")
    assert {record.why for record in found} == WHY.keys()


def test_a_key_stands_for_mail_and_for_reports_alike() -> None:
    values = [value.replace(" ", "") for _, _, value in of(records(KNOWN, [RSA, ED]), "dkim")]
    assert not any(tag.startswith("s=") for value in values for tag in value.split(";"))


def test_what_is_left_to_fill_in_where_it_is_not() -> None:
    found = records(Place(DOMAIN, HOST, None, ("10.0.0.5",)), [])
    assert of(found, "address") == [(HOST, "A", "")]
    assert of(found, "spf") == [(DOMAIN, "TXT", f"v=spf1 a:{HOST} -all")]
    assert of(found, "ptr") == [("", "PTR", f"{HOST}.")]
    assert of(found, "web") == of(found, "dkim") == []


def test_a_machine_named_as_the_domain_has_one_spf_record() -> None:
    found = records(Place(DOMAIN, DOMAIN, DOMAIN), [])
    assert [record.name for record in found if "spf1" in record.value] == [DOMAIN]
    assert of(found, "web") == []


@pytest.mark.parametrize("host", ["127.0.0.1", "example.com", f"x{DOMAIN}"])
def test_a_web_host_elsewhere_is_not_ours_to_publish(host: str) -> None:
    assert of(records(Place(DOMAIN, HOST, host), []), "web") == []


def test_a_name_server_reads_the_zone() -> None:
    found = records(KNOWN, [RSA, ED])
    soa = f"{DOMAIN}. 3600 IN SOA {HOST}. postmaster.{DOMAIN}. 1 2 3 4 5\n{DOMAIN}. 3600 IN NS {HOST}.\n"
    read = dns.zone.from_text(soa + zone(found), DOMAIN, relativize=False)
    for name, kind, value in ((record.name, record.type, record.value) for record in found if record.type == "TXT"):
        texts = [b"".join(item.strings).decode() for item in read.find_rdataset(f"{name}.", kind)]
        assert texts == [value]
    (mx,) = read.find_rdataset(f"{DOMAIN}.", "MX")
    assert (mx.preference, mx.exchange.to_text()) == (10, f"{HOST}.")
    assert len(RSA.record) > 255


def test_what_cannot_stand_in_the_zone_is_a_comment() -> None:
    lines = zone(records(Place(DOMAIN, HOST), [])).splitlines()
    assert f"; {HOST}. 3600 IN A {NOT_KNOWN['A']}" in lines
    assert f"; {NOT_KNOWN['PTR']} 3600 IN PTR {HOST}." in lines
    assert all(line.startswith(";") or " IN " in line for line in lines)


def test_long_and_odd_values_are_split_and_escaped() -> None:
    value = "p=" + b64encode(bytes(600)).decode() + '"\\'
    line = zone([Record("x.example.jp", "TXT", value, "dkim")]).splitlines()[1]
    strings = (
        dns.zone.from_text(
            f"example.jp. 1 IN SOA a. b. 1 2 3 4 5\nexample.jp. 1 IN NS a.\n{line}\n", "example.jp", relativize=False
        )
        .find_rdataset("x.example.jp.", "TXT")[0]
        .strings
    )
    assert b"".join(strings).decode() == value
    assert [len(piece) for piece in strings[:-1]] == [255] * (len(strings) - 1)
