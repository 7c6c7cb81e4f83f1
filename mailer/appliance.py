"""How do the settings become the office that every request is handled in?

The command line and the services all come through here: the store is opened, the secrets are read, and the one
`Office` is put together. Raises `StoreError` when the store cannot be used and `ConfigError` (`CredentialError` for
a secret) when a file cannot.
"""

import os
import random
import secrets
from base64 import b64encode
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from config import WEBHOOK_SECRET, Settings, load_schools, read_secret
from mailer.clock import system_clock
from mailer.domain.canary import canaries
from mailer.domain.lane import Lane
from mailer.domain.suspension import Terms
from mailer.files import write_new
from mailer.ids import random_id
from mailer.message.verp import Verp
from mailer.service.office import Office
from mailer.store.database import open_store

SECRETS = ("receipt", "verp")
SECRET_BYTES = 32


def open_office(settings: Settings, *, create: bool = False, needs: Collection[str] = SECRETS) -> Office:
    """Open the store and return the office; with `create` the store is made or brought up to date first.

    A secret that the caller does not need is not read: a key of the moment, good for nothing, stands in its place.
    """
    open_store(settings.database.url, create=create)
    return Office(
        clock=system_clock,
        chance=random.random,
        ids=random_id,
        schools=load_schools(settings),
        domain=settings.domain.name,
        base_url=settings.web.base_url,
        receipt_key=_secret(settings, "receipt", needs),
        verp=Verp(_secret(settings, "verp", needs), settings.domain.name),
        expires={
            Lane.SAFETY: settings.delivery.expires_safety,
            Lane.ORDINARY: settings.delivery.expires_ordinary,
            Lane.NOTICE: settings.delivery.expires_notice,
        },
        maintenance_lead=settings.maintenance.lead,
        canaries=canaries(settings.canary.addresses, settings.canary.late, settings.canary.late_ordinary),
        addresses=frozenset(settings.delivery.seen_addresses),
        suspension=Terms(**settings.suspension.model_dump(exclude={"keep"})),
        kept=settings.kept,
    )


def _secret(settings: Settings, name: str, needs: Collection[str]) -> bytes:
    return read_secret(settings, name) if name in needs else secrets.token_bytes(SECRET_BYTES)


def make_secrets(settings: Settings) -> list[Path]:
    """Write the secrets that are not there yet, readable by the owner and the group; return their files."""
    directory = settings.state.directory / "secrets"
    written = {f"{name}.key": secrets.token_hex(SECRET_BYTES) for name in SECRETS}
    if settings.alarm.webhook is not None:
        written[WEBHOOK_SECRET] = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return [directory / name for name, text in written.items() if write_new(directory / name, text + "\n", mode=0o640)]


def make_store(settings: Settings) -> Path | None:
    """Make the store's file where there is none, writable by owner and group; return it, or None if it was there.

    The file is empty: `open_office` with `create` fills it. SQLite gives the files beside it the same mode.
    """
    path = Path(urlsplit(settings.database.url).path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660)
    except FileExistsError:
        return None
    os.fchmod(handle, 0o660)
    os.close(handle)
    return path
