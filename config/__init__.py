"""What may be set, where does it come from, and what is wrong with it?

`load` reads mimamori.toml, `load_alarm` no more of it than raising an alarm takes, `load_schools` the list of schools
that it names or the shipped one. `read_secret`, `read_webhook_secret` and `read_dkim_key` read what only we may know;
`check_authorities` looks at whom we are to trust, `check_certificate` at what port 25 shows. Everything that can be
wrong is a ConfigError. `config.carriers` stands apart: the command that sends an urgent broadcast needs no carrier, and
should not wait for their schema.
"""

from pathlib import Path

from config.authorities import check_authorities
from config.certificate import check_certificate
from config.credentials import WEBHOOK_SECRET, read_dkim_key, read_secret, read_webhook_secret
from config.document import read_document, read_sections
from config.problem import REASONS, ConfigError, CredentialError, Problem
from config.schema import Settings
from config.schools import load_schools

__all__ = [
    "REASONS",
    "WEBHOOK_SECRET",
    "ConfigError",
    "CredentialError",
    "Problem",
    "Settings",
    "check_authorities",
    "check_certificate",
    "load",
    "load_alarm",
    "load_schools",
    "read_dkim_key",
    "read_secret",
    "read_webhook_secret",
]


def load(path: Path) -> Settings:
    """Return the settings of a mimamori.toml; raise ConfigError with everything that is wrong with it."""
    return read_document(path, Settings).value


def load_alarm(path: Path) -> Settings:
    """Return settings of which only the alarm's ways are those of a mimamori.toml, whatever is wrong with the rest."""
    return read_sections(path, Settings, ("state", "alarm")).value
