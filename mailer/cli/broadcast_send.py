"""How does a broadcast leave the hands of whoever wrote it?

On a terminal the audience is shown and one question asked. `--wait` follows the broadcast until no recipient
waits any more; what is followed is only looked at, so ending the command ends nothing else.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from mailer.cli import output
from mailer.cli.announced import describe, state_word, tell_excluded
from mailer.cli.failure import Refused
from mailer.cli.parameters import Code, Duration, Moment
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.domain.school import Schools
    from mailer.service.announce import Announced
    from mailer.service.broadcast import BroadcastRequest
    from mailer.service.office import Office
    from mailer.service.stops import Part

CITIES = ("iwamizawa", "takikawa", "yubari")
LOOK_EVERY_SECONDS = 0.5
#: "This very minute" may be over when the command is typed to its end.
HOUR_IS_OVER_AFTER = timedelta(minutes=1)


@click.command(
    cls=Verb,
    help=N_(
        "Send a broadcast to the guardians of schools, of a city, or of all schools.\n\n"
        "It is accepted for sending when the command says so; from then on nothing is lost. --urgent puts it into the"
        " safety lane, which overtakes everything else."
    ),
)
@option("--school", type=Code(), multiple=True, help=N_("To this school; may be given several times."))
@option("--city", type=click.Choice(CITIES), help=N_("To all schools of this city."))
@option("--all", "everyone", is_flag=True, help=N_("To all schools."))
@option("--subject", required=True, help=N_("The subject."))
@option(
    "--text-file", type=click.File("rb"), required=True, help=N_("The text, in UTF-8 or CP932; “-” is standard input.")
)
@option("--receipt", is_flag=True, help=N_("Add the URL by which guardians confirm that they read it."))
@option("--urgent", is_flag=True, help=N_("Safety of children: before everything else."))
@option("--at", type=Moment(), help=N_("Leave at this time instead of now."))
@option("--expires", type=Duration(), help=N_("Give up what could not be handed over for so long."))
@option("--wait", is_flag=True, help=N_("Follow it until no recipient waits any more."))
@option("--yes", is_flag=True, help=N_("Do not ask."))
@click.pass_obj
def send(session: Session, /, text_file: BinaryIO, wait: bool, yes: bool, **asked: Any) -> None:
    """Send one broadcast."""
    from mailer.service import broadcast

    text = _decoded(text_file.read())
    with session.office() as office:
        request = _request(session, office, text, asked)
        if session.asks and not yes:
            _ask(office, request, broadcast.preview(office, request))
        announced = broadcast.send(office, request)
        if not session.json:
            words = _("Accepted for sending: {id}, {recipients} recipients of {households} households.")
            output.say(words.format_map(_document(announced, request.at)))
            _tell_hour(announced, request.at)
        suspended = _tell_suspended(*broadcast.kept(announced))
        _tell_standstill(session)
        if wait:
            figures = _watched(session, office, announced)
            output.document({**figures, "suspended": suspended}) if session.json else describe(office, figures)
        elif session.json:
            output.document({**_document(announced, request.at), "suspended": suspended})


def _tell_hour(announced: "Announced", at: datetime | None) -> None:
    """Say when a broadcast leaves that is to wait for its hour."""
    if at is not None:
        words = _("It leaves on {time}; until then “mimamori broadcast cancel {id}” calls it off.")
        output.say(words.format(time=output.zoned(at), id=announced.id))


def _tell_standstill(session: Session) -> None:
    """Say on standard error why nothing leaves at present, if so. The broadcast is in the queue and is not lost."""
    from mailer.cli.status import stands_still
    from mailer.liveness import is_sending
    from mailer.service.status import is_short_of_room

    if trouble := stands_still(is_sending(session.settings.state.directory), is_short_of_room()):
        output.note(trouble)


def _tell_suspended(count: int, parts: "Sequence[Part]") -> int:
    """Say on standard error who waits because an operator suspended a part of the queue; return how many."""
    from mailer.cli.suspending import words

    if count:
        text = _("{count} addresses wait because this is suspended: {parts}; see “mimamori queue suspended”.")
        output.note(text.format(count=count, parts="; ".join(map(words, parts))))
    return count


def _decoded(content: bytes) -> str:
    from mailer.domain.charset import NoText, decode

    try:
        return decode(content)
    except NoText as error:
        words = _("Line {line} of the text is neither UTF-8 nor CP932 (Shift_JIS); save it again in one of them.")
        raise Refused(words.format(line=error.line)) from error


def _request(session: Session, office: "Office", text: str, asked: Mapping[str, Any]) -> "BroadcastRequest":
    from mailer.service.broadcast import BroadcastRequest
    from mailer.service.keys import active_selectors

    at = _not_past(office, asked["at"])
    expires: timedelta | None = asked["expires"]
    selectors = active_selectors()
    if not selectors:
        raise Refused(_("There is no active DKIM key to sign with; “mimamori init” makes one."))
    return BroadcastRequest(
        schools=_addressed(office.schools, asked),
        subject=asked["subject"],
        text=text,
        receipt=asked["receipt"],
        urgent=asked["urgent"],
        actor=session.actor,
        at=at,
        expires=expires,
        selectors=selectors,
    )


def _not_past(office: "Office", at: datetime | None) -> datetime | None:
    """Return the hour asked for, None for now; one that is over was mistyped, and must not send what should wait."""
    if at is not None and at < office.clock() - HOUR_IS_OVER_AFTER:
        words = _("--at {time} is over. Name a time to come, or leave --at out to send it now.")
        raise click.UsageError(words.format(time=output.moment(at)))
    return None if at is None or at <= office.clock() else at


def _addressed(schools: "Schools", asked: Mapping[str, Any]) -> tuple[str, ...]:
    if sum(map(bool, (asked["school"], asked["city"], asked["everyone"]))) != 1:
        raise click.UsageError(_("Say to whom: --school CODE (one or more), or --city CODE, or --all."))
    if asked["school"]:
        codes: tuple[str, ...] = asked["school"]
        return codes
    found = schools.of_city(asked["city"]) if asked["city"] else schools.open()
    if not found:
        raise Refused(_("There is no open school in {city}.").format(city=asked["city"] or _("schools.toml")))
    return tuple(school.code for school in found)


def _document(announced: "Announced", at: datetime | None) -> dict[str, Any]:
    return {
        "id": announced.id,
        "schools": list(announced.schools),
        "households": announced.households,
        "recipients": announced.recipients,
        "excluded": dict(announced.excluded),
        "not_before": at,
    }


def _ask(office: "Office", request: "BroadcastRequest", to: "Announced") -> None:
    """Show who would get it and ask once; raise Abort if the answer is not yes."""
    names = (office.schools.by_code[code].name for code in to.schools)
    output.facts(
        [
            (_("to whom"), "、".join(names)),
            (_("households"), to.households),
            (_("recipients"), to.recipients),
            (_("subject"), request.subject),
            (_("lane"), _("safety (before everything else)") if request.urgent else _("ordinary")),
            (_("receipt URL"), _("yes") if request.receipt else _("no")),
            (_("leaves"), output.zoned(request.at) if request.at else _("now")),
        ]
    )
    tell_excluded(to.excluded)
    output.say("")
    for line in request.text.splitlines():
        output.say(f"  {line}")
    output.say("")
    click.confirm(_("Send this?"), abort=True, err=True)


def _watched(session: Session, office: "Office", announced: "Announced") -> dict[str, Any]:
    """Follow the broadcast; whoever stops looking is told that nothing else has stopped."""
    try:
        return _follow(session, office, announced)
    except KeyboardInterrupt:
        words = _("The broadcast goes on; “mimamori broadcast show {id}” shows it.")
        raise Refused(words.format(id=announced.id)) from None


def _follow(session: Session, office: "Office", announced: "Announced") -> dict[str, Any]:
    """Look at the broadcast until nothing of it waits; return its figures then."""
    from mailer.service import broadcast

    settled = 0
    with output.progress(session.shows_progress, announced.id, announced.recipients) as advance:
        while True:
            figures = broadcast.show(office, announced.id)
            open_ = figures["waiting"] + figures["deferred"]
            words = (f"{state_word(word)} {figures[word]}" for word in ("accepted", "deferred", "refused"))
            advance(announced.recipients - open_ - settled, " ".join(words))
            settled = announced.recipients - open_
            if not open_:
                return figures
            time.sleep(LOOK_EVERY_SECONDS)
