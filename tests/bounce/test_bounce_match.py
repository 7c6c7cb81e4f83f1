"""Does a report count for the address we wrote to, in every spelling of it, and for no other?"""

import pytest

from mailer.bounce.match import concerns, failed, failure_of
from mailer.bounce.report import Report, ReportedRecipient


def reported(final: str = "", original: str = "", action: str = "failed", status: str = "5.1.1") -> ReportedRecipient:
    return ReportedRecipient(final, original, action, status, "", "")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("taro@docomo.ne.jp", "taro@DoCoMo.ne.jp"),
        ("a..b@docomo.ne.jp", '"a..b"@docomo.ne.jp'),
        ("a..b@docomo.ne.jp", "a..b@docomo.ne.jp"),
        ("-abc@ezweb.ne.jp", "-abc@ezweb.ne.jp"),
        ("x@xn--r8jz45g.jp", "x@例え.jp"),
        ("taro@docomo.ne.jp", "TARO@DOCOMO.NE.JP"),
    ],
)
def test_spellings_of_the_same_address(key: str, said: str) -> None:
    assert concerns(reported(final=said), key)
    assert concerns(reported(original=said, final="forwarded@example.com"), key)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "ta.ro@docomo.ne.jp",
        "taro@ezweb.ne.jp",
        "taro",
        "taro+x@docomo.ne.jp",
        "taro@docomo.ne.jp.",
    ],
)
def test_other_addresses(said: str) -> None:
    assert not concerns(reported(final=said, original=said), "taro@docomo.ne.jp")


@pytest.mark.parametrize(
    ("action", "status", "counts"),
    [
        ("failed", "5.1.1", True),
        ("failed", "4.4.7", True),
        ("failed", "2.0.0", False),
        ("failed", "", False),
        ("delayed", "5.1.1", False),
        ("delivered", "5.1.1", False),
        ("relayed", "4.0.0", False),
        ("expanded", "2.0.0", False),
        ("", "5.0.0", False),
    ],
)
def test_what_counts_as_failed(action: str, status: str, counts: bool) -> None:
    assert failed(reported(action=action, status=status)) is counts


def test_only_this_address_is_found_among_many() -> None:
    mine = reported(final="taro@docomo.ne.jp", status="5.2.2")
    waits = reported(final="hanako@docomo.ne.jp", action="delayed", status="4.2.2")
    report = Report("mx.example.jp", (reported(final="other@docomo.ne.jp"), waits, mine))
    assert failure_of(report, "taro@docomo.ne.jp") == mine
    assert failure_of(report, "hanako@docomo.ne.jp") is None
    assert failure_of(Report("", ()), "taro@docomo.ne.jp") is None
