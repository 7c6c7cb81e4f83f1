"""What happens when somebody opens a receipt URL?

Every request for a known token is kept raw, so that it can be judged again when the rules improve (N7). A GET
confirms every household that the mail stands for, through whichever slot it came (F13); the first one counts. HEAD
and OPTIONS confirm nothing (attacks D1). A wrong token does the work of a right one, with another mail, and takes it
back (D2).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.domain.receipt import token_hash
from mailer.service.office import Office
from mailer.store import receipts
from mailer.store.receipts import Opened, RawVisit

CONFIRMING = ("GET",)
MOST_HEADERS = 50
LONGEST_HEADER = 500  # characters of a name or a value
#: A staff member's browser may send these to the same host; they are nobody's business here.
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """One request for a receipt URL: when, how, from which address, and its header fields in order."""

    at: datetime
    method: str
    peer: str
    headers: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """What the page shows. `confirmed_at` is when the household first confirmed, or None if it has not."""

    schools: tuple[str, ...]
    subject: str
    text: str
    announced_at: datetime
    confirmed_at: datetime | None


def visit(office: Office, token: str, facts: VisitFacts) -> ReceiptPage | None:
    """Keep a visit, confirm the households if it was one that confirms, and return the page; inside a Writer.

    Returns None for a token that was never given out. `token` may be any text.
    """
    opened = receipts.opened(token_hash(token))
    if opened is None:
        return None
    if opened.known:
        return _keep(office, opened, facts)
    with receipts.taken_back():
        _keep(office, opened, facts)
    return None


def _keep(office: Office, opened: Opened, facts: VisitFacts) -> ReceiptPage:
    number = receipts.add_visit(opened.item_id, _raw(facts))
    if facts.method in CONFIRMING:
        receipts.confirm(opened.item_id, number, facts.at)
    return _page(office, opened)


def _raw(facts: VisitFacts) -> RawVisit:
    kept = [pair for pair in facts.headers if pair[0].lower() not in SECRET_HEADERS][:MOST_HEADERS]
    headers = json.dumps([[name[:LONGEST_HEADER], value[:LONGEST_HEADER]] for name, value in kept])
    return RawVisit(facts.at, facts.method[:20], facts.peer[:64], headers)


def _page(office: Office, opened: Opened) -> ReceiptPage:
    codes = receipts.schools(opened.item_id) or {opened.school}
    names = tuple(school.name for school in office.schools if school.code in codes)
    confirmed_at = receipts.confirmed_at(opened.item_id, opened.announcement_id)
    return ReceiptPage(names, opened.subject, opened.text, opened.announced_at, confirmed_at)
