"""Is a report about DMARC read as its writer meant it, whatever shape it has, and does no XML attack work?

The sums of the files were read by dmarc-report 3.1.0 (PyPI) as well: the same.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.report.dmarc import MOST_ROWS, DmarcReport, read
from mailer.report.markup import DEEPEST, MOST_BELOW_ROOT, MOST_ELEMENTS, PIECE
from mailer.report.unreadable import Unreadable
from tests.report.received_samples import ADDRESS, OURS, dmarc, file

RECORD = b"""<record><row><source_ip>192.0.2.1</source_ip><count>%b</count><policy_evaluated><dkim>pass</dkim>
</policy_evaluated></row><identifiers><header_from>a.example</header_from></identifiers></record>"""
ONE = RECORD % b"1"
META = b"""<report_metadata><org_name>Example</org_name><report_id>%b</report_id><date_range><begin>%b</begin>
<end>%b</end></date_range></report_metadata>"""
METADATA = META % (b"7", b"1775779200", b"1775865599")


def feedback(*parts: bytes, begin: bytes = b"") -> bytes:
    return begin + b"<feedback>" + b"".join(parts) + b"</feedback>"


def sums(report: DmarcReport) -> tuple[int, int, int, int]:
    """Return how many mails in all, with DKIM, with SPF, and with one of them at least."""
    rows = report.rows
    return (
        sum(row.messages for row in rows),
        sum(row.messages for row in rows if row.dkim),
        sum(row.messages for row in rows if row.spf),
        sum(row.messages for row in rows if row.dkim or row.spf),
    )


@pytest.mark.parametrize(
    ("name", "organisation", "expected"),
    [
        ("google.xml", "google.com", (481, 421, 415, 424)),
        ("outlook.xml", "Outlook.com", (127, 120, 120, 120)),
        ("rfc9990.xml", "例示ネット株式会社", (90, 88, 0, 88)),
        ("small.xml", "Société d'exemple", (1, 1, 1, 1)),
    ],
)
def test_the_sums_are_those_of_another_reader(
    name: str, organisation: str, expected: tuple[int, int, int, int]
) -> None:
    report = dmarc(name)
    assert (report.organisation, report.domain, report.policy) == (organisation, OURS, "quarantine")
    assert sums(report) == expected


def test_what_was_found_is_told_beside_what_counts() -> None:
    held, late, passed_on, forged = dmarc("google.xml").rows
    assert (held.source, held.dkim, held.spf, held.disposition) == (ADDRESS, True, True, "none")
    assert held.dkim_said == f"{OURS}/rsa2026a pass; {OURS}/ed2026a pass"
    assert (late.dkim, late.dkim_said) == (False, f"{OURS}/rsa2026a fail")
    assert (passed_on.source, passed_on.reasons) == ("2001:db8:77::19", "forwarded")
    assert (forged.disposition, forged.spf_said) == ("quarantine", "cheap-pills.example softfail")


def test_a_day_of_japan_is_told_from_one_of_utc() -> None:
    utc, japan = dmarc("google.xml").span, dmarc("rfc9990.xml").span
    assert (str(utc.day), utc.zone) == ("2026-04-10", "UTC")
    assert (str(japan.day), japan.zone) == ("2026-04-10", "Japan")


def test_an_ipv4_address_in_ipv6_is_one_of_ipv4() -> None:
    record = ONE.replace(b"192.0.2.1", b"::ffff:203.0.113.25")
    assert read(feedback(METADATA, record)).rows[0].source == ADDRESS


def test_utf16_is_read() -> None:
    text = file("rfc9990.xml").decode().replace("UTF-8", "UTF-16")
    assert read(text.encode("utf-16")) == dmarc("rfc9990.xml")


def test_what_nobody_can_see_becomes_visible() -> None:
    report = read(feedback(METADATA.replace(b"Example", "a\u202eb\u200b".encode()), ONE))
    assert report.organisation == "a\ufffdb\ufffd"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no XML"),
        (b"<html></html>", "root is not"),
        (feedback(ONE), "report_metadata"),
        (feedback(METADATA), "no record"),
        (feedback(METADATA, ONE)[:-4], "no XML"),
        (feedback(METADATA, RECORD % b"-1"), "number"),
        (feedback(METADATA, RECORD % b"9999999999"), "number"),
        (feedback(METADATA, RECORD % (b"9" * 5000)), "number"),
        (feedback(METADATA, ONE.replace(b"192.0.2.1", b"localhost")), "IP address"),
        (feedback(META % (b"", b"1", b"2"), ONE), "report_id"),
        (feedback(META % (b"7", b"yesterday", b"2"), ONE), "as a time"),
        (feedback(META % (b"7", b"999999999999", b"999999999999"), ONE), "as a time"),
        (feedback(META % (b"7", b"2", b"1"), ONE), "ends before"),
        (feedback(META % (b"7", b"1", b"1775865599"), ONE), "longer than a month"),
        (feedback(METADATA, ONE, begin=b'<?xml version="1.0" encoding="shift_jis"?>'), "no XML"),
        (feedback(METADATA, ONE, begin=b'<?xml version="1.0" encoding="nobody-knows"?>'), "no XML"),
    ],
)
def test_what_is_no_report(content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(content)


LAUGHS = b"".join(b'<!ENTITY l%d "%b">' % (depth, b"&l%d;" % (depth - 1) * 10) for depth in range(1, 10))
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (
        lambda: feedback(METADATA, b"&l9;", begin=b'<!DOCTYPE f [<!ENTITY l0 "ha">' + LAUGHS + b"]>"),
        "document type",
    ),
    "quadratic": (
        lambda: feedback(b"&a;" * 100_000, begin=b'<!DOCTYPE f [<!ENTITY a "' + b"a" * 100_000 + b'">]>'),
        "document type",
    ),
    "external entity": (
        lambda: feedback(METADATA, b"&x;", begin=b'<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "document type",
    ),
    "external type": (lambda: feedback(METADATA, ONE, begin=b'<!DOCTYPE f SYSTEM "http://127.0.0.1/f.dtd">'), "type"),
    "parameter entity": (
        lambda: feedback(METADATA, ONE, begin=b'<!DOCTYPE f [<!ENTITY % p SYSTEM "file:///dev/zero"> %p;]>'),
        "document type",
    ),
    "type in UTF-16": (
        lambda: (b'<?xml version="1.0" encoding="utf-16"?><!DOCTYPE f><feedback/>').decode().encode("utf-16"),
        "document type",
    ),
    "deep": (lambda: feedback(b"<a>" * 6_000_000), "too deep"),
    "many in one": (lambda: feedback(b"<record>" + b"<a/>" * 4_000_000 + b"</record>"), "too many"),
    "many below the root": (lambda: feedback(b"<a/>" * 4_000_000), "too many"),
    "attributes": (
        lambda: feedback(b"<a " + b" ".join(b'a%d=">"' % number for number in range(1_000_000)) + b"/>"),
        "tag",
    ),
    "comment": (lambda: feedback(b"<!--" + b"a" * 20_000_000 + b"-->"), "tag"),
    "long text": (lambda: feedback(b"<record><row>" + b"&lt;" * 5_000_000 + b"</row></record>"), "IP address"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_go_off_in_a_small_room(name: str) -> None:
    made, why = BOMBS[name]
    content = made()
    tracemalloc.start()
    began = process_time()
    try:
        with pytest.raises(Unreadable, match=why):
            read(content)
        took, peak = process_time() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A copy of the content, which says whether it has a document type, is the most that is ever held.
    assert peak < len(content) + 40 * PIECE
    assert took < 10


def test_as_much_as_is_allowed_is_read() -> None:
    with pytest.raises(Unreadable, match="records"):
        read(feedback(METADATA, ONE * (MOST_ROWS + 1)))
    report = read(feedback(METADATA, ONE * MOST_ROWS, b"<extension/>" * (MOST_BELOW_ROOT - MOST_ROWS - 1)))
    assert sums(report) == (MOST_ROWS, MOST_ROWS, 0, MOST_ROWS)
    nested = b"<a>" * (DEEPEST - 1) + b"</a>" * (DEEPEST - 1)
    assert read(feedback(METADATA, nested, b"<b>" + b"<a/>" * MOST_ELEMENTS + b"</b>", ONE)).rows


NAMES = st.sampled_from(
    [
        *("feedback", "record", "row", "x:row", "source_ip", "count", "policy_evaluated", "disposition", "dkim", "spf"),
        *("identifiers", "header_from", "auth_results", "report_metadata", "org_name", "email", "report_id"),
        *("date_range", "begin", "end", "policy_published", "domain", "p", "reason", "type"),
    ]
)
TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["1", "1775779200", "192.0.2.1", "::1", "pass", "1e9", "٣"]))


def documents() -> st.SearchStrategy[str]:
    """Return documents of the right words in any order."""
    text = TEXTS.map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace("\0", ""))
    within = st.recursive(
        text,
        lambda inner: st.tuples(NAMES, st.lists(inner, max_size=5)).map(
            lambda made: f"<{made[0]}>{''.join(made[1])}</{made[0]}>"
        ),
        max_leaves=30,
    )
    return st.lists(within, max_size=6).map(lambda parts: f"<feedback>{''.join(parts)}</feedback>")


def read_or_refuse(content: bytes) -> None:
    """Read what must give a report or the readers' own error."""
    with suppress(Unreadable):
        assert isinstance(read(content), DmarcReport)


@settings(max_examples=50)
@given(documents())
def test_any_document_gives_a_report_or_the_error(text: str) -> None:
    read_or_refuse(text.encode("utf-8", "replace"))


@given(st.binary(max_size=300))
@example(b'<?xml version="1.0" encoding="hex"?><feedback/>')
@example(b'<?xml version="1.0" encoding="idna"?><feedback/>')
def test_any_bytes_give_a_report_or_the_error(content: bytes) -> None:
    read_or_refuse(content)


def changes() -> Iterator[st.SearchStrategy[bytes]]:
    """Give what a byte or a few may become."""
    yield st.binary(max_size=6)
    yield st.sampled_from(
        [b"</row>", b"<row>", b"&#0;", b"&#x110000;", b"]]>", b"<![CDATA[", b"\xff\xfe", b"<?x?>", b"99"]
    )


@given(st.integers(0, len(file("google.xml"))), st.integers(0, 40), st.one_of(*changes()))
def test_a_damaged_report_gives_a_report_or_the_error(at: int, cut: int, put: bytes) -> None:
    content = file("google.xml")
    read_or_refuse(content[:at] + put + content[at + cut :])
