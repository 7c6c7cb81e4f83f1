"""Where do secrets and private keys come from, and who else could read them?

The service manager's credentials come first ($CREDENTIALS_DIRECTORY, systemd's LoadCredential=), because they are
shown to one service only; a whole directory is handed over there as files named `secrets_NAME` or `dkim_NAME`.
Without them the files under the state directory are read, and refused if others than their keepers can read them.
Raises CredentialError.
"""

import base64
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from config.problem import CredentialError, Problem
from config.schema import Settings

SECRET_BYTES = 32
WEBHOOK_SECRET = "webhook.key"
#: The bounds that Standard Webhooks sets.
LEAST_WEBHOOK_BYTES, MOST_WEBHOOK_BYTES = 24, 64
#: Mode bits that must not be set: a secret may be shared with our group, a private key with nobody.
SECRET_CLOSED_TO = 0o007
KEY_CLOSED_TO = 0o077
#: What is said of a file that is not there. Nobody can make a key again.
GONE = {"secrets": "no_secret", "dkim": "no_key"}


def read_secret(settings: Settings, name: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """Return the 32 bytes of the secret `name` ("receipt" or "verp"), which `mimamori init` has made."""
    directory = settings.state.directory / "secrets"
    file, content = _read("secrets", directory / f"{name}.key", SECRET_CLOSED_TO, environ)
    try:
        secret = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise CredentialError([Problem(file, None, "", "damaged", {"bytes": SECRET_BYTES})])
    return secret


def read_webhook_secret(settings: Settings, environ: Mapping[str, str] = os.environ) -> bytes:
    """Return the secret that signs webhooks, from a file in the form that the receiver is given: `whsec_BASE64`."""
    directory = settings.state.directory / "secrets"
    file, content = _read("secrets", directory / WEBHOOK_SECRET, SECRET_CLOSED_TO, environ)
    prefix, _, written = content.strip().partition(b"_")
    try:
        secret = base64.b64decode(written, validate=True)
    except ValueError:
        secret = b""
    if prefix != b"whsec" or not LEAST_WEBHOOK_BYTES <= len(secret) <= MOST_WEBHOOK_BYTES:
        fields = {"least": LEAST_WEBHOOK_BYTES, "most": MOST_WEBHOOK_BYTES}
        raise CredentialError([Problem(file, None, "", "no_webhook_secret", fields)])
    return secret


def read_dkim_key(settings: Settings, selector: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """Return the PEM text of the private key of `selector`."""
    return _read("dkim", settings.dkim.directory / f"{selector}.pem", KEY_CLOSED_TO, environ)[1]


def _read(kind: str, file: Path, closed_to: int, environ: Mapping[str, str]) -> tuple[Path, bytes]:
    handed_over = _handed_over(kind, file.name, environ)
    try:
        with open(handed_over or file, "rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            content = opened.read()
    except FileNotFoundError:
        raise CredentialError([Problem(file, None, "", GONE[kind])]) from None
    except OSError as error:
        raise CredentialError([Problem(file, None, "", "unreadable", {"detail": error.strerror})]) from error
    if handed_over is None and mode & closed_to:
        fields = {"mode": f"{mode:04o}", "wanted": f"{mode & ~closed_to & 0o640:04o}", "file": file}
        raise CredentialError([Problem(file, None, "", "exposed", fields)])
    return handed_over or file, content


def _handed_over(kind: str, name: str, environ: Mapping[str, str]) -> Path | None:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    candidates = [Path(directory, name), Path(directory, f"{kind}_{name}")] if directory else []
    return next((file for file in candidates if file.is_file()), None)
