"""Which private keys may sign, and where do they come from?

Read from the credentials of the service manager, or from the DKIM directory, once for each selector and by the mailer's
parent process alone; those that are active at its start before the first mail, because checking a key takes as long as
a hundred signatures. A key that is not here is looked for again at the next mail, so that it can be put in its place.
"""

import logging
from collections.abc import Callable, Iterable

from config import CredentialError
from mailer.message.keys import SigningKeyError
from mailer.message.signer import Signer, load_signer

log = logging.getLogger(__name__)


class Keyring:
    """The signers by selector; `read_pem` returns the PEM of a selector or raises CredentialError."""

    def __init__(self, read_pem: Callable[[str], bytes]) -> None:
        self._read_pem = read_pem
        self._signers: dict[str, Signer] = {}

    def make_ready(self, selectors: Iterable[str]) -> None:
        """Read keys that will be asked for."""
        for selector in selectors:
            self._load(selector)

    def sign(self, selector: str, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 digest; nothing if there is no such key here."""
        signer = self._signers.get(selector) or self._load(selector)
        return b"" if signer is None else signer.sign(digest)

    def _load(self, selector: str) -> Signer | None:
        try:
            self._signers[selector] = load_signer(selector, self._read_pem(selector))
        except (CredentialError, SigningKeyError) as error:
            log.error("mail is not signed with %s: %s", selector, error)
            return None
        return self._signers[selector]
