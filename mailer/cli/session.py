"""What does one call of the command know: which configuration, which form of answer, who asks?"""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config import Settings
    from mailer.service.office import Office

DEFAULT_CONFIG = Path("/etc/mimamori/mimamori.toml")


@dataclass
class Session:
    """One call. `json` is set by the option before or after the verb."""

    config: Path = DEFAULT_CONFIG
    json: bool = False

    @cached_property
    def settings(self) -> "Settings":
        """The checked configuration; raises ConfigError with every problem."""
        from config import load

        return load(self.config)

    @property
    def asks(self) -> bool:
        """Whether somebody sits there who may be asked."""
        return not self.json and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def shows_progress(self) -> bool:
        """Whether somebody watches standard error."""
        return not self.json and sys.stderr.isatty()

    @property
    def actor(self) -> str:
        """Who asks, for the audit log: the login name, also behind sudo."""
        return "cli:" + (os.environ.get("SUDO_USER") or getpass.getuser())

    @contextmanager
    def office(self, *, create: bool = False) -> Iterator["Office"]:
        """Open the office for the length of one verb."""
        from mailer.appliance import open_office
        from mailer.store.models import database

        try:
            yield open_office(self.settings, create=create)
        finally:
            if database.obj is not None and not database.is_closed():
                database.close()
