"""For whom do we take mail, and for whom not?"""

import pytest

from mailer.domain.answering import refusal
from mailer.message.verp import Verp
from mailer.net.inbound_path import read_argument
from mailer.net.inbound_policy import Kind, Recipient, policy

DOMAIN = "mail.mimamori-iwamizawa.jp"
VERP = Verp(bytes(32), DOMAIN)
OTHER_KEY = Verp(bytes(31) + b"x", DOMAIN)


def judge(address: str) -> Recipient | str:
    """Return what becomes of one address in RCPT."""
    path, _ = read_argument("TO:", f"TO:<{address}>")
    return policy(DOMAIN, ["t-daiichi"], VERP.read).judge(path)


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize("address", [f"t-daiichi@{DOMAIN}", f"postmaster@{DOMAIN}", f"abuse@{DOMAIN}", "postmaster"])
def test_the_schools_and_the_roles_are_at_home_in_any_case(address: str, case: type[str]) -> None:
    assert isinstance(judge(case(address)), Recipient)


def test_the_postmaster_without_a_domain_is_ours() -> None:
    assert judge("Postmaster") == Recipient(f"postmaster@{DOMAIN}")


def test_a_verp_address_with_a_good_mac_names_its_queue_item() -> None:
    assert judge(VERP.make(4711)) == Recipient(VERP.make(4711), Kind.BOUNCE, 4711)
    assert judge(VERP.make(4711).upper()) == Recipient(VERP.make(4711).upper(), Kind.BOUNCE, 4711)


@pytest.mark.parametrize(
    ("local", "kind"),
    [
        ("t-daiichi", Kind.SCHOOL),
        ("Abuse", Kind.ROLE),
        ("dmarc-reports", Kind.REPORT),
        ("TLS-Reports", Kind.REPORT),
    ],
)
def test_each_address_has_its_purpose(local: str, kind: Kind) -> None:
    assert judge(f"{local}@{DOMAIN}") == Recipient(f"{local}@{DOMAIN}", kind)


def test_a_school_may_refuse_in_its_own_words() -> None:
    reply = "550 5.7.1 This address is not read; call the school"
    refusing = policy(DOMAIN, ["t-daiichi", "t-daini"], VERP.read, refusals={"t-daini": reply})
    for local, expected in (("T-Daini", reply), ("t-daiichi", Recipient(f"t-daiichi@{DOMAIN}", Kind.SCHOOL))):
        path, _ = read_argument("TO:", f"TO:<{local}@{DOMAIN}>")
        assert refusing.judge(path, "a@b.example") == expected


@pytest.mark.parametrize("address", [OTHER_KEY.make(4711), f"nobody@{DOMAIN}", f"b-1-aaaa@{DOMAIN}", f"a.b%c@{DOMAIN}"])
def test_nobody_else_lives_here(address: str) -> None:
    assert judge(address) == "550 5.1.1 No such address here"


@pytest.mark.parametrize(
    "address",
    [
        "victim@evil.example",
        f"@{DOMAIN}:victim@evil.example",
        f"postmaster@x.{DOMAIN}",
        "postmaster@[127.0.0.1]",
        f"postmaster@{DOMAIN}.evil.example",
    ],
)
def test_we_relay_for_nobody(address: str) -> None:
    assert judge(address) == "550 5.7.1 Relaying denied"


def test_the_reverse_path_of_a_single_mail_is_taken_and_names_no_item() -> None:
    ours = policy(DOMAIN, ["t-daiichi"], VERP.read, VERP.of_singles().read)
    for address, expected in (
        (VERP.of_singles().make(7), Recipient(VERP.of_singles().make(7), Kind.SINGLE)),
        (VERP.make(7), Recipient(VERP.make(7), Kind.BOUNCE, 7)),
        (OTHER_KEY.of_singles().make(7), "550 5.1.1 No such address here"),
    ):
        path, _ = read_argument("TO:", f"TO:<{address}>")
        assert ours.judge(path, "hanako@docomo.ne.jp") == expected


def test_a_school_that_refuses_says_whom_to_phone_and_takes_returned_mail() -> None:
    ours = policy(DOMAIN, ["a", "b"], VERP.read, refusals={"a": refusal("0125-22-0000")})
    path, _ = read_argument("TO:", f"TO:<A@{DOMAIN}>")
    reply = ours.judge(path, "hanako@docomo.ne.jp")
    assert reply == ("550 5.2.1 This address sends mail only and takes none. Please telephone the school: 0125-22-0000")
    assert ours.judge(path, "") == ours.judge(path) == Recipient(f"A@{DOMAIN}", Kind.SCHOOL)
    other, _ = read_argument("TO:", f"TO:<b@{DOMAIN}>")
    assert ours.judge(other, "hanako@docomo.ne.jp") == Recipient(f"b@{DOMAIN}", Kind.SCHOOL)
    assert refusal("").isascii()
    assert len(refusal("0" * 30)) < 500
