"""A town of its own for a test of the command, and a way to type into it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from mailer.cli.root import root
from mailer.cli.session import Session
from mailer.service.office import Office

HEADER = "school,grade,class,child,guardian,login,address1,address2,address3,address4,receives_broadcasts"
ROSTER = f"""{HEADER}
t-daiichi,1,1組,滝川一郎,滝川花子,hanako,a..b@docomo.ne.jp,hanako@gmail.com,work@example.co.jp,,1
t-daiichi,2,1組,滝川二郎,滝川花子,hanako,a..b@docomo.ne.jp,,,,
t-daini,3,2組,空知三郎,空知太郎,taro,-abc@ezweb.ne.jp,,,,0
"""
CONFIG = """
[state]
directory = "{directory}/state"
[delivery]
permit_private_destinations = true
[inbound]
listen = ["127.0.0.1:{inbound}"]
[web]
listen = ["127.0.0.1:{web}"]
base_url = "http://127.0.0.1:{web}"
[admin]
listen = []
"""


@dataclass(frozen=True)
class Town:
    """A configuration on disk and somebody who types."""

    directory: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.directory / "mimamori.toml"

    def type(self, *words: str, stdin: str | bytes | None = None) -> Result:
        """Run the command and return what came of it; an exception that nobody expected comes through."""
        result = CliRunner().invoke(root, ["--config", str(self.config), *words], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def done(self, *words: str, stdin: str | bytes | None = None) -> str:
        """Run the command, which must succeed, and return its standard output."""
        result = self.type(*words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str, stdin: str | bytes | None = None) -> Any:
        """Run the command with --json, which must succeed and say nothing else, and return its document."""
        result = self.type("--json", *words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    @contextmanager
    def office(self) -> Iterator[Office]:
        """Open the town's office, to have something happen that no verb does."""
        with Session(config=self.config).office() as office:
            yield office

    def write(self, name: str, content: str | bytes) -> str:
        """Write a file and return its path."""
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)
