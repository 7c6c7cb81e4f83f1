"""Which errors are answers to the person at the keyboard, and which are faults of ours?

An expected error becomes one sentence on standard error and exit code 1; anything else keeps its traceback.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from mailer.cli import output
from mailer.cli.foreign import told
from mailer.cli.session import Session
from mailer.language import _

if TYPE_CHECKING:
    from config import Problem


#: Refusals of services, by name: to import a whole service for the sake of a comparison would take too long.
OF_SERVICES = ("mailer.liveness.AnotherMailer",)


class Refused(click.ClickException):
    """The verb was understood and not carried out, or found something wrong; the words say why."""

    exit_code = 1


def refusal(error: Exception) -> Refused | None:
    """Return the answer for an expected error, None for one that nobody expected."""
    for answer in (reason, _of_configuration, _of_names, _of_store, _of_services, _of_system):
        words = answer(error)
        if words:
            return Refused(words)
    return None


def _of_configuration(error: Exception) -> str | None:
    from config import ConfigError

    return "\n".join(map(problem, error.problems)) if isinstance(error, ConfigError) else None


def _of_names(error: Exception) -> str | None:
    """Answer for a name that nothing has."""
    from mailer.service.alarm import NoSuchAlarm
    from mailer.service.announce import NoSuchAnnouncement
    from mailer.service.queue import NoSuchItems, StillWritten
    from mailer.service.retention import Forgotten

    if isinstance(error, Forgotten):
        words = _(
            "The recipients of {id} were forgotten on {day} because [retention] broadcasts was over;"
            " “mimamori broadcast show” has its sums."
        )
        return words.format(id=error, day=output.moment(error.at))
    if isinstance(error, NoSuchAnnouncement):
        words = _("There is no broadcast or notice {id}; “mimamori broadcast list” shows them.")
        return words.format(id=error)
    if isinstance(error, NoSuchAlarm):
        return _("There is no alarm {id}; “mimamori alarms list --ended” shows them.").format(id=error)
    if isinstance(error, StillWritten):
        words = _(
            "Nothing was done: the recipients of {id} are still being written."
            " “mimamori queue suspend --broadcast {id}” keeps all of them,"
            " “mimamori broadcast cancel {id}” calls it off."
        )
        return words.format(id=error)
    if isinstance(error, NoSuchItems):
        return _("Nothing was done: there is no queue item {names}.").format(names=error)
    return None


def _of_store(error: Exception) -> str | None:
    from mailer.store.database import StoreError
    from mailer.store.failure import FAILURES

    if not isinstance(error, (StoreError, *FAILURES)):
        return None
    directory = _full_directory(error)
    if directory:
        words = _(
            "The disk is full, and nothing was accepted. Free space on the disk of {directory}, then do it again."
        )
        return words.format(directory=directory)
    if isinstance(error, StoreError):
        return told(str(error))
    return _("The store did not answer: {reason}").format(reason=told(str(error)))


def _of_services(error: Exception) -> str | None:
    from mailer.message.keys import SigningKeyError
    from mailer.service.queue import NothingNamed

    expected = isinstance(error, SigningKeyError | NothingNamed) or _qualified(error) in OF_SERVICES
    return told(str(error)) if expected else None


def _of_system(error: Exception) -> str | None:
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        return f"{error.filename}: {told(error.strerror or '')}" if error.filename else told(str(error))
    return None


def _full_directory(error: Exception) -> Path | None:
    """Return the directory of the store if it is on a disk that is full and the error comes from that."""
    from mailer.store.space import ran_out

    session = click.get_current_context().ensure_object(Session)
    directory = Path(urlsplit(session.settings.database.url).path).parent
    return directory if ran_out(error, directory) else None


def _qualified(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def problem(found: "Problem") -> str:
    """Return a problem of a configuration file with its place, in the language spoken."""
    from config import REASONS

    line = "" if found.line is None else f":{found.line}"
    key = f" {found.key}:" if found.key else ""
    fields = {name: told(str(value)) for name, value in found.fields.items()}
    return f"{found.file}{line}:{key} {_(REASONS[found.reason]).format_map(fields)}"


def reason(error: Exception) -> str | None:
    """Return the sentence for an error whose `reason` is a key of REASONS in the module that defines it."""
    word = getattr(error, "reason", None)
    sentences = getattr(sys.modules[type(error).__module__], "REASONS", {})
    if not isinstance(word, str) or word not in sentences:
        return None
    detail = getattr(error, "detail", "")
    return _(sentences[word]) + (f" ({detail})" if detail else "")
