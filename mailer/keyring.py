"""Which private keys may sign, and where do they come from?

Read from the credentials of the service manager, or from the DKIM directory, once for each selector and by the mailer
alone. Raises `NoKey` when none of the selectors has a key here.
"""

from collections.abc import Callable, Sequence

from config import CredentialError
from mailer.message.keys import SigningKeyError
from mailer.message.sign import Signer, load_signer


class NoKey(Exception):
    """No private key is here for any of the selectors that should sign."""


class Keyring:
    """The signers by selector; `read_pem` returns the PEM of a selector or raises CredentialError."""

    def __init__(self, read_pem: Callable[[str], bytes]) -> None:
        self._read_pem = read_pem
        self._signers: dict[str, Signer] = {}

    def signers(self, selectors: Sequence[str]) -> Sequence[Signer]:
        """Return the signers of these selectors, in their order; one that is missing is passed over."""
        found = [signer for selector in selectors if (signer := self._signer(selector)) is not None]
        if not found:
            raise NoKey(f"no private key for {', '.join(selectors) or 'any selector'}; see `mimamori keys list`")
        return found

    def _signer(self, selector: str) -> Signer | None:
        if selector not in self._signers:
            try:
                self._signers[selector] = load_signer(selector, self._read_pem(selector))
            except (CredentialError, SigningKeyError):
                return None
        return self._signers[selector]
