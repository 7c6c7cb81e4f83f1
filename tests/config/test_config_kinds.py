"""Is each kind of value taken as it is meant, and everything else refused?"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from config import kinds

GOOD: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (kinds.switch, True, True),
    (kinds.whole(1, 9), 9, 9),
    (kinds.number(0.5, 9), 1, 1.0),
    (kinds.choice("ja", "en"), "en", "en"),
    (kinds.words(5), "滝川 小", "滝川 小"),
    (kinds.duration("1m", "2h"), "90s", timedelta(seconds=90)),
    (kinds.duration_or_never("1m", "2h"), "90s", timedelta(seconds=90)),
    (kinds.duration_or_never("1m", "2h"), "never", None),
    (kinds.minutes, ["58-01", "30"], frozenset({58, 59, 0, 1, 30})),
    (kinds.minutes, [], frozenset()),
    (kinds.path, "/srv/a b", Path("/srv/a b")),
    (kinds.domain, "Mail.Example.JP", "mail.example.jp"),
    (kinds.domain, "xn--eckwd4c7c.xn--zckzah", "xn--eckwd4c7c.xn--zckzah"),
    (kinds.domain_pattern, "*.vodafone.ne.jp", "*.vodafone.ne.jp"),
    (kinds.endpoint, "127.0.0.1:25", ("127.0.0.1", 25)),
    (kinds.endpoint, "[::1]:65535", ("::1", 65535)),
    (kinds.endpoint, "[::ffff:127.0.0.1]:25", ("::ffff:127.0.0.1", 25)),
    (kinds.endpoint, "localhost:8080", ("localhost", 8080)),
    (kinds.nameserver, "[2001:db8::53]:53", ("2001:db8::53", 53)),
    (kinds.ip, "2001:DB8:0::1", "2001:db8::1"),
    (kinds.base_url, "https://mail.example.jp", "https://mail.example.jp"),
    (kinds.base_url, "https://mail.example.jp:8443/", "https://mail.example.jp:8443"),
    (kinds.base_url, "http://localhost:8080", "http://localhost:8080"),
    (kinds.base_url, "http://127.8.9.1", "http://127.8.9.1"),
    (kinds.base_url, "http://[::1]:8080", "http://[::1]:8080"),
    (kinds.webhook_url, "https://monitor.example.jp/a?key=b%20c", "https://monitor.example.jp/a?key=b%20c"),
    (kinds.webhook_url, "http://127.0.0.1:9/hook", "http://127.0.0.1:9/hook"),
    (kinds.webhook_url, "http://[::1]:9", "http://[::1]:9"),
    (kinds.mailbox, "a..b@Docomo.ne.jp", "a..b@Docomo.ne.jp"),
    (kinds.one_mailbox_each, ("a@docomo.ne.jp", "A@docomo.ne.jp"), ("a@docomo.ne.jp", "A@docomo.ne.jp")),
    (kinds.program, ("/usr/bin/logger", "-t", "$(x)"), ("/usr/bin/logger", "-t", "$(x)")),
    (kinds.program, (), ()),
    (kinds.database_url, "sqlite:///srv/m.db", "sqlite:///srv/m.db"),
    (kinds.database_url, "sqlite:////srv/m.db", "sqlite:///srv/m.db"),
    (kinds.day, date(2026, 3, 31), date(2026, 3, 31)),
    (kinds.school_code, "t-daiichi", "t-daiichi"),
]

BAD: list[tuple[Callable[[Any], Any], list[Any]]] = [
    (kinds.minutes, ["58-01", 30, ["60"], ["5"], ["1-2"], [30], ["10-20-30"]]),
    (kinds.switch, ["true", 1, 0, None]),
    (kinds.whole(1, 9), [0, 10, True, 1.0, "1", None, []]),
    (kinds.number(0.5, 9), [0.4, 9.1, True, "1", float("nan"), float("inf")]),
    (kinds.choice("ja", "en"), ["JA", "", None, ["ja"], {}]),
    (kinds.words(5), ["", "  ", "123456", "a\nb", "a\u2028b", "a\u200bb", "\ud800", 5]),
    (kinds.duration("1m", "2h"), ["59s", "3h", "", "1.5h", 90, None, "99999999d"]),
    (kinds.duration_or_never("1m", "2h"), ["59s", "3h", "", "Never", 90, False]),
    (
        kinds.webhook_url,
        [
            "",
            5,
            "http://monitor.example.jp/",
            "https://",
            "ftp://monitor.example.jp/",
            "https://user:word@monitor.example.jp/",
            "https://monitor.example.jp/a b",
            "https://monitor.example.jp/a#b",
            "https://monitor.example.jp/a\r\nHost: b",
            "https://monitor.example.jp/監視",
            "https://monitor.example.jp:0/",
            "https://monitor.example.jp:99999/",
            "https://[::1/",
        ],
    ),
    (kinds.mailbox, ["", 5, "docomo.ne.jp", "a@b", "a b@docomo.ne.jp", "ａ@docomo.ne.jp"]),
    (kinds.one_mailbox_each, [("a@docomo.ne.jp", "a@DOCOMO.ne.jp")]),
    (kinds.program, [("logger",), ("./alarm", "/x")]),
    (kinds.path, ["", "srv", "~/x", "./x", "/a\0b", "/a\nb", 5]),
    (
        kinds.domain,
        [
            "jp",
            "",
            ".",
            "a..jp",
            "-a.jp",
            "a-.jp",
            "a_b.jp",
            "例え.jp",
            "a.jp.",
            "192.0.2.1",
            "a b.jp",
            "x" * 64 + ".jp",
            5,
        ],
    ),
    (kinds.domain_pattern, ["*", "*.", "*.jp", "a.*.jp", "**.a.jp"]),
    (
        kinds.endpoint,
        [
            "25",
            ":25",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:0",
            "127.0.0.1:65536",
            "::1:25",
            "[::1]",
            "[x]:1",
            "[127.0.0.1]:1",
            "a b:1",
            "127.0.0.1:２５",
            "256.0.0.1:25",
            25,
            None,
        ],
    ),
    (kinds.nameserver, ["ns.example.jp:53", "localhost:53", "127.0.0.1", "127.0.0.1:0"]),
    (kinds.ip, ["localhost", "192.0.2.256", "", 5]),
    (
        kinds.base_url,
        [
            "http://mail.example.jp",
            "https://",
            "https://a.jp/x",
            "https://a.jp?x",
            "https://a.jp#x",
            "https://u@a.jp",
            "https://u:p@a.jp",
            "ftp://a.jp",
            "a.jp",
            "https://a b.jp",
            "https://a.jp:x",
            "https://a.jp:99999",
            "http://127.0.0.1.example.jp",
            "http://localhost@evil.jp",
            "https://[::1",
            5,
        ],
    ),
    (
        kinds.database_url,
        [
            "",
            "sqlite://",
            "sqlite:///",
            "sqlite:m.db",
            "sqlite://srv/m.db",
            "sqlite:///a?b",
            "sqlite:///a#b",
            "postgresql://h/d",
            "/srv/m.db",
            5,
        ],
    ),
    (kinds.day, ["2026-03-31", datetime(2026, 3, 31, 1, 2), 5]),  # noqa: DTZ001 - TOML has such times, and they are refused
    (kinds.school_code, ["", "T-daiichi", "-a", "a-", "a b", "a@b", "滝川", "x" * 41, 5]),
    (kinds.pattern, ["(", "", 5]),
]


@pytest.mark.parametrize(("check", "value", "result"), GOOD)
def test_good_values(check: Callable[[Any], Any], value: Any, result: Any) -> None:
    assert check(value) == result


@pytest.mark.parametrize(("check", "value"), [(check, value) for check, values in BAD for value in values])
def test_bad_values(check: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(PydanticCustomError):
        check(value)


def test_an_invisible_character_is_named() -> None:
    with pytest.raises(PydanticCustomError, match=r"invisible character U\+200B"):
        kinds.words(64)("滝川\u200b小学校")
