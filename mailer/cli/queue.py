"""How does an operator see and steer the queue?"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output, suspending, transcript
from mailer.cli.announced import lane_word, marked, reason_words, reply_words, state_word, under_way_words
from mailer.cli.failure import Refused
from mailer.cli.parameters import MOST, Duration
from mailer.cli.selection import insist, item_number, lasting, reasoned, selecting, selection, steering
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.schedule.outcome import Evidence
    from mailer.service.office import Office
    from mailer.service.queue import QueuedItem, Selection, Shown
    from mailer.service.stops import Stops

Deed = Callable[["Office", "Selection", str, str], int]
LATER = {name: f"mailer.cli.suspending:{name}" for name in ("suspend", "resume", "suspended")}


@click.group(cls=Verbs, later=LATER, help=N_("The queue: every recipient of every announcement, one item each."))
def queue() -> None:
    """Group the verbs about the queue."""


@queue.command(
    "list", cls=Verb, help=N_("Show the items that wait, are being sent or are held; with --json as JSON lines.")
)
@selecting
@option("--limit", type=click.IntRange(1, MOST), help=N_("How many at most."))
@click.pass_obj
def list_(session: Session, /, limit: int | None, **criteria: Any) -> None:
    """Show items."""
    from mailer.schedule.queue_id import queue_id
    from mailer.service import queue as desk
    from mailer.service import stops

    with session.office():
        found = desk.list_(selection(session, criteria), limit)
        standing = stops.standing()
        if session.json:
            output.lines(_document(item, standing) for item in found)
            return
        heads = [_("queue id"), _("broadcast"), _("recipient"), _("state"), _("tries"), _("next try"), _("last reply")]
        rows = [
            (
                queue_id(item.id),
                item.announcement_id,
                item.address,
                _state(item, standing),
                item.attempts,
                item.next_try if item.word in ("waiting", "deferred") else "",
                _said(item.evidence),
            )
            for item in found
        ]
        stopped = stops.suspended()
    output.table(heads, rows) if rows else output.say(_("Nothing waits."))
    if stopped:
        output.say("")
        suspending.table(stopped)


@queue.command("show", cls=Verb, help=N_("Show one item with everything that was tried and said."))
@click.argument("name", metavar="QUEUE-ID")
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Show one item."""
    from mailer.service import queue as desk
    from mailer.service import stops

    item_number(name)
    with session.office() as office:
        shown = desk.show(office, name)
        standing = stops.standing()
    if shown is None:
        raise Refused(_("There is no queue item {name}.").format(name=name))
    if session.json:
        pairs = zip(shown.attempts, shown.transcripts, strict=True)
        attempts = [{**_tried(one), **transcript.document(one, lines)} for one, lines in pairs]
        told = {"held_until": shown.held_until, "attempts": attempts}
        output.document({**_document(shown.item, standing), **told})
    else:
        _describe(shown, standing)


@queue.command(
    "flush", cls=Verb, help=N_("Try items now, whatever their backoff; without a selection the whole queue.")
)
@selecting
@reasoned
@click.pass_obj
def flush(session: Session, /, why: str, **criteria: Any) -> None:
    """Make items due now."""
    from mailer.service import queue as desk
    from mailer.service import stops

    with session.office() as office:
        chosen = selection(session, criteria)
        count = desk.flush(office, chosen, session.actor, why)
        kept = stops.kept(office, chosen)
    if session.json:
        output.document({"items": count, "suspended": kept})
        return
    output.say(_("Items that are tried now: {count}").format(count=max(0, count - kept)))
    if kept:
        output.note(suspending.kept_words(kept))


@queue.command("hold", cls=Verb, help=N_("Keep items from leaving, for a time or until they are released."))
@steering
@lasting
@click.pass_obj
def hold(session: Session, /, everything: bool, why: str, lasting: timedelta | None, **criteria: Any) -> None:
    """Hold items."""
    from mailer.service import queue as desk

    insist(criteria, everything)
    with session.office() as office:
        chosen = selection(session, criteria)
        count = desk.hold(office, chosen, session.actor, why, lasting)
        held = desk.held(chosen)
    if session.json:
        told = {"until": held.until, "urgent": held.urgent, "under_way": held.under_way}
        output.document({"items": count, **told})
        return
    until = _("until {time}").format(time=output.zoned(held.until)) if held.until else _("until they are released")
    stay = max(0, count - held.under_way)
    output.say(_("Items held: {count} ({until}).").format(count=stay, until=until) if count else _("Items held: 0"))
    if count:
        words = _(
            "Urgent mail is held like any other: {urgent} of what is held there now. It may expire meanwhile. What is"
            " announced later is not held; “mimamori queue suspend” would keep that, too."
        )
        output.note(words.format(urgent=held.urgent))
    if held.under_way:
        output.note(under_way_words(held.under_way))


@queue.command(
    "release",
    cls=Verb,
    help=N_(
        "Let held items wait for their try again.\n\n"
        "What is held because its arrival is unknown stays held unless its queue id is named."
    ),
)
@steering
@click.pass_obj
def release(session: Session, /, everything: bool, why: str, **criteria: Any) -> None:
    """Release items."""
    from mailer.service import queue as desk

    insist(criteria, everything)
    _do(session, criteria, why, desk.release, _("Items released: {count}"))


@queue.command(
    "remove",
    cls=Verb,
    help=N_(
        "Give items up; they end as cancelled and stay in the accounting.\n\n"
        "What was accepted before, and waits for a second copy only, is accepted as it was."
    ),
)
@selecting
@reasoned
@option("--yes", is_flag=True, help=N_("Do not ask."))
@click.pass_obj
def remove(session: Session, /, yes: bool, why: str, **criteria: Any) -> None:
    """Give items up."""
    from mailer.service import queue as desk

    insist(criteria)
    if session.asks and not yes:
        click.confirm(_("Give these items up?"), abort=True, err=True)
    with session.office() as office:
        chosen = selection(session, criteria)
        count = desk.remove(office, chosen, session.actor, why)
        under_way = desk.under_way(chosen)
    if session.json:
        output.document({"items": count, "under_way": under_way})
        return
    output.say(_("Items removed: {count}").format(count=max(0, count - under_way)))
    if under_way:
        output.note(under_way_words(under_way))


@queue.command(
    "requeue",
    cls=Verb,
    help=N_(
        "Try items again that have expired, were refused, removed or held: due now, with a new deadline.\n\n"
        "Items of a cancelled broadcast and of households that have left stay as they are."
    ),
)
@selecting
@reasoned
@option("--expires", type=Duration(), help=N_("How long it is tried; else as long as any mail of its priority."))
@option("--again", is_flag=True, help=N_("Also what was accepted: a second copy, marked as a possible duplicate."))
@click.pass_obj
def requeue(session: Session, /, why: str, expires: timedelta | None, again: bool, **criteria: Any) -> None:
    """Give items another life."""
    from mailer.service import queue as desk

    insist(criteria)
    with session.office() as office:
        chosen = selection(session, criteria)
        done = desk.requeue(office, chosen, session.actor, why, expires, again=again)
    if session.json:
        output.document({"items": done.items, "left": done.left})
    elif done.items or not done.left:
        output.say(_("Items that wait again: {count}").format(count=done.items))
    if done.left and not done.items:
        raise Refused(" ".join([_("Nothing was requeued."), _left_alone(done.left)]))
    if done.left and not session.json:
        output.note(_left_alone(done.left))


def _left_alone(left: dict[str, int]) -> str:
    """Say which items requeueing left as they are, why, and what would be asked for to have them go."""
    states = ", ".join(f"{_stored_word(state)} {count}" for state, count in left.items())
    why = [
        (("waiting", "sending"), _("What waits or is being sent is tried anyway; “queue flush” hurries it.")),
        (("accepted", "returned"), _("What was accepted goes a second time only with --again.")),
        (
            ("cancelled", "refused", "expired", "held"),
            _("What belongs to a cancelled broadcast or to a household that has left is not sent any more."),
        ),
    ]
    reasons = [words for some, words in why if not left.keys().isdisjoint(some)]
    return " ".join([_("Left as they are: {states}.").format(states=states), *reasons])


def _do(session: Session, criteria: dict[str, Any], why: str, deed: Deed, words: str) -> None:
    with session.office() as office:
        count = deed(office, selection(session, criteria), session.actor, why)
    if session.json:
        output.document({"items": count})
    else:
        output.say(words.format(count=count))


def _said(evidence: "Evidence") -> str:
    return f"{evidence.host} {reply_words(evidence.code, evidence.text, evidence.reason)}".strip()


def _state(item: "QueuedItem", standing: "Stops") -> str:
    word = state_word(item.word)
    if item.stopping:
        word = _("{state}, being stopped").format(state=word)
    elif _is_kept(item, standing):
        word = _("{state}, suspended").format(state=word)
    return marked(word, possible_duplicate=item.possible_duplicate)


def _is_kept(item: "QueuedItem", standing: "Stops") -> bool:
    """Tell whether an item waits that an operator's stop keeps from leaving."""
    return item.word in ("waiting", "deferred") and standing.over(item) is not None


def _stored_word(state: str) -> str:
    from mailer.schedule.item import ItemState, told

    return state_word(told(ItemState(state), 0))


def _document(item: "QueuedItem", standing: "Stops") -> dict[str, Any]:
    from mailer.schedule.queue_id import queue_id

    return {
        "id": queue_id(item.id),
        "broadcast": item.announcement_id,
        "school": item.school,
        "address": item.address,
        "domain": item.domain,
        "lane": item.lane.name.lower(),
        "state": item.word,
        "suspended": _is_kept(item, standing),
        "stopping": item.stopping or None,
        "attempts": item.attempts,
        "possible_duplicate": item.possible_duplicate,
        "canary": item.canary,
        "next_attempt_at": item.next_try,
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


def _describe(shown: "Shown", standing: "Stops") -> None:
    from mailer.schedule.queue_id import queue_id

    item = shown.item
    output.facts(
        [
            (_("queue id"), queue_id(item.id)),
            (_("broadcast"), item.announcement_id),
            (_("school"), item.school),
            (_("recipient"), item.address),
            (_("lane"), lane_word(item.lane.name.lower())),
            (_("state"), _state(item, standing)),
            *([(_("no further try"), reason_words(item.stopping))] if item.stopping else []),
            *([(_("held until"), shown.held_until)] if shown.held_until else []),
            (_("why"), reason_words(item.evidence.reason)),
            (_("next try"), item.next_try if item.word in ("waiting", "deferred") else None),
            (_("is tried until"), item.expires_at),
        ]
    )
    if shown.attempts:
        output.say("")
        heads = [_("try"), _("began"), _("ended"), _("result"), _("stage"), _("host"), _("reply")]
        output.table(heads, map(_attempt, shown.attempts))
    for one, lines in zip(shown.attempts, shown.transcripts, strict=True):
        transcript.tell(one, lines)


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
