"""Is a TLSRPT record read as its domain means it, and no further?"""

import pytest

from mailer.report.wanted import MOST_DESTINATIONS, read_record


def wanted(*records: str) -> list[str]:
    return [str(one) for one in read_record(records)]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ('"v=TLSRPTv1; rua=mailto:tls@town.example"', ["mailto:tls@town.example"]),
        ('"v=TLSRPTv1;rua=https://town.example/v1/tlsrpt?x=1"', ["https://town.example/v1/tlsrpt?x=1"]),
        (
            '"v=TLSRPTv1; rua=mailto:a@town.example,https://town.example/r;"',
            ["mailto:a@town.example", "https://town.example/r"],
        ),
        ('"v=TLSRPTv1; rua=mailto" ":tls@town.example"', ["mailto:tls@town.example"]),
        ('"v=TLSRPTv1; new=field; rua=MAILTO:tls%2Brpt@town.example?subject=x"', ["mailto:tls+rpt@town.example"]),
        (
            '"v=TLSRPTv1; rua=http://town.example/,ftp://x/,mailto:,mailto:nobody,https://,https://u:p@town.example/"',
            [],
        ),
        ('"v=TLSRPTv1; rua=mailto:x%0D%0ABcc:y@town.example,mailto:%FF@town.example,https://town.example:99999/"', []),
        ('"v=TLSRPTv1; rua="', []),
        ('"v=TLSRPTv1;\trua = mailto:tls@town.example"', []),
        ('"v=TLSRPTv1; rua=tls@town.example"', []),
        ('"v=TLSRPTv1; rua=tls@town.example,mailto:tls@town.example"', []),
        ('"v=TLSRPTv1; rua=mailto:tls@town.example,"', []),
        ('"v=TLSRPTv1; rua=mailto:tls@town.example rua2"', []),
        ('"v=TLSRPTv1; rua=mailto:tls@town.example!10m"', []),
        ('"v=TLSRPTv1; rua=mailto:tls@town.example%"', []),
        ('"v=TLSRPTv1; junk; rua=mailto:tls@town.example"', []),
        ('"v=TLSRPTv1;; rua=mailto:tls@town.example"', []),
        ('"v=TLSRPTv1; rua=mailto:tls@town.example; _x=1"', []),
        ('"v=TLSRPTv1; rua=mailto:tls@town.example; x="', []),
        (
            '"v=TLSRPTv1 ;rua=mailto:tls@town.example , mailto:b@town.example ; "',
            ["mailto:tls@town.example", "mailto:b@town.example"],
        ),
        ('"v=TLSRPTv1; rua=tel:+81-126, mailto:tls@town.example"', ["mailto:tls@town.example"]),
        ('"v=TLSRPTv1"', []),
        ('"v=TLSRPTv2; rua=mailto:tls@town.example"', []),
        ('"v=spf1 -all"', []),
    ],
)
def test_what_a_record_asks_for(record: str, expected: list[str]) -> None:
    assert wanted(record) == expected


def test_two_records_are_none_and_others_do_not_count() -> None:
    ours = '"v=TLSRPTv1; rua=mailto:tls@town.example"'
    assert wanted(ours, '"v=spf1 -all"') == ["mailto:tls@town.example"]
    assert wanted(ours, ours) == wanted() == []


def test_a_record_does_not_make_us_write_to_the_whole_world() -> None:
    many = ",".join(f"mailto:tls{number}@town.example" for number in range(50))
    assert len(wanted(f'"v=TLSRPTv1; rua={many}"')) == MOST_DESTINATIONS
