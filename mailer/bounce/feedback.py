"""Whose complaint does a feedback report hand on?

RFC 5965: one or several Original-Rcpt-To, or what the reporter left of the recipient in the mail complained about.
A report of another type than a reader's complaint (auth-failure, not-spam) is no complaint.
"""

import re
from collections.abc import Iterator

from mailer.bounce.address_in import addresses_in
from mailer.mime.entity import Entity

MOST = 100
#: Types of RFC 5965 and RFC 6591 that are about us and not a reader's opinion.
NO_COMPLAINT = frozenset({"auth-failure", "not-spam", "dmarc", "virus"})

_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_NAMING = ("original-rcpt-to", "original-recipient", "removal-recipient")
_IN_ORIGINAL = ("x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "to", "cc")


def feedback_type(report: str) -> str:
    """Return the type of a report in small letters; `abuse` where it says none."""
    return next((value.lower() for name, value in _fields(report) if name == "feedback-type" and value), "abuse")


def complainants(report: str, original: Entity | None) -> list[str]:
    """Return the recipients of the mail complained about, as far as the report, or that mail, tells them."""
    told = [value for name, value in _fields(report) if name in _NAMING]
    found = addresses_in("\n".join(told), MOST)
    if found or original is None:
        return found
    for name in _IN_ORIGINAL:
        if found := addresses_in(", ".join(original.fields(name)), MOST):
            return found
    return []


def _fields(report: str) -> Iterator[tuple[str, str]]:
    for number, field in enumerate(_FIELD.finditer(report[:64_000])):
        if number >= 200:
            return
        yield field[1].lower(), " ".join(field[2].split())
