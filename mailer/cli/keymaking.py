"""How does a DKIM key come into being: its private half a file, its public half in the store?"""

from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.clock import JAPAN

if TYPE_CHECKING:
    from config import Settings
    from mailer.service.office import Office
    from mailer.standing.key import Key, KeyState


def new_key(settings: "Settings", office: "Office", algorithm: str, state: "KeyState", actor: str) -> "Key":
    """Make a key: write its private half beside the others, readable by its owner alone, and register the public one.

    The file comes first: a key that signs without a file would stop the mail, a file without a key is only left over.
    """
    from mailer.files import write_new
    from mailer.message.keys import generate
    from mailer.service import keys

    selector = _new_selector(settings, office, algorithm)
    pem, record = generate(algorithm)
    settings.dkim.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_new(settings.dkim.directory / f"{selector}.pem", pem.decode("ascii"), mode=0o600)
    return keys.register(office, selector, algorithm, record, state, actor)


def _new_selector(settings: "Settings", office: "Office", algorithm: str) -> str:
    """Return a name that says kind and day, and that neither a key nor a file has: `rsa-20260401`, `rsa-20260401-2`."""
    from mailer.service import keys

    taken = {key.selector for key in keys.list_()} | {path.stem for path in settings.dkim.directory.glob("*.pem")}
    first = f"{algorithm}-{office.clock().astimezone(JAPAN):%Y%m%d}"
    names = chain([first], (f"{first}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def adopt_keys(settings: "Settings", office: "Office", actor: str) -> "list[Key]":
    """Register the private keys that lie in the DKIM directory and are not known: active where their kind has none.

    Raises SigningKeyError for a file that holds no such key.
    """
    from mailer.service import keys

    known = {key.selector for key in keys.list_()}
    files = sorted(settings.dkim.directory.glob("*.pem"))
    return [_adopt(office, path, actor) for path in files if path.stem not in known]


def _adopt(office: "Office", path: Path, actor: str) -> "Key":
    from mailer.message.keys import public_value
    from mailer.service import keys
    from mailer.standing.key import KeyState

    record = public_value(path.read_bytes())
    algorithm = "rsa" if "k=rsa" in record else "ed25519"
    state = KeyState.PENDING if algorithm in active_algorithms() else KeyState.ACTIVE
    return keys.register(office, path.stem, algorithm, record, state, actor)


def active_algorithms() -> set[str]:
    """Return the algorithms that have an active key."""
    from mailer.service import keys
    from mailer.standing.key import KeyState

    return {key.algorithm for key in keys.list_() if key.state is KeyState.ACTIVE}
