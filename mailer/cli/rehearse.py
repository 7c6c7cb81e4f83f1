"""How long would a broadcast to the whole town take? (N14)

The rehearsal runs beside the real installation and touches nothing of it. What is shown is a prediction: the carriers
are simulated, the pace towards them is that of carriers.toml.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailer.cli import output
from mailer.cli.failure import Refused
from mailer.cli.session import Session
from mailer.cli.verb import N_, Verb, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.rehearsal.figures import Curve, Prediction
    from mailer.rehearsal.prediction import Sighting

SEED = 1


@click.command(
    cls=Verb,
    help=N_(
        "Predict how long a safety broadcast to the whole town would take.\n\n"
        "A second installation writes to simulated carriers on this machine, at the pace of carriers.toml. Nothing"
        " leaves the machine, and nothing of the real installation is touched. It takes one or two minutes."
    ),
)
@option(
    "--recipients",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help=N_("About so many fictional recipients."),
)
@option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help=N_("Draw the prediction into this file (SVG)."),
)
@click.pass_obj
def rehearse(session: Session, recipients: int, plot: Path | None) -> None:
    """Rehearse a broadcast and show the figures."""
    if plot is not None:
        plot.open("a").close()  # a place that cannot be written to is told now, not after two minutes
    prediction = _predict(session, recipients)
    if plot is not None:
        from mailer.rehearsal.plot import draw

        plot.write_text(draw(prediction), encoding="utf-8")
    if session.json:
        output.document(_document(prediction))
    else:
        _describe(prediction)
        if plot is not None:
            output.say(_("The picture is in {file}.").format(file=plot))


def _predict(session: Session, recipients: int) -> "Prediction":
    from mailer.rehearsal.appliance import TrialFailed
    from mailer.rehearsal.prediction import Limits, predict

    settings = session.settings
    if session.shows_progress:
        output.note(_("A town of fictional households is being built …"))
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    try:
        with _bar(session.shows_progress, recipients) as told:
            return predict(settings, recipients, seed=SEED, limits=Limits(), told=told)
    except TrialFailed as error:
        raise Refused(_("The rehearsal did not come to its end: {reason}").format(reason=error)) from error


@contextmanager
def _bar(shown: bool, recipients: int) -> "Iterator[Callable[[Sighting], None]]":
    """Give a function that hears how far the rehearsal is; the bar's length stands for the recipients asked for."""
    done = 0
    with output.progress(shown, _("rehearsal"), recipients) as advance:

        def told(now: "Sighting") -> None:
            nonlocal done
            reached = round(now.accepted * recipients / now.recipients) if now.recipients else 0
            words = _("accepted {accepted}, confirmed {confirmed}")
            advance(reached - done, words.format(accepted=now.accepted, confirmed=now.opened))
            done = reached

        yield told


def _describe(prediction: "Prediction") -> None:
    from mailer.rehearsal.figures import PERCENTS
    from mailer.rehearsal.plot import accepted_means, confirmed_means, honest, percent, span

    def row(label: str, curve: "Curve") -> tuple[object, ...]:
        shares = (span(curve.until(each)) for each in PERCENTS)
        confirmed = (percent(curve.confirmed_share), span(curve.until_confirmed(50)))
        return (label, curve.recipients, len(curve.accepted), *shares, *confirmed)

    heads = [_("carrier"), _("recipients"), _("accepted")]
    heads += [_("{percent} accepted").format(percent=f"{each}%") for each in PERCENTS]
    heads += [_("confirmed"), _("{percent} confirmed").format(percent="50%")]
    rows = [row(curve.label or _("others"), curve) for curve in prediction.carriers]
    rows += [row(_("all recipients"), prediction.total), row(_("households"), prediction.households)]
    output.table(heads, rows)
    output.say("")
    for sentence in (honest(), accepted_means(prediction), confirmed_means(prediction)):
        output.say(sentence)


def _document(prediction: "Prediction") -> dict[str, Any]:
    return {
        "simulated": True,
        "haste": prediction.haste,
        "horizon_seconds": round(prediction.horizon, 1),
        "total": _figures(prediction.total),
        "households": _figures(prediction.households),
        "carriers": {curve.name or "others": _figures(curve) for curve in prediction.carriers},
    }


def _figures(curve: "Curve") -> dict[str, Any]:
    from mailer.rehearsal.figures import PERCENTS

    return {
        "recipients": curve.recipients,
        "accepted": len(curve.accepted),
        "refused": curve.refused,
        "waiting": curve.open,
        "accepted_after_seconds": {str(each): _rounded(curve.until(each)) for each in PERCENTS},
        "confirmed": len(curve.confirmed),
        "confirmed_share": round(curve.confirmed_share, 3),
        "confirmed_after_seconds": {str(each): _rounded(curve.until_confirmed(each)) for each in PERCENTS},
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
