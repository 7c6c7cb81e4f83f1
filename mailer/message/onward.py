"""How is a kept mail handed on to a school's mailbox?

As it came: what its author signed stays signed, From and the rest of the header are left alone. Our own Return-Path
goes, because it belongs to final delivery alone (RFC 5321 §4.4); our Received line is there already; on top stands
Delivered-To with the school's address (RFC 9228), by which a mail that comes back here is known. Resent fields are for
people who send something again (RFC 5322 §3.6.6), and nobody does.
"""

from mailer.message import header

RETURN_PATH = b"Return-Path:"


def onward(kept: bytes, address: str) -> bytes:
    """Return the mail that came to `address` as it leaves; `kept` begins with our trace lines."""
    first, end, rest = kept.partition(b"\r\n")
    return header.plain("Delivered-To", address) + (rest if end and first.startswith(RETURN_PATH) else kept)
