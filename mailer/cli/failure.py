"""Which errors are answers to the person at the keyboard, and which are faults of ours?

An expected error becomes one sentence on standard error and exit code 1; anything else keeps its traceback.
"""

import click

from mailer.language import _


class Refused(click.ClickException):
    """The verb was understood and not carried out, or found something wrong; the words say why."""

    exit_code = 1


def refusal(error: Exception) -> Refused | None:
    """Return the answer for an expected error, None for one that nobody expected."""
    import sqlite3

    import apsw
    from peewee import OperationalError

    from config import ConfigError
    from mailer.appliance import SecretError
    from mailer.store.database import StoreError

    if isinstance(error, ConfigError | StoreError | SecretError):
        return Refused(str(error))
    if isinstance(error, OperationalError | apsw.Error | sqlite3.Error):
        return Refused(_("The store did not answer: {reason}").format(reason=error))
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        return Refused(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return None
