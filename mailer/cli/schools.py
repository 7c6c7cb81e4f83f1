"""How does a verb learn which schools are meant?"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mailer.cli.parameters import Code
from mailer.cli.verb import N_, option
from mailer.domain.school import CITIES
from mailer.language import _

if TYPE_CHECKING:
    from mailer.domain.school import Schools

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def of_schools(verb: Decorated) -> Decorated:
    """Let a verb be told which schools are meant."""
    options = (
        option("--school", type=Code(), multiple=True, help=N_("Of this school; may be given several times.")),
        option("--city", type=click.Choice(CITIES), help=N_("Of all schools of this city.")),
        option("--all", "everyone", is_flag=True, help=N_("Of all schools.")),
    )
    for decorate in reversed(options):
        verb = decorate(verb)
    return verb


def codes(schools: "Schools", school: tuple[str, ...], city: str | None, everyone: bool) -> tuple[str, ...]:
    """Return the codes of the schools meant, in the order of schools.toml; one of the three options must be given."""
    if sum(map(bool, (school, city, everyone))) != 1:
        raise click.UsageError(_("Say which schools: --school CODE (one or more), or --city CODE, or --all."))
    return tuple(one.code for one in schools if everyone or one.city == city or one.code in school)
