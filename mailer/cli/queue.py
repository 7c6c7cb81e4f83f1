"""How does an operator see and steer the queue?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailer.cli import output
from mailer.cli.announced import state_word
from mailer.cli.failure import Refused
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, Verbs, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.schedule.outcome import Evidence
    from mailer.service.office import Office
    from mailer.service.queue import QueuedItem, Selection, Shown

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Deed = Callable[["Office", "Selection", str], int]


@click.group(cls=Verbs, help=N_("The queue: every recipient of every announcement, one item each."))
def queue() -> None:
    """Group the verbs about the queue."""


def selecting(verb: Decorated) -> Decorated:
    """Let a verb be told which items are meant."""
    options = (
        click.argument("queue_ids", nargs=-1, metavar="[QUEUE-ID]..."),
        option("--broadcast", metavar="ID", help=N_("Only items of this broadcast or notice.")),
        option("--carrier", metavar="NAME", help=N_("Only items to this carrier of carriers.toml (docomo).")),
        option("--site", metavar="DOMAIN", help=N_("Only items to this receiving domain, or to this carrier.")),
    )
    for decorate in reversed(options):
        verb = decorate(verb)
    return verb


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
        found = desk.list_(office, _selection(session, office, criteria), limit)
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

    _number(name)
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
@click.pass_obj
def flush(session: Session, /, **criteria: Any) -> None:
    """Make items due now."""
    from mailer.service import queue as desk

    _do(session, criteria, desk.flush, _("Items that are due now: {count}"))


def steering(verb: Decorated) -> Decorated:
    """Let a verb be told which items are meant, and that it is really the whole queue."""
    everything = option("--all", "everything", is_flag=True, help=N_("The whole queue is meant."))
    decorated: Decorated = everything(selecting(verb))
    return decorated


@queue.command("hold", cls=Verb, help=N_("Keep items from leaving until they are released."))
@steering
@click.pass_obj
def hold(session: Session, /, everything: bool, **criteria: Any) -> None:
    """Hold items."""
    from mailer.service import queue as desk

    _insist(criteria, everything)
    _do(session, criteria, desk.hold, _("Items held: {count}"))


@queue.command("release", cls=Verb, help=N_("Let held items wait for their try again."))
@steering
@click.pass_obj
def release(session: Session, /, everything: bool, **criteria: Any) -> None:
    """Release items."""
    from mailer.service import queue as desk

    _insist(criteria, everything)
    _do(session, criteria, desk.release, _("Items released: {count}"))


@queue.command("remove", cls=Verb, help=N_("Give items up; they end as cancelled and stay in the accounting."))
@selecting
@option("--yes", is_flag=True, help=N_("Do not ask."))
@click.pass_obj
def remove(session: Session, /, yes: bool, **criteria: Any) -> None:
    """Give items up."""
    from mailer.service import queue as desk

    _insist(criteria, False)
    if session.asks and not yes:
        click.confirm(_("Give these items up?"), abort=True, err=True)
    _do(session, criteria, desk.remove, _("Items removed: {count}"))


def _insist(criteria: dict[str, Any], everything: bool) -> None:
    """Refuse to steer the whole queue by a forgotten option."""
    if not any(criteria.values()) and not everything:
        raise click.UsageError(_("Say which items: queue ids, --broadcast, --carrier or --site."))


def _do(session: Session, criteria: dict[str, Any], deed: Deed, words: str) -> None:
    with session.office() as office:
        count = deed(office, _selection(session, office, criteria), session.actor)
    if session.json:
        output.document({"items": count})
    else:
        output.say(words.format(count=count))


def _selection(session: Session, office: "Office", criteria: dict[str, Any]) -> "Selection":
    from mailer.service.queue import Selection

    return Selection(
        numbers=tuple(_number(name) for name in criteria["queue_ids"]),
        announcement_id=criteria["broadcast"] or "",
        domains=_domains(session, office, criteria["carrier"], criteria["site"]),
    )


def _number(name: str) -> int:
    from mailer.ids import queue_number

    try:
        return queue_number(name)
    except ValueError:
        raise click.UsageError(_("{name} is no queue id; one looks like Q2F.").format(name=name)) from None


def _domains(session: Session, office: "Office", carrier: str | None, site: str | None) -> frozenset[str]:
    """Return the receiving domains that are meant; none at all stands for every domain."""
    from config import load_carriers

    if carrier is None and site is None:
        return frozenset()
    names = {one.name for one in load_carriers(session.settings)}
    if carrier is not None and carrier not in names:
        words = _("There is no carrier {name!r}. The carriers are: {names}")
        raise click.UsageError(words.format(name=carrier, names=", ".join(sorted(names))))
    chosen = [_of_carrier(session, office, name) for name in (carrier, site) if name in names]
    if site is not None and site not in names:
        chosen.append(frozenset({site.lower()}))
    # A carrier that has nothing in the queue must not stand for every domain.
    return frozenset.intersection(*chosen) or frozenset({""})


def _of_carrier(session: Session, office: "Office", name: str | None) -> frozenset[str]:
    """Return the domains in the queue that are this carrier's, by their name or by the host that answered for them."""
    from config import load_carriers
    from mailer.service.queue import Selection, list_

    carriers = load_carriers(session.settings)
    found = set()
    for domain, host in {(item.domain, item.evidence.host) for item in list_(office, Selection())}:
        carrier = carriers.of_domain(domain) or (carriers.of_mx([host]) if host else None)
        if carrier is not None and carrier.name == name:
            found.add(domain)
    return frozenset(found)


def _said(evidence: "Evidence") -> str:
    return f"{evidence.host} {evidence.code or ''} {evidence.text or evidence.reason}".strip()


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
        {
            _("queue id"): queue_id(item.id),
            _("broadcast"): item.announcement_id,
            _("school"): item.school,
            _("recipient"): item.address,
            _("lane"): {"safety": _("safety"), "ordinary": _("ordinary"), "notice": _("notice")}[
                item.lane.name.lower()
            ],
            _("state"): state_word(item.word),
            _("next try"): item.next_attempt_at if item.word in ("waiting", "deferred") else None,
            _("is tried until"): item.expires_at,
        }
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
    reply = f"{said.code or ''} {said.text or said.reason}".strip()
    return (one.number, one.started_at, one.ended_at, result, said.stage, said.host, reply)
