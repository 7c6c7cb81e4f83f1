"""Which URL confirms that a mail was read, and how is a visit's token known again?

A token is 128 bits derived from the queue item by a secret key (keyed BLAKE2b, RFC 7693): the same at every attempt,
and it reveals neither person nor number. The store holds only its SHA-256, so a stolen store opens no receipt page; one
look-up by that digest finds the item and takes as long for a wrong token as for a right one.
"""

import re
from base64 import urlsafe_b64encode
from hashlib import blake2b, sha256

TOKEN_OCTETS = 16

_PATH = re.compile(r"/r/[\w-]{22}", re.ASCII)


def token(key: bytes, item_id: int) -> str:
    """Return the receipt token of a queue item: 22 characters of base64url (RFC 4648 §5, without padding)."""
    mac = blake2b(b"%d" % item_id, key=key, digest_size=TOKEN_OCTETS, person=b"receipt")
    return urlsafe_b64encode(mac.digest())[:-2].decode("ascii")


def token_hash(token: str) -> bytes:
    """Return what the store holds of a token: 32 octets. Takes any text that a visitor may send."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def hide(text: str, own: str = "") -> str:
    """Return a text without the tokens of receipt URLs: whoever answers a mail may quote what stands in it.

    `own` is the token of the mail that is answered: it goes however it is quoted, and each half of it, which stands
    whole in a quotation that is cut in two.
    """
    if own:
        for piece in (own, own[: len(own) // 2], own[len(own) // 2 :]):
            text = text.replace(piece, "***")
    return _PATH.sub("/r/***", text)


def url(base_url: str, token: str) -> str:
    """Return the receipt URL that stands in the mail, under the configured `base_url`."""
    return f"{base_url.rstrip('/')}/r/{token}"
