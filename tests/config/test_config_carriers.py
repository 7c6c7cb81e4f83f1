"""Are the carriers that ship fit for the main job, and is a list of one's own checked?"""

from pathlib import Path

import pytest

from config import ConfigError, Settings
from config.carriers import load_carriers
from mailer.carrier.group import Carrier, Carriers, Help, Manners
from mailer.carrier.pace import Pace
from mailer.carrier.reason import Reason

SHIPPED = load_carriers(Settings.model_validate({}))
UNNAMED = '[unnamed]\npause = { value = "5m", source = "ours" }\n'


def own(directory: Path, text: str) -> Carriers:
    """Read a list of one's own."""
    file = directory / "carriers.toml"
    file.write_text(UNNAMED + text, encoding="utf-8")
    return load_carriers(Settings.model_validate({"carriers": {"file": str(file)}}))


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("docomo.ne.jp", "docomo"),
        ("au.com", "au"),
        ("ezweb.ne.jp", "au"),
        ("uqmobile.jp", "au"),
        ("biz.ezweb.ne.jp", "au"),
        ("softbank.ne.jp", "softbank"),
        ("i.softbank.jp", "softbank"),
        ("k.vodafone.ne.jp", "softbank"),
        ("disney.ne.jp", "softbank"),
        ("ymobile.ne.jp", "ymobile"),
        ("di.pdx.ne.jp", "ymobile"),
        ("rakumail.jp", "rakuten"),
        ("gmail.com", "google"),
        ("icloud.com", "apple"),
        ("yahoo.co.jp", "yahoo_japan"),
        ("yahoo.com", "yahoo"),
        ("outlook.jp", "microsoft"),
        ("jcom.home.ne.jp", "jcom"),
        ("mail.goo.ne.jp", "goo"),
        ("example.jp", None),
    ],
)
def test_whose_an_address_is(domain: str, name: str | None) -> None:
    found = SHIPPED.of_domain(domain)
    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("mfsmax.docomo.ne.jp", "docomo"),
        ("lsean.ezweb.ne.jp", "au"),
        ("msmx.au.com", "au"),
        ("mx.softbank.ne.jp", "softbank"),
        ("mx.mailsv.softbank.jp", "softbank"),
        ("ymx1.softbank.ne.jp", "ymobile"),
        ("mail-rakumail-jp.gslb.rmb-ss.jp", "rakuten"),
        ("alt1.aspmx.l.google.com", "google"),
        ("mx01.mail.icloud.com", "apple"),
        ("mta7.am0.yahoodns.net", "yahoo"),
        ("city-example-jp.mail.protection.outlook.com", "microsoft"),
        ("mx.example.jp", None),
    ],
)
def test_whose_a_host_is(host: str, name: str | None) -> None:
    found = SHIPPED.of_mx([host])
    assert (found and found.name) == name


def sent_within(seconds: float, manners: Manners) -> int:
    """Return how many urgent mails the pace lets out."""
    pace, now, sent = Pace.of(manners), 0.0, 0
    while now <= seconds:
        wait = pace.take(now, urgent=True)
        now, sent = (now + wait, sent) if wait else (now, sent + 1)
    return sent


@pytest.mark.parametrize("carrier", list(SHIPPED), ids=lambda carrier: carrier.name)
def test_at_least_250_urgent_mails_leave_within_a_minute(carrier: Carrier) -> None:
    assert sent_within(60.0, carrier.manners) >= 250


@pytest.mark.parametrize(
    ("name", "share"),
    [("docomo", 0.28), ("au", 0.20), ("softbank", 0.12), ("google", 0.20), ("apple", 0.06), ("yahoo_japan", 0.06)],
)
def test_a_city_of_3200_recipients_is_told_within_25_seconds(name: str, share: float) -> None:
    manners = next(carrier.manners for carrier in SHIPPED if carrier.name == name)
    assert sent_within(25.0, manners) >= 3_200 * share


@pytest.mark.parametrize("carrier", list(SHIPPED), ids=lambda carrier: carrier.name)
def test_ordinary_mail_is_slower_than_urgent_mail(carrier: Carrier) -> None:
    ordinary, urgent = carrier.manners.messages_per_second, carrier.manners.urgent_messages_per_second
    assert ordinary is not None
    assert urgent is not None
    assert ordinary < urgent


@pytest.mark.parametrize("carrier", list(SHIPPED), ids=lambda carrier: carrier.name)
def test_every_carrier_says_where_filtered_mail_is_and_how_to_ask_for_more(carrier: Carrier) -> None:
    assert all(words.endswith("。") and "届いた" not in words for words in (carrier.help.filter, carrier.help.ask))


def test_docomos_limit_of_100_recipients_a_session_is_kept() -> None:
    docomo = next(carrier for carrier in SHIPPED if carrier.name == "docomo")
    assert docomo.manners.messages_per_session <= 90


def test_sites_that_no_entry_names_follow_the_settings() -> None:
    settings = Settings.model_validate({"delivery": {"connections_per_site": 3, "messages_per_session": 7}})
    assert load_carriers(settings).default == Manners(3, 7, None, None, 300)


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    text = """
    [carrier.town]
    label = "町の会社"
    domains = ["Town.example.jp", "*.town.example.jp"]
    [carrier.town.help]
    ask = { value = "総務課へどうぞ。", source = "their letter of 2026-04-01" }
    [carrier.town.manners]
    connections = { value = 2, source = "their letter of 2026-04-01" }
    pause = { value = "90s", source = "their letter of 2026-04-01" }
    [[carrier.town.rule]]
    stage = ["rcpt"]
    code = '55[0-4]'
    phrases = ["Nobody Here"]
    reason = "address_unknown"
    source = "seen on 2026-04-02"
    [[rule]]
    text = 'later'
    reason = "mailbox_full"
    action = "defer"
    reader = true
    source = "seen on 2026-04-02"
    """
    carriers = own(tmp_path, text)
    town = carriers.of_domain("town.example.jp")
    assert town is not None
    assert town.manners == Manners(2, 100, None, None, 90)
    assert town.help == Help(filter="", ask="総務課へどうぞ。")
    (rule,) = town.rules
    assert (rule.kind, rule.action, rule.phrases) == ("hard", "refuse", ("nobody here",))
    assert (carriers.rules[0].kind, carriers.rules[0].action) == ("soft", "defer")
    assert (rule.reader, carriers.rules[0].reader) == (False, True)


RULE = '[[rule]]\nreason = "unclear"\nsource = "ours"\n'
CARRIER = '[carrier.{name}]\nlabel = "{name}"\n'


@pytest.mark.parametrize(
    ("text", "line", "key", "reason"),
    [
        (RULE, 3, "rule[1]", "empty_rule"),
        (RULE + 'code = "5(0"', 6, "rule[1].code", "pattern"),
        (RULE + 'stage = ["rcpto"]', 6, "rule[1].stage[1]", "choice"),
        (RULE + 'code = "5.."\nkind = "hard"\naction = "defer"', 8, "rule[1].action", "hard_defer"),
        (RULE + 'code = "4.."\nreader = true\npause = true', 8, "rule[1].pause", "reader_pause"),
        (RULE + 'code = "4.."\nreader = "yes"', 7, "rule[1].reader", "switch"),
        (RULE.replace("unclear", "complaint"), 4, "rule[1].reason", "choice"),
        ('[[rule]]\ncode = "5.."\nreason = "unclear"', 3, "rule[1].source", "missing"),
        (CARRIER.format(name="a") + "domain = []", 5, "carrier.a.domain", "unknown_near"),
        (CARRIER.format(name="a") + "manners.connections = 5", 5, "carrier.a.manners.connections", "not_a_section"),
        (
            CARRIER.format(name="a") + 'manners.connections = { value = 0, source = "x" }',
            5,
            "carrier.a.manners.connections.value",
            "whole",
        ),
        (CARRIER.format(name="a") + 'help.ask = { value = "x" }', 5, "carrier.a.help.ask.source", "missing"),
        (CARRIER.format(name="a") + 'mx_suffixes = ["*.a.jp"]', 5, "carrier.a.mx_suffixes[1]", "domain"),
        (
            CARRIER.format(name="a") + 'domains = ["x.jp"]\n' + CARRIER.format(name="b") + 'domains = ["y.jp", "X.jp"]',
            8,
            "carrier.b.domains[2]",
            "in_use",
        ),
    ],
)
def test_what_is_wrong_with_a_list(tmp_path: Path, text: str, line: int, key: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        own(tmp_path, text)
    assert [(problem.line, problem.key, problem.reason) for problem in caught.value.problems] == [(line, key, reason)]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.meaning.kind in ("hard", "soft")])
def test_every_reason_of_a_reply_can_be_given(tmp_path: Path, reason: Reason) -> None:
    carriers = own(tmp_path, RULE.replace("unclear", reason) + 'code = "550"\n')
    assert carriers.rules[0].reason is reason


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"/nowhere/carriers\.toml: there is no such file"):
        load_carriers(Settings.model_validate({"carriers": {"file": "/nowhere/carriers.toml"}}))
