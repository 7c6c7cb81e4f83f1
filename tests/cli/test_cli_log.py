"""Is a log line one line, in ASCII, without addresses in clear?"""

import ast
import io
import logging
import time
from pathlib import Path

import pytest

from mailer.log import LineFormatter, shorten


def line(level: int, message: str, *args: object) -> str:
    record = logging.LogRecord("mailer.net", level, __file__, 1, message, args, None)
    record.created = 1_800_000_000.5
    return LineFormatter().format(record)


def test_a_line_reads_like_this() -> None:
    assert line(logging.INFO, "%d items", 3) == "2027-01-15T17:00:00.500+09:00 info mailer.net: 3 items"


def test_nobody_forges_a_line() -> None:
    quoted = line(logging.INFO, "reply %s", "550 no\r\n2027-01-15 info mailer.net: accepted\x1b[2K\x85\u2028")
    assert quoted.endswith(r"reply 550 no\r\n2027-01-15 info mailer.net: accepted\x1b[2K\x85\u2028")


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        ("to=<taro@docomo.ne.jp>", "to=<t***o@docomo.ne.jp>"),
        ("to a..b.@ezweb.ne.jp, x@y.jp", "to a***.@ezweb.ne.jp, ***@y.jp"),
        ('<"a..b"@docomo.ne.jp>: unknown', "<a***b@docomo.ne.jp>: unknown"),
        ("see ?to=taro%40docomo.ne.jp&x", "see ?to=t***o%40docomo.ne.jp&x"),
        ("taro＠docomo.ne.jp is full", "t***o\\uff20docomo.ne.jp is full"),
        ("山田子@例え.jp は", "\\u5c71***\\u5b50@\\u4f8b\\u3048.jp \\u306f"),
    ],
)
def test_addresses_are_shortened_wherever_they_stand(quoted: str, shown: str) -> None:
    assert line(logging.WARNING, "%s", quoted).partition(": ")[2] == shown


def test_debugging_shows_whole_addresses() -> None:
    assert line(logging.DEBUG, "taro@docomo.ne.jp").endswith("taro@docomo.ne.jp")


def test_a_long_line_is_no_burden() -> None:
    began = time.process_time()
    line(logging.INFO, "%s", "a" * 50_000 + '"' * 1_000)
    assert time.process_time() - began < 1


def test_a_traceback_is_folded_into_the_line() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(LineFormatter())
    logger = logging.Logger("mailer")
    logger.addHandler(handler)
    try:
        raise ValueError("bad taro@docomo.ne.jp")
    except ValueError:
        logger.exception("failed")
    assert out.getvalue().count("\n") == 1
    assert "t***o@docomo.ne.jp" in out.getvalue()


def test_shorten_shows_the_ends_of_long_names_only() -> None:
    assert [shorten(f"{local}@x.jp") for local in ("a", "ab", "abc", '"a b"')] == [
        "***@x.jp",
        "***@x.jp",
        "a***c@x.jp",
        "a***b@x.jp",
    ]


def test_what_we_write_ourselves_needs_no_escape() -> None:
    for path in (Path(__file__).resolve().parents[2] / "mailer").rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        for call in calls:
            if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in ("log", "logger"):
                assert ast.unparse(call).isascii(), path
