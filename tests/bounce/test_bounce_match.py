"""Is a report taken for our recipient's, and that of whom the mail was sent on to for nobody's?"""

import pytest

from mailer.bounce.event import Event, Kind
from mailer.bounce.match import about, forwarded
from mailer.carrier.reason import Reason

OURS = "hanako@univ.example.ac.jp"
CARRIERS = {"au.com": "au", "ezweb.ne.jp": "au"}


def receiver(domain: str) -> str:
    return CARRIERS.get(domain, domain)


def event(final: str, recipient: str = OURS) -> Event:
    return Event(recipient, Kind.HARD, Reason.ADDRESS_UNKNOWN, final=final)


def test_the_original_and_the_final_recipient_are_ours_in_any_case() -> None:
    assert about(event("HANAKO@univ.example.ac.jp", recipient="x@example.com"), OURS)
    assert about(event("x@example.com", recipient="Hanako@Univ.example.ac.jp"), OURS)
    assert not about(event("x@example.com", recipient="y@example.com"), OURS)


@pytest.mark.parametrize(
    "final",
    [
        "hanako-private@isp.example.ne.jp",
        "hanako@docomo.ne.jp",
        "other@univ.example.ac.jp.example.com",
        "hanako@notuniv.example2.ac.jp",
    ],
)
def test_another_organisation_is_whom_it_was_forwarded_to(final: str) -> None:
    assert forwarded(event(final), OURS, receiver)


@pytest.mark.parametrize(
    "final",
    [
        "",
        "no address",
        OURS,
        "HANAKO@UNIV.EXAMPLE.AC.JP",
        "hanako.store@mbox7.internal.univ.example.ac.jp",
        "h1234@example.ac.jp",
        "h1234@mail.example.ac.jp",
    ],
)
def test_a_mailbox_of_the_same_organisation_is_our_recipients(final: str) -> None:
    assert not forwarded(event(final), OURS, receiver)


def test_the_domains_of_one_carrier_are_one_organisation() -> None:
    assert not forwarded(event("taro@au.com"), "taro@ezweb.ne.jp", receiver)
    assert forwarded(event("taro@docomo.ne.jp"), "taro@ezweb.ne.jp", receiver)
    assert forwarded(event("taro@i.softbank.jp"), "taro@softbank.jp.example.com", receiver)
