"""How does an operator see and steer the queue?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.announced import lane_word, reason_words, reply_words, state_word
from mailer.cli.failure import Refused
from mailer.cli.selection import insist, item_number, reasoned, selecting, selection, steering
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.schedule.outcome import Evidence
    from mailer.service.office import Office
    from mailer.service.queue import QueuedItem, Selection, Shown

Deed = Callable[["Office", "Selection", str, str], int]


@click.group(cls=Verbs, help=N_("The queue: every recipient of every announcement, one item each."))
def queue() -> None:
    """Group the verbs about the queue."""


@queue.command(
    "list", cls=Verb, help=N_("Show the items that wait, are being sent or are held; with --json as JSON lines.")
)
@selecting
@option("--limit", type=click.IntRange(1), help=N_("How many at most."))
@click.pass_obj
def list_(session: Session, /, limit: int | None, **criteria: Any) -> None:
    """Show items."""
    from mailer.ids import queue_id
    from mailer.service import queue as desk

    with session.office() as office:
        found = desk.list_(office, selection(session, office, criteria), limit)
        if session.json:
            output.lines(map(_document, found))
            return
        heads = [_("queue id"), _("broadcast"), _("recipient"), _("state"), _("tries"), _("next try"), _("last reply")]
        rows = [
            (
                queue_id(item.id),
                item.announcement_id,
                item.address,
                state_word(item.word),
                item.attempts,
                item.next_attempt_at if item.word in ("waiting", "deferred") else "",
                _said(item.evidence),
            )
            for item in found
        ]
    output.table(heads, rows) if rows else output.say(_("Nothing waits."))


@queue.command("show", cls=Verb, help=N_("Show one item with everything that was tried."))
@click.argument("name", metavar="QUEUE-ID")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show one item."""
    from mailer.service import queue as desk

    item_number(name)
    with session.office() as office:
        shown = desk.show(office, name)
    if shown is None:
        raise Refused(_("There is no queue item {name}.").format(name=name))
    if session.json:
        output.document({**_document(shown.item), "attempts": [_tried(one) for one in shown.attempts]})
    else:
        _describe(shown)


@queue.command(
    "flush", cls=Verb, help=N_("Try items now, whatever their backoff; without a selection the whole queue.")
)
@selecting
@reasoned
@click.pass_obj
def flush(session: Session, /, why: str, **criteria: Any) -> None:
    """Make items due now."""
    from mailer.service import queue as desk

    _do(session, criteria, why, desk.flush, _("Items that are due now: {count}"))


@queue.command("hold", cls=Verb, help=N_("Keep items from leaving until they are released."))
@steering
@click.pass_obj
def hold(session: Session, /, everything: bool, why: str, **criteria: Any) -> None:
    """Hold items."""
    from mailer.service import queue as desk

    insist(criteria, everything)
    _do(session, criteria, why, desk.hold, _("Items held: {count}"))


@queue.command("release", cls=Verb, help=N_("Let held items wait for their try again."))
@steering
@click.pass_obj
def release(session: Session, /, everything: bool, why: str, **criteria: Any) -> None:
    """Release items."""
    from mailer.service import queue as desk

    insist(criteria, everything)
    _do(session, criteria, why, desk.release, _("Items released: {count}"))


@queue.command("remove", cls=Verb, help=N_("Give items up; they end as cancelled and stay in the accounting."))
@selecting
@reasoned
@option("--yes", is_flag=True, help=N_("Do not ask."))
@click.pass_obj
def remove(session: Session, /, yes: bool, why: str, **criteria: Any) -> None:
    """Give items up."""
    from mailer.service import queue as desk

    insist(criteria, False)
    if session.asks and not yes:
        click.confirm(_("Give these items up?"), abort=True, err=True)
    _do(session, criteria, why, desk.remove, _("Items removed: {count}"))


def _do(session: Session, criteria: dict[str, Any], why: str, deed: Deed, words: str) -> None:
    with session.office() as office:
        count = deed(office, selection(session, office, criteria), session.actor, why)
    if session.json:
        output.document({"items": count})
    else:
        output.say(words.format(count=count))


def _said(evidence: "Evidence") -> str:
    return f"{evidence.host} {reply_words(evidence.code, evidence.text, evidence.reason)}".strip()


def _document(item: "QueuedItem") -> dict[str, Any]:
    from mailer.ids import queue_id

    return {
        "id": queue_id(item.id),
        "broadcast": item.announcement_id,
        "school": item.school,
        "address": item.address,
        "domain": item.domain,
        "lane": item.lane.name.lower(),
        "state": item.word,
        "attempts": item.attempts,
        "possible_duplicate": item.possible_duplicate,
        "next_attempt_at": item.next_attempt_at,
        "expires_at": item.expires_at,
        "settled_at": item.settled_at,
        "evidence": _evidence(item.evidence),
    }


def _evidence(said: "Evidence") -> dict[str, Any]:
    return {name: getattr(said, name) for name in ("host", "stage", "code", "enhanced", "text", "tls", "reason")}


def _tried(one: Any) -> dict[str, Any]:
    verdict = one.verdict and one.verdict.value
    times = {"number": one.number, "started_at": one.started_at, "ended_at": one.ended_at}
    return {**times, "verdict": verdict, "evidence": _evidence(one.evidence)}


def _describe(shown: "Shown") -> None:
    from mailer.ids import queue_id

    item = shown.item
    output.facts(
        [
            (_("queue id"), queue_id(item.id)),
            (_("broadcast"), item.announcement_id),
            (_("school"), item.school),
            (_("recipient"), item.address),
            (_("lane"), lane_word(item.lane.name.lower())),
            (_("state"), state_word(item.word)),
            (_("why"), reason_words(item.evidence.reason)),
            (_("next try"), item.next_attempt_at if item.word in ("waiting", "deferred") else None),
            (_("is tried until"), item.expires_at),
        ]
    )
    if shown.attempts:
        output.say("")
        heads = [_("try"), _("began"), _("ended"), _("result"), _("stage"), _("host"), _("reply")]
        output.table(heads, map(_attempt, shown.attempts))


def _attempt(one: Any) -> tuple[object, ...]:
    said = one.evidence
    verdicts = {
        "accepted": _("accepted by the carrier"),
        "deferred": _("put off"),
        "refused": _("refused"),
        "lost": _("unknown"),
    }
    result = verdicts[one.verdict.value] if one.verdict else _("under way")
    reply = reply_words(said.code, said.text, said.reason)
    return (one.number, one.started_at, one.ended_at, result, said.stage, said.host, reply)
