"""What is known of a DKIM key, and in which states may it be?

Only the public half is known here: the value of the record that stands in DNS (RFC 6376 §3.6.1).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: One label of a name in DNS (RFC 1035 §2.3.1, RFC 1123 §2.1): selectors with several labels are not made here.
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

ALGORITHMS = ("rsa", "ed25519")

#: What each refusal means, for whoever keeps the keys.
REASONS: Mapping[str, str] = {
    "bad_selector": "A selector is one DNS label: small letters, digits and hyphens, at most 63.",
    "bad_algorithm": "DKIM keys are rsa or ed25519.",
    "selector_taken": "There is a key with this selector already.",
    "unknown_selector": "There is no key with this selector.",
    "not_pending": "Only a pending key can be activated.",
}


class KeyState(StrEnum):
    """Where a key stands: published and not used yet, signing, or used no more."""

    PENDING = "pending"
    ACTIVE = "active"
    RETIRED = "retired"


class KeyRefused(ValueError):
    """A request about a key cannot be done: `reason` is a key of REASONS, `detail` the selector or algorithm."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{REASONS[reason]} ({detail})")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Key:
    """The public half of a DKIM key; `record` is the value that its TXT record must have."""

    selector: str
    algorithm: str
    record: str
    state: KeyState
    created_at: datetime


def check_key(selector: str, algorithm: str) -> None:
    """Raise KeyRefused unless a key may have this selector and algorithm."""
    if not _SELECTOR.fullmatch(selector):
        raise KeyRefused("bad_selector", selector)
    if algorithm not in ALGORITHMS:
        raise KeyRefused("bad_algorithm", algorithm)
