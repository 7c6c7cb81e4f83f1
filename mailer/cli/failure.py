"""Which errors are answers to the person at the keyboard, and which are faults of ours?

An expected error becomes one sentence on standard error and exit code 1; anything else keeps its traceback.
"""

import sys
from typing import TYPE_CHECKING

import click

from mailer.language import _

if TYPE_CHECKING:
    from config import Problem


#: Refusals of services, by name: to import a whole service for the sake of a comparison would take too long.
OF_SERVICES = ("mailer.app.AnotherMailer", "mailer.keyring.NoKey")


class Refused(click.ClickException):
    """The verb was understood and not carried out, or found something wrong; the words say why."""

    exit_code = 1


def refusal(error: Exception) -> Refused | None:
    """Return the answer for an expected error, None for one that nobody expected."""
    from config import ConfigError
    from mailer.message.keys import SigningKeyError
    from mailer.service.broadcast import NoSuchAnnouncement
    from mailer.service.queue import NoSuchItems, NothingNamed
    from mailer.store.database import FAILURES, StoreError

    reasoned = reason(error)
    if reasoned:
        return Refused(reasoned)
    if isinstance(error, ConfigError):
        return Refused("\n".join(problem(one) for one in error.problems))
    if isinstance(error, NoSuchAnnouncement):
        words = _("There is no broadcast or notice {id}; “mimamori broadcast list” shows them.")
        return Refused(words.format(id=error))
    if isinstance(error, NoSuchItems):
        return Refused(_("Nothing was done: there is no queue item {names}.").format(names=error))
    if isinstance(error, StoreError | SigningKeyError | NothingNamed) or _qualified(error) in OF_SERVICES:
        return Refused(str(error))
    if isinstance(error, FAILURES):
        return Refused(_("The store did not answer: {reason}").format(reason=error))
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        return Refused(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return None


def _qualified(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def problem(found: "Problem") -> str:
    """Return a problem of a configuration file with its place, in the language spoken."""
    from config import REASONS

    line = "" if found.line is None else f":{found.line}"
    key = f" {found.key}:" if found.key else ""
    return f"{found.file}{line}:{key} {_(REASONS[found.reason]).format_map(found.fields)}"


def reason(error: Exception) -> str | None:
    """Return the sentence for an error whose `reason` is a key of REASONS in the module that defines it."""
    word = getattr(error, "reason", None)
    sentences = getattr(sys.modules[type(error).__module__], "REASONS", {})
    if not isinstance(word, str) or word not in sentences:
        return None
    detail = getattr(error, "detail", "")
    return _(sentences[word]) + (f" ({detail})" if detail else "")
