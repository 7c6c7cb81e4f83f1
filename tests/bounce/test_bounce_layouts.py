"""Does a reply of the world mean the same in the report of whichever server hands it on?

The tables of `tests/carrier` hold the replies: each is read in one layout, the next in the next.
"""

from functools import cache

import pytest

from config import Settings
from config.bounces import load_bounces
from mailer.bounce.event import Event, Kind
from mailer.bounce.parse import read
from mailer.bounce.rulebook import Rulebook
from tests.bounce.layouts import LAYOUTS, READER, hands_on
from tests.carrier.replies import MX, Row, living, world

_STAGES = ("connect", "ehlo", "mail", "rcpt", "data", "eod")


@cache
def _book() -> Rulebook:
    return load_bounces(Settings.model_validate({}))


def _event(layout: str, stage: str, mx: str, reply: str) -> Event | None:
    events = read(hands_on(layout, stage, mx, reply), _book()).events
    return events[0] if [event.recipient for event in events] == [READER] else None


def _rows(layout: str) -> list[Row]:
    told = [row for row in world() if row.stage in _STAGES and row.reply[:1] in ("4", "5")]
    return told[LAYOUTS.index(layout) :: 2 * len(LAYOUTS)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_reply_that_is_handed_on_is_read_as_it_was_said(layout: str) -> None:
    rows = _rows(layout)
    events = [_event(layout, row.stage, row.mx, row.reply) for row in rows]
    right = [event is not None and event.reason in row.reasons for event, row in zip(events, rows, strict=True)]
    assert all(event is not None for event in events)
    assert sum(right) >= 0.95 * len(rows)  # a report tells less than a session: of Sendmail's ">>> DATA", not how far


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_living_address_is_called_dead_in_a_report(layout: str) -> None:
    wrong = [row for row in _rows(layout) if "hard" not in row.kinds]
    replies = [(row.stage, row.mx, row.reply) for row in wrong]
    replies += [("rcpt", MX, reply) for reply in living()[LAYOUTS.index(layout) :: len(LAYOUTS)]]
    events = {reply: _event(layout, stage, mx, reply) for stage, mx, reply in replies}
    assert [reply for reply, event in events.items() if event is not None and event.kind is Kind.HARD] == []
