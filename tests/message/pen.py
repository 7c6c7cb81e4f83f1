"""How does a test write a signed mail in one process?"""

from collections.abc import Sequence

from mailer.message.compose import Frozen, Letter
from mailer.message.sign import KeyName
from mailer.message.signer import Signer
from mailer.smtp.address import Address


class Pen:
    """Writes signed mails of one letter."""

    def __init__(self, letter: Letter, signers: Sequence[Signer]) -> None:
        self._signers = signers
        self._frozen = Frozen(letter, [KeyName(signer.selector, signer.algorithm) for signer in signers])

    def write(self, to: Address, message_id_left: str, receipt_url: str | None) -> bytes:
        """Return one mail as it leaves."""
        draft = self._frozen.draft(to, message_id_left, receipt_url)
        return draft.signed([signer.sign(digest) for signer, digest in zip(self._signers, draft.digests, strict=True)])
