"""Does no trouble flood the log?"""

import io
import logging
from collections.abc import Iterator

import pytest

from mailer import log


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger whose lines are kept, as they pass the services' filter and formatter."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(log.LineFormatter())
    handler.addFilter(log.Throttle())
    logger = logging.getLogger("flood")
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def said(logger: logging.Logger) -> list[str]:
    """Return the lines without their times."""
    (handler,) = logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    return [line.partition(" ")[2] for line in handler.stream.getvalue().splitlines()]


def trouble(logger: logging.Logger, number: int) -> None:
    """Say that something went wrong."""
    logger.error("no room for %d", number)


def test_errors_of_one_kind_come_once_a_second_with_the_number_kept_back(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        trouble(logger, number)
    logger.error("another kind")
    monkeypatch.setattr(log, "PAUSE_SECONDS", 0.0)
    trouble(logger, 100)
    assert said(logger) == [
        "error flood: no room for 0",
        "error flood: another kind",
        "error flood: no room for 100 (99 more like it before)",
    ]


def test_what_happens_in_the_ordinary_way_is_all_told(logger: logging.Logger) -> None:
    logger.setLevel(logging.INFO)
    for number in range(3):
        logger.info("mail %d", number)
    assert said(logger) == [f"info flood: mail {number}" for number in range(3)]
