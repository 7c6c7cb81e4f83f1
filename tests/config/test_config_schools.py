"""Are the schools those of the public FAQ, and is a list of one's own checked?"""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config import ConfigError, Settings, load_schools
from mailer.domain.answering import Replies, ReplyPolicy

DOMAIN = "mail.mimamori-iwamizawa.jp"
#: The rows of the FAQ, in its order and with its signs.
FAQ = """\
滝川第一小学校	t-daiichi@mail.mimamori-iwamizawa.jp
滝川第二小学校	t-daini@mail.mimamori-iwamizawa.jp
滝川第三小学校	t-daisan@mail.mimamori-iwamizawa.jp
西小学校	t-nishi@mail.mimamori-iwamizawa.jp
東栄小学校	t-toei@mail.mimamori-iwamizawa.jp
江部乙小学校	t-ebeotsu@mail.mimamori-iwamizawa.jp
東小学校	t-higashi@mail.mimamori-iwamizawa.jp
江陵中学校	t-kouryoj@mail.mimamori-iwamizawa.jp
明苑中学校	t-meienj@mail.mimamori-iwamizawa.jp
開西中学校	t-kaiseij@mail.mimamori-iwamizawa.jp
江部乙中学校	t-ebeotsuj@mail.mimamori-iwamizawa.jp
"""
SCHOOL = '[[school]]\ncode = "{code}"\nname = "{code}"\ncity = "yubari"\nkind = "elementary"\n'


def with_file(directory: Path, text: str, domain: str = DOMAIN) -> Settings:
    """Return settings with a school list of one's own."""
    file = directory / "schools.toml"
    file.write_text(text, encoding="utf-8")
    return Settings.model_validate({"domain": {"name": domain}, "schools": {"file": str(file)}})


def problems(settings: Settings) -> list[tuple[Any, str, str]]:
    """Return line, key and reason of all that is wrong with the list."""
    with pytest.raises(ConfigError) as caught:
        load_schools(settings)
    return [(problem.line, problem.key, problem.reason) for problem in caught.value.problems]


def test_the_schools_of_the_faq() -> None:
    schools = list(load_schools(Settings.model_validate({})))
    assert [f"{school.name}\t{school.address}" for school in schools] == FAQ.splitlines()
    assert all(school.address == f"{school.code}@{DOMAIN}" for school in schools)
    assert [school.order for school in schools] == list(range(11))
    assert {school.city for school in schools} == {"takikawa"}
    assert [school.kind for school in schools] == ["elementary"] * 7 + ["junior_high"] * 4


def test_the_three_cities_and_their_features() -> None:
    schools = load_schools(Settings.model_validate({}))
    assert {code: city.label for code, city in schools.cities.items()} == {
        "iwamizawa": "岩見沢市",
        "takikawa": "滝川市",
        "yubari": "夕張市",
    }
    assert all(city.broadcasts and city.receipts for city in schools.cities.values())


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    text = """
    [city.yubari]
    label = "夕張市"
    receipts = false
    [[school]]
    code = "y-new"
    name = "夕張小学校"
    city = "yubari"
    kind = "elementary"
    [[school]]
    code = "y-old"
    name = "旧小学校"
    address = "y-old@mail.example.jp"
    city = "yubari"
    kind = "elementary"
    closed_on = 2026-03-31
    merged_into = "y-new"
    """
    schools = load_schools(with_file(tmp_path, text, "mail.example.jp"))
    new, old = schools
    assert new.address == "y-new@mail.example.jp"
    assert (old.closed_on, old.merged_into) == (date(2026, 3, 31), "y-new")
    assert schools.open() == (new,)
    assert not schools.city_of(old).receipts
    assert schools.city_of(old).broadcasts


def test_a_city_that_is_not_described_uses_every_feature(tmp_path: Path) -> None:
    schools = load_schools(with_file(tmp_path, SCHOOL.format(code="a")))
    city = schools.city_of(schools.by_code["a"])
    assert city.receipts
    assert city.broadcasts


def test_addresses_must_be_those_of_the_domain(tmp_path: Path) -> None:
    text = SCHOOL.format(code="a") + 'address = "a@elsewhere.example.jp"\n' + SCHOOL.format(code="b")
    assert problems(with_file(tmp_path, text)) == [(6, "school[1].address", "wrong_address")]


def test_the_shipped_list_says_once_that_it_is_for_another_domain() -> None:
    settings = Settings.model_validate({"domain": {"name": "mail.example.jp"}})
    assert [reason for _, _, reason in problems(settings)] == ["other_domain"]


@pytest.mark.parametrize("code", ["postmaster", "abuse", "mailer-daemon"])
def test_codes_that_belong_to_the_domain_itself(tmp_path: Path, code: str) -> None:
    assert problems(with_file(tmp_path, SCHOOL.format(code=code))) == [(2, "school[1].code", "in_use")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [(None, "school", "missing")]),
        ("school = []", [(1, "school", "empty_list")]),
        ('[school]\ncode = "a"', [(1, "school", "not_sections")]),
        ("[[school]]", [(1, f"school[1].{key}", "missing") for key in ("code", "name", "city", "kind")]),
        (SCHOOL.format(code="a") + SCHOOL.format(code="a"), [(7, "school[2].code", "twice")]),
        (SCHOOL.format(code="A"), [(2, "school[1].code", "school_code")]),
        (SCHOOL.format(code="a").replace("yubari", "sapporo"), [(4, "school[1].city", "choice")]),
        (SCHOOL.format(code="a").replace("elementary", "小"), [(5, "school[1].kind", "choice")]),
        (SCHOOL.format(code="a") + "[city.sapporo]\nlabel = '札幌市'", [(6, "city.sapporo", "unknown_city")]),
        (
            SCHOOL.format(code="a") + "[city.yubari]\nlabel = '夕張市'\nmail = true",
            [(8, "city.yubari.mail", "unknown_key")],
        ),
        (SCHOOL.format(code="a") + 'merged_into = "b"', [(6, "school[1].merged_into", "no_school")]),
        (
            SCHOOL.format(code="a") + 'merged_into = "b"\n' + SCHOOL.format(code="b"),
            [(6, "school[1].merged_into", "not_closed")],
        ),
        (SCHOOL.format(code="a") + 'closed_on = "2026-03-31"', [(6, "school[1].closed_on", "day")]),
        (SCHOOL.format(code="a").replace('name = "a"', 'name = "a\\u000ab"'), [(3, "school[1].name", "hidden")]),
    ],
)
def test_what_is_wrong_with_a_list(tmp_path: Path, text: str, found: list[tuple[Any, str, str]]) -> None:
    assert problems(with_file(tmp_path, text)) == found


def test_who_says_nothing_of_replies_sends_a_notice(tmp_path: Path) -> None:
    (school,) = load_schools(with_file(tmp_path, SCHOOL.format(code="a")))
    assert school.replies == Replies(ReplyPolicy.NOTICE)
    assert {school.replies for school in load_schools(Settings.model_validate({}))} == {Replies(ReplyPolicy.NOTICE)}


def test_what_is_said_of_replies_for_all_holds_where_a_school_says_nothing_else(tmp_path: Path) -> None:
    common = '[replies]\npolicy = "forward"\nforward_to = "all@city.example.jp"\nphone = "0125-22-0000"\n'
    own = 'replies = "notice"\nphone = "+81 125 22 1111"\nreply_text = """\n電話でお願いします。\nお急ぎの方も。\n"""\n'
    closed = 'closed_on = 2026-03-31\nreplies = "refuse"\n'
    text = common + SCHOOL.format(code="a") + SCHOOL.format(code="b") + own + SCHOOL.format(code="c") + closed
    mailbox = "all@city.example.jp"
    assert [school.replies for school in load_schools(with_file(tmp_path, text))] == [
        Replies(ReplyPolicy.FORWARD, mailbox, "0125-22-0000"),
        Replies(ReplyPolicy.NOTICE, mailbox, "+81 125 22 1111", "電話でお願いします。\nお急ぎの方も。"),
        Replies(ReplyPolicy.REFUSE, mailbox, "0125-22-0000"),
    ]


@pytest.mark.parametrize(
    ("common", "own", "found"),
    [
        ("", 'replies = "forward"', [(6, "school[1].replies", "no_forward_to")]),
        ('[replies]\npolicy = "forward"\n', "", [(3, "school[1].replies", "no_forward_to")]),
        ("", 'replies = "ignore"', [(6, "school[1].replies", "choice")]),
        ("", 'forward_to = "nobody"', [(6, "school[1].forward_to", "mailbox")]),
        ("", f'forward_to = "b@{DOMAIN}"', [(6, "school[1].forward_to", "comes_back")]),
        (f'[replies]\nforward_to = "b@{DOMAIN.upper()}"\n', "", [(2, "replies.forward_to", "comes_back")]),
        ("", 'phone = "お電話"', [(6, "school[1].phone", "phone")]),
        ("", 'reply_text = " "', [(6, "school[1].reply_text", "text")]),
        ("", 'reply_text = "a\\u0000b"', [(6, "school[1].reply_text", "hidden")]),
        ('[replies]\nreply_text = "a"\n', "", [(2, "replies.reply_text", "unknown_key")]),
    ],
)
def test_what_is_wrong_with_replies(tmp_path: Path, common: str, own: str, found: list[tuple[Any, str, str]]) -> None:
    assert problems(with_file(tmp_path, common + SCHOOL.format(code="a") + own)) == found


def test_mergers_that_lead_round(tmp_path: Path) -> None:
    closed = 'closed_on = 2026-03-31\nmerged_into = "{}"\n'
    text = "".join(
        SCHOOL.format(code=code) + closed.format(into) for code, into in [("a", "b"), ("b", "a"), ("c", "a")]
    )
    assert [key for _, key, _ in problems(with_file(tmp_path, text))] == [
        "school[1].merged_into",
        "school[2].merged_into",
    ]


def test_a_file_that_is_not_there() -> None:
    settings = Settings.model_validate({"schools": {"file": "/nowhere/schools.toml"}})
    assert problems(settings) == [(None, "", "no_file")]
