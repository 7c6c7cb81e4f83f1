"""What of Postfix's queues and options is there here, and what is said of the rest?

Items have states and stand in no directories; by its state each would stand in one of four of Postfix's queues.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from mailer.cli.verb import N_, option
from mailer.language import _

if TYPE_CHECKING:
    from mailer.schedule.item import ItemState
    from mailer.service.queue import Selection

QUEUES = ("incoming", "active", "deferred", "hold")
NO_CONFIGURATION = N_("There is no main.cf here; the variable MIMAMORI_CONFIG says which configuration is meant.")


class Queue(click.ParamType[str]):
    """QUEUE: one of Postfix's queues in which items can stand."""

    name = "QUEUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name; for another one say which there are."""
        if value not in QUEUES:
            words = _(
                "There is no queue {name} here. There are: incoming (never tried), active (being sent), deferred"
                " (tried, waits for another try) and hold."
            )
            self.fail(words.format(name=value), param, ctx)
        return str(value)


def name(state: "ItemState", tried: bool) -> str:
    """Return in which of Postfix's queues an item would stand."""
    from mailer.schedule.item import ItemState

    names = {ItemState.SENDING: "active", ItemState.HELD: "hold"}
    return names.get(state, "deferred" if tried else "incoming")


def within(selection: "Selection", queue: str) -> "Selection":
    """Return what of a selection stands in one of Postfix's queues."""
    from mailer.schedule.item import ItemState

    state = {"active": ItemState.SENDING, "hold": ItemState.HELD}.get(queue, ItemState.WAITING)
    tried = {"incoming": False, "deferred": True}.get(queue)
    return replace(selection, states=frozenset({state}), tried=tried)


def absent(words: str, *names: str, flag: bool = False) -> Callable[[Any], Any]:
    """Declare options that Postfix's program has and ours has not; `words` is a msgid that says why."""

    def refuse(_ctx: click.Context, param: click.Parameter, value: object) -> None:
        if value:
            raise click.UsageError(f"{param.opts[0]}: {_(words)}")

    def decorate(verb: Any) -> Any:
        for one in names:
            verb = option(one, help="", hidden=True, is_flag=flag, expose_value=False, callback=refuse)(verb)
        return verb

    return decorate


def accepted(words: str, *names: str, **more: Any) -> Callable[[Any], Any]:
    """Declare an option that Postfix's program has and that changes nothing here."""
    return option(*names, help=words, expose_value=False, **more)
