"""How do the settings become the office that every request is handled in?

The command line and the three services all come through here: the store is opened, the secrets are
read, and the one `Office` is put together. Raises `StoreError` when the store cannot be used and
`SecretError` when a secret is missing or is not what `mimamori init` wrote.
"""

import random
import secrets
from pathlib import Path

from config import Settings, load_schools
from mailer.clock import system_clock
from mailer.domain.lane import Lane
from mailer.files import write_new
from mailer.ids import random_id
from mailer.message.verp import Verp
from mailer.service.office import Office
from mailer.store.database import open_store

SECRETS = ("receipt", "verp")
SECRET_BYTES = 32


class SecretError(Exception):
    """A secret cannot be read; the words say which file and what to do."""


def open_office(settings: Settings, *, create: bool = False) -> Office:
    """Open the store and return the office; with `create` the store is made or brought up to date first."""
    open_store(settings.database.url, create=create)
    return Office(
        clock=system_clock,
        chance=random.random,
        ids=random_id,
        schools=load_schools(settings),
        domain=settings.domain.name,
        base_url=settings.web.base_url,
        receipt_key=read_secret(settings, "receipt"),
        verp=Verp(read_secret(settings, "verp"), settings.domain.name),
        expires={
            Lane.SAFETY: settings.delivery.expires_safety,
            Lane.ORDINARY: settings.delivery.expires_ordinary,
            Lane.NOTICE: settings.delivery.expires_notice,
        },
        maintenance_lead=settings.maintenance.lead,
    )


def secret_file(settings: Settings, name: str) -> Path:
    """Return where the secret `name` ("receipt" or "verp") lies."""
    return settings.state.directory / "secrets" / f"{name}.key"


def read_secret(settings: Settings, name: str) -> bytes:
    """Return the 32 bytes of a secret; raise SecretError if the file is missing, unreadable or damaged."""
    path = secret_file(settings, name)
    try:
        value = bytes.fromhex(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise SecretError(f"{path}: there is no such secret; run `mimamori init` first") from None
    except (OSError, ValueError) as error:
        raise SecretError(f"{path}: cannot be read ({error})") from error
    if len(value) != SECRET_BYTES:
        raise SecretError(f"{path}: holds {len(value)} bytes instead of {SECRET_BYTES}; restore it from a backup")
    return value


def make_secret(settings: Settings, name: str) -> Path | None:
    """Write a new secret where there is none and return its path; return None if there is one already."""
    path = secret_file(settings, name)
    return path if write_new(path, secrets.token_hex(SECRET_BYTES) + "\n", mode=0o640) else None
