"""Does what a far server quotes of a mail stay out of the store and the log?"""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest

from config import Settings
from config.carriers import load_carriers
from mailer.dispatcher.job import job_of
from mailer.dispatcher.outcomes import Outcomes
from mailer.dispatcher.ways import Way
from mailer.domain.receipt import token, url
from mailer.net.transport import Session
from mailer.service import broadcast, dispatch
from mailer.service.office import Office
from mailer.smtp.envelope import Fact, ForwardPath
from mailer.smtp.reply import Reply, Stage
from mailer.store.database import transaction
from mailer.store.models import Attempt, QueueItem
from mailer.store.writer import Writer
from tests.conftest import Register


class AtOnce:
    """A writer that does what it is given while it is asked."""

    def submit(self, work: Callable[[], Any]) -> "Future[Any]":
        """Do it, and return its end."""
        done: Future[Any] = Future()
        with transaction():
            done.set_result(work())
        return done


async def test_a_token_that_an_acceptance_quotes_is_not_written_down(office: Office, register: Register) -> None:
    register("t-daiichi", "taro@docomo.ne.jp")
    broadcast.send(office, broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", True, urgent=True, actor="t"))
    with transaction():
        (claimed,) = dispatch.claim(office, ["docomo.ne.jp"], 1, "w0")
    outcomes = Outcomes(office, load_carriers(Settings.model_validate({})), cast(Writer, AtOnce()))
    quoted = token(office.receipt_key, claimed.item_id)
    job = job_of(claimed, Way(0.0), frozenset())
    reply = Reply(250, f"Ok %2Fr%2F{quoted} {quoted}")
    fact = Fact(ForwardPath(job.address), Stage.EOD, reply, heard=((Stage.EOD, 5, reply),))
    here = {"peer": "mx[192.0.2.1]:25", "tls": "", "age": 1.0, "connected": None, "hostname": "x", "heard": ()}
    outcomes.of_fact(None, job, fact, cast(Session, SimpleNamespace(**here, record=None)))
    await outcomes.drained()
    assert QueueItem.get_by_id(claimed.item_id).reply == "Ok %2Fr%2F*** ***"
    assert quoted not in Attempt.get(Attempt.item == claimed.item_id).transcript


async def test_neither_a_receipt_url_nor_an_address_that_a_reply_quotes_is_written_down(
    office: Office, register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    register("t-daiichi", "taro.yamada@docomo.ne.jp")
    broadcast.send(office, broadcast.BroadcastRequest(("t-daiichi",), "件名", "本文", True, urgent=True, actor="t"))
    with transaction():
        (claimed,) = dispatch.claim(office, ["docomo.ne.jp"], 1, "w0")
    outcomes = Outcomes(office, load_carriers(Settings.model_validate({})), cast(Writer, AtOnce()))
    quoted = url("https://m.example", token(office.receipt_key, claimed.item_id))
    with caplog.at_level(logging.INFO):
        outcomes.not_written(job_of(claimed, Way(0.0), frozenset()), f"{quoted} to Taro.Yamada＠docomo.ne.jp")
        await outcomes.drained()
    assert QueueItem.get_by_id(claimed.item_id).reply == "https://m.example/r/*** to Taro.Yamada＠docomo.ne.jp"
    (line,) = [record.getMessage() for record in caplog.records if record.name == "mailer.dispatcher.outcomes"]
    assert line.endswith("https://m.example/r/*** to ***＠docomo.ne.jp")
