"""Which private keys may sign, and where do they come from?

Read from the credentials of the service manager, or from the DKIM directory, once for each selector and by the mailer's
parent process alone; those that are active at its start before the first mail, because checking a key takes as long as
a hundred signatures. A key that is not here is looked for again at the next mail, so that it can be put in its place.
Whether the file of one that is known is still there matters at the next start, and is seen before.
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
        self._told: dict[str, str] = {}

    def look(self, selectors: Iterable[str]) -> dict[str, str]:
        """Read keys that will be asked for; return by selector why one cannot be read now."""
        return {selector: trouble for selector in selectors if (trouble := self._trouble(selector))}

    def sign(self, selector: str, digest: bytes) -> bytes:
        """Return the signature of a SHA-256 digest; nothing if there is no such key here."""
        signer = self._signers.get(selector) or self._load(selector)
        return b"" if signer is None else signer.sign(digest)

    def _load(self, selector: str) -> Signer | None:
        self._trouble(selector)
        return self._signers.get(selector)

    def _trouble(self, selector: str) -> str:
        """Return why a key cannot be read, or nothing; from then on it signs. The log is told once."""
        trouble = ""
        try:
            pem = self._read_pem(selector)
            if selector not in self._signers:
                self._signers[selector] = load_signer(selector, pem)
        except (CredentialError, SigningKeyError) as error:
            trouble = str(error)
        if trouble and trouble != self._told.get(selector):
            log.error("the key %s cannot be read: %s", selector, trouble)
        self._told[selector] = trouble
        return trouble
