"""What becomes of a mail that came in?

It is kept raw, before its 250. If it came to a VERP address, which nobody can invent, and is a delivery report that
says that the mail to this item's address failed, the item becomes `returned`, with the report as evidence. A report
about another address, a second copy, or a report on what was never handed over changes nothing (attacks A8, A12).
No mail that came in ever causes another.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from mailer.bounce.match import failure_of
from mailer.bounce.report import Report, ReportedRecipient, read_report
from mailer.schedule.outcome import Evidence
from mailer.service.office import Office
from mailer.store import inbound

#: What is written of a mail that came in.
RETURNED, REPORT, MAIL = "returned", "report", "mail"
#: Where a returned item's evidence comes from, beside the stages of a session.
STAGE = "dsn"

REASONS: Mapping[str, str] = {RETURNED: "The receiving side took the mail and returned it later as undeliverable."}


@dataclass(frozen=True, slots=True)
class InboundFacts:
    """A mail as it came in; `item_id` is the queue item that the forward-path's VERP address names, or None."""

    reverse_path: str
    forward_path: str
    peer: str
    content: bytes
    item_id: int | None


def take(office: Office, facts: InboundFacts) -> int:
    """Keep a mail and mark the item it returns; return the number it is kept under; inside a Writer."""
    address_key = None if facts.item_id is None else inbound.address_key(facts.item_id)
    item_id = None if address_key is None else facts.item_id
    digest = _digest(facts)
    earlier = None if item_id is None else inbound.known(item_id, digest)
    if earlier is not None:
        return earlier
    report = read_report(facts.content)
    meaning = MAIL if report is None else REPORT
    if report and item_id is not None and address_key and _returned(office, item_id, report, address_key):
        meaning = RETURNED
    return inbound.add(
        inbound.Arrived(
            received_at=office.clock(),
            reverse_path=_storable(facts.reverse_path),
            forward_path=_storable(facts.forward_path),
            peer=facts.peer,
            digest=digest,
            content=facts.content,
            item_id=item_id,
            meaning=meaning,
        )
    )


def _storable(path: str) -> str:
    """Return a path without the lone surrogates that stand for bytes which are no UTF-8; the store refuses those."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _digest(facts: InboundFacts) -> bytes:
    """Tell mails apart by their bodies: a second copy differs in the trace that servers wrote on top of it."""
    head, separator, body = facts.content.partition(b"\r\n\r\n")
    return hashlib.sha256(body if separator else head).digest()


def _returned(office: Office, item_id: int, report: Report, address_key: str) -> bool:
    failure = failure_of(report, address_key)
    return failure is not None and inbound.mark_returned(item_id, _evidence(report, failure), office.clock())


def _evidence(report: Report, failure: ReportedRecipient) -> Evidence:
    return Evidence(
        stage=STAGE,
        host=failure.remote_mta or report.reporting_mta,
        code=0,
        enhanced=failure.status,
        text=failure.diagnostic,
        tls="",
        reason=RETURNED,
    )
