"""Is a report about TLS with us read as its writer meant it, and does no JSON attack work?"""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.report.tls_received import MOST_ROWS, MOST_VALUES, TlsReceived, TlsRow, read
from mailer.report.unreadable import Unreadable
from tests.report import samples
from tests.report.received_samples import OURS, file, tls

GOOD = json.loads(file("google.json"))


def changed(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **{key.replace("_", "-"): value for key, value in fields.items()}}).encode()


def policy(**fields: Any) -> bytes:
    return changed(
        policies=[{**GOOD["policies"][0], **{key.replace("_", "-"): value for key, value in fields.items()}}]
    )


def test_what_is_not_told_of_is_counted() -> None:
    report = tls("google.json")
    assert (report.organisation, report.domain, str(report.span.day), report.span.zone) == (
        *("Google Inc.", OURS),
        *("2026-04-10", "UTC"),
    )
    assert report.rows == (
        TlsRow("sts", OURS, 31),
        TlsRow("sts", OURS, 3, "certificate-expired", OURS, "192.0.2.17"),
        TlsRow("sts", OURS, 1, "validation-failure"),
    )


def test_liberties_that_reporters_take() -> None:
    report = tls("microsoft.json")
    assert [(row.policy, row.sessions, row.failure) for row in report.rows] == [
        ("no-policy-found", 12, ""),
        ("tlsa", 0, ""),
        ("tlsa", 2, "tlsa-invalid"),
    ]
    assert report.rows[2].reason == "no match for 3 1 1"


def test_our_own_reports_can_be_read() -> None:
    report = read(json.dumps(samples.REPORT.document()).encode())
    assert (report.report_id, sum(row.sessions for row in report.rows)) == (samples.REPORT.id, 11)
    assert sorted(row.failure for row in report.rows if row.failure) == [
        *("certificate-expired", "dnssec-invalid", "tlsa-invalid"),
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no JSON"),
        (b"[]", "who reports"),
        (b"{}", "who reports"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a":' * 100_000, "no JSON"),
        (b"[" * (MOST_VALUES + 1), "more than"),
        (b"\xff{}", "no JSON"),
        (changed(policies=[]), "no policy"),
        (changed(report_id=7), "report-id"),
        (changed(date_range={}), "as a time"),
        (changed(date_range={"start-datetime": "2026-04-10T00:00:00Z"}), "as a time"),
        (changed(date_range={"start-datetime": "2026-04-10", "end-datetime": "2026-04-11"}), "as a time"),
        (policy(summary={"total-successful-session-count": -1}), "number"),
        (policy(summary={"total-successful-session-count": 1.5}), "number"),
        (policy(summary={"total-successful-session-count": True}), "number"),
        (policy(summary={"total-successful-session-count": 10**10}), "number"),
        (policy(failure_details=[{"failed-session-count": [[[]]]}]), "number"),
        (policy(failure_details=[{}] * (MOST_ROWS + 1)), "lines"),
        (changed().replace(b"31", b"9" * 10_000), "number"),
        (changed().replace(b"31", b"NaN"), "number"),
        (changed().replace(b"31", b"1e999"), "number"),
    ],
)
def test_what_is_no_report(content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(content)


def test_a_policy_that_says_nothing_counts_nothing() -> None:
    assert read(changed(policies={"policy": 1, "summary": []})).rows == (TlsRow("", "", 0),)


def test_half_a_character_becomes_visible() -> None:
    assert read(changed(organization_name="\ud800a")).organisation == "\ufffda"


KEYS = (
    *("organization-name", "report-id", "contact-info", "date-range", "start-datetime", "end-datetime", "policies"),
    *("policy", "summary", "policy-type", "policy-domain", "failure-details", "failed-session-count", "result-type"),
)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just("2026-04-10T00:00:00Z")
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@given(VALUES, st.sampled_from(sorted(GOOD)))
def test_any_value_gives_a_report_or_the_error(value: Any, key: str) -> None:
    for document in (value, {**GOOD, key: value}, {**GOOD, "policies": [{**GOOD["policies"][0], "summary": value}]}):
        with suppress(Unreadable):
            assert isinstance(read(json.dumps(document).encode()), TlsReceived)


@given(st.integers(0, len(file("google.json"))), st.integers(0, 20), st.binary(max_size=6))
def test_a_damaged_report_gives_a_report_or_the_error(at: int, cut: int, put: bytes) -> None:
    content = file("google.json")
    with suppress(Unreadable):
        read(content[:at] + put + content[at + cut :])
