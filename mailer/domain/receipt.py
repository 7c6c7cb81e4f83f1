"""Which URL confirms that a mail was read, and how is a visit's token known again?

A token is 128 bits derived from the queue item by a secret key: the same at every attempt, and it reveals neither
person nor number. The store holds only its SHA-256, so a stolen store opens no receipt page; one look-up by that
digest finds the item and takes as long for a wrong token as for a right one.
"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

TOKEN_OCTETS = 16


def token(key: bytes, item_id: int) -> str:
    """Return the receipt token of a queue item: 22 characters of base64url (RFC 4648 §5, without padding)."""
    mac = hmac.digest(key, b"receipt:%d" % item_id, "sha256")
    return urlsafe_b64encode(mac[:TOKEN_OCTETS])[:-2].decode("ascii")


def token_hash(token: str) -> bytes:
    """Return what the store holds of a token: 32 octets. Takes any text that a visitor may send."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def url(base_url: str, token: str) -> str:
    """Return the receipt URL that stands in the mail, under the configured `base_url`."""
    return f"{base_url.rstrip('/')}/r/{token}"
