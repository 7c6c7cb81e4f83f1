"""Is only what a person wrote to the school answered or handed on?"""

from dataclasses import replace

import pytest

from mailer.domain.answering import MOST_OCTETS, REASONS, Arrival, is_machine, why_not_forwarded, why_not_noticed

DOMAIN = "mail.mimamori-iwamizawa.jp"
PERSON = Arrival(
    reverse_path="hanako@docomo.ne.jp",
    automatic=False,
    addressed=True,
    returned=False,
    been_here=False,
    octets=2000,
)


@pytest.mark.parametrize(
    "reverse_path",
    [
        "hanako@docomo.ne.jp",
        "a..b@docomo.ne.jp",
        "-abc.@ezweb.ne.jp",
        "nora.reply@example.jp",
        "rooter@example.jp",
        "花子@example.jp",
        "prvs=1234abcdef=hanako@example.jp",
        "hanako+school@gmail.com",
    ],
)
def test_a_person_is_answered_and_handed_on(reverse_path: str) -> None:
    person = replace(PERSON, reverse_path=reverse_path)
    assert (why_not_noticed(person, DOMAIN), why_not_forwarded(person, DOMAIN)) == ("", "")


#: Each rule of RFC 3834 §2 and §4, of RFC 5321 §4.5.5 and §6.3, and our own.
NEVER = [
    ({"reverse_path": ""}, "no_sender"),
    ({"automatic": True}, "automatic"),
    ({"returned": True}, "returned"),
    ({"been_here": True}, "been_here"),
    ({"reverse_path": "MAILER-DAEMON@docomo.ne.jp"}, "machine"),
    ({"reverse_path": "owner-list@example.jp"}, "machine"),
    ({"reverse_path": "list-request@example.jp"}, "machine"),
    ({"reverse_path": f"t-daini@{DOMAIN}"}, "ourselves"),
    ({"reverse_path": f"x@sub.{DOMAIN.upper()}"}, "ourselves"),
    ({"reverse_path": "hanako@localhost"}, "bad_address"),
    ({"reverse_path": "hanako@[192.0.2.1]"}, "bad_address"),
]


@pytest.mark.parametrize(("change", "reason"), NEVER)
def test_what_is_neither_answered_nor_handed_on(change: dict[str, object], reason: str) -> None:
    mail = replace(PERSON, **change)  # type: ignore[arg-type]  # the table names each field with its own type
    assert (why_not_noticed(mail, DOMAIN), why_not_forwarded(mail, DOMAIN)) == (reason, reason)


def test_who_did_not_name_the_school_is_not_answered_yet_handed_on() -> None:
    hidden = replace(PERSON, addressed=False)
    assert (why_not_noticed(hidden, DOMAIN), why_not_forwarded(hidden, DOMAIN)) == ("not_addressed", "")


def test_a_big_mail_is_answered_and_not_handed_on() -> None:
    assert why_not_forwarded(replace(PERSON, octets=MOST_OCTETS), DOMAIN) == ""
    big = replace(PERSON, octets=MOST_OCTETS + 1)
    assert (why_not_noticed(big, DOMAIN), why_not_forwarded(big, DOMAIN)) == ("", "too_big")


@pytest.mark.parametrize(
    "local",
    [
        "mailer-daemon",
        "Postmaster",
        "noreply",
        "no-reply",
        "no.reply",
        "no_reply-42",
        "donotreply",
        "do-not-reply",
        "news-noreply",
        "bounce",
        "bounces+17",
        "x-bounces",
        "bounce-17=list",
        "b-bounces-33",
        "owner-town",
        "town-owner",
        "town-request",
        "listserv",
        "autoreply",
        "root",
        "notification",
    ],
)
def test_local_parts_of_programs(local: str) -> None:
    assert is_machine(f"{local}@example.jp")


@pytest.mark.parametrize("local", ["hanako", "reply", "bouncer", "nora", "rooth", "daemonic", "request", "owner"])
def test_local_parts_of_people(local: str) -> None:
    assert not is_machine(f"{local}@example.jp")


def test_every_reason_has_its_sentence() -> None:
    assert {reason for _, reason in NEVER} | {"not_addressed", "too_big"} <= REASONS.keys()
