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
from mailer.carrier.wave import Day
from mailer.schedule.outcome import Evidence
from mailer.service import canary, wave
from mailer.service.office import Office
from mailer.store import inbound

#: What is written of a mail that came in.
RETURNED, REPORT, MAIL = "returned", "report", "mail"
#: Where a returned item's evidence comes from, beside the stages of a session.
STAGE = "dsn"

REASONS: Mapping[str, str] = {RETURNED: "The receiving side took the mail and returned it later as undeliverable."}


@dataclass(frozen=True, slots=True)
class InboundFacts:
    """A mail as it came in; `item_id` is the queue item that a VERP address among its forward-paths names, or None."""

    reverse_path: str
    forward_paths: tuple[str, ...]
    peer: str
    content: bytes
    item_id: int | None


@dataclass(frozen=True, slots=True)
class ReadMail:
    """A mail that was read: what it reports, what tells it from others, and the bytes that are kept."""

    reverse_path: str
    forward_paths: tuple[str, ...]
    peer: str
    item_id: int | None
    report: Report | None
    digest: bytes
    packed: bytes


def read(facts: InboundFacts) -> ReadMail:
    """Do what takes long with a big mail, before the store is locked for it."""
    return ReadMail(
        reverse_path=facts.reverse_path,
        forward_paths=facts.forward_paths,
        peer=facts.peer,
        item_id=facts.item_id,
        report=read_report(facts.content),
        digest=_digest(facts.content),
        packed=inbound.pack(facts.content),
    )


def take(office: Office, mail: ReadMail) -> int:
    """Keep a mail and mark the item it returns; return the number it is kept under; inside a Writer."""
    address_key = None if mail.item_id is None else inbound.address_key(mail.item_id)
    item_id = None if address_key is None else mail.item_id
    earlier = None if item_id is None else inbound.known(item_id, mail.digest)
    if earlier is not None:
        return earlier
    meaning = MAIL if mail.report is None else REPORT
    if mail.report and item_id is not None and address_key and _returned(office, item_id, mail.report, address_key):
        meaning = RETURNED
    return inbound.add(
        inbound.Arrived(
            received_at=office.clock(),
            reverse_path=mail.reverse_path,
            forward_path=", ".join(mail.forward_paths),
            peer=mail.peer,
            digest=mail.digest,
            packed=mail.packed,
            item_id=item_id,
            meaning=meaning,
        )
    )


def _digest(content: bytes) -> bytes:
    """Tell mails apart by their bodies: a second copy differs in the trace that servers wrote on top of it."""
    head, separator, body = content.partition(b"\r\n\r\n")
    return hashlib.sha256(body if separator else head).digest()


def _returned(office: Office, item_id: int, report: Report, address_key: str) -> bool:
    failure = failure_of(report, address_key)
    if failure is None or not inbound.mark_returned(item_id, _evidence(report, failure), office.clock()):
        return False
    canary.look_again(item_id)
    # By the domain that we wrote to: what host the report names is its author's word.
    wave.note(office, {(address_key.rpartition("@")[2], ""): Day(0, 1)})
    return True


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
