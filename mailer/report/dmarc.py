"""What does a receiver say of mails that bear our domain: from where, how many, did SPF and DKIM hold?

An aggregate report of DMARC, as RFC 7489 or RFC 9990 describes it. Real reporters leave out what must be there, write
dispositions of their own, and repeat what may stand once; so only what is summed must be there: who reports, about
which time, addresses and counts. Raises Unreadable.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mailer.report.markup import Element, elements
from mailer.report.unreadable import Unreadable
from mailer.report.value import Span, address, count, epoch, name, word, words

MOST_ROWS = 10_000
#: Of results of one kind, and of reasons, in one row.
MOST_SAID = 10


@dataclass(frozen=True, slots=True)
class DmarcRow:
    """So many mails from one address fared alike.

    `dkim` and `spf` tell whether each held for the domain in From, which alone counts for DMARC; `dkim_said` and
    `spf_said` what was found before that was asked, as `town.example/s1 fail`; `reasons` why the receiver did something
    else than the domain asks for.
    """

    source: str
    messages: int
    disposition: str
    dkim: bool
    spf: bool
    header_from: str
    envelope_from: str
    dkim_said: str
    spf_said: str
    reasons: str


@dataclass(frozen=True, slots=True)
class DmarcReport:
    """One report: who reports under which name and address, about which domain and time."""

    organisation: str
    contact: str
    report_id: str
    domain: str
    policy: str
    span: Span
    rows: tuple[DmarcRow, ...]


def read(content: bytes) -> DmarcReport:
    """Return the report that an XML document is."""
    sections: dict[str, Element] = {}
    rows: list[DmarcRow] = []
    for element in elements(content, "feedback"):
        if element.name != "record":
            sections.setdefault(element.name, element)
        elif len(rows) < MOST_ROWS:
            rows.append(_row(element))
        else:
            raise Unreadable(f"it has more than {MOST_ROWS} records")
    if not rows or "report_metadata" not in sections:
        raise Unreadable("it lacks report_metadata or has no record")
    return _report(sections["report_metadata"], sections.get("policy_published", Element("")), tuple(rows))


def _report(metadata: Element, policy: Element, rows: tuple[DmarcRow, ...]) -> DmarcReport:
    dates = metadata.first("date_range")
    organisation, contact = words(metadata.said("org_name")), words(metadata.said("email"))
    report_id = words(metadata.said("report_id"))
    if not report_id or not (organisation or contact):
        raise Unreadable("it does not say who reports, or lacks a report_id")
    return DmarcReport(
        organisation=organisation or contact,
        contact=contact,
        report_id=report_id,
        domain=name(policy.said("domain")) or rows[0].header_from,
        policy=word(policy.said("p")),
        span=Span(epoch(dates.said("begin")), epoch(dates.said("end"))),
        rows=rows,
    )


def _row(record: Element) -> DmarcRow:
    row, identifiers, results = record.first("row"), record.first("identifiers"), record.first("auth_results")
    evaluated = row.first("policy_evaluated")
    return DmarcRow(
        source=address(row.said("source_ip")),
        messages=count(row.said("count")),
        disposition=word(evaluated.said("disposition")) or "none",
        dkim=word(evaluated.said("dkim")) == "pass",
        spf=word(evaluated.said("spf")) == "pass",
        header_from=name(identifiers.said("header_from")),
        envelope_from=name(identifiers.said("envelope_from")),
        dkim_said=_listed(_found(one, "selector") for one in results.all("dkim")[:MOST_SAID]),
        spf_said=_listed(_found(one, "") for one in results.all("spf")[:MOST_SAID]),
        reasons=_listed(f"{one.said('type')} {one.said('comment')}" for one in evaluated.all("reason")[:MOST_SAID]),
    )


def _found(result: Element, selector: str) -> str:
    key = result.said(selector) if selector else ""
    return f"{name(result.said('domain'))}{'/' if key else ''}{key} {word(result.said('result'))}"


def _listed(texts: Iterable[str]) -> str:
    return words("; ".join(texts))
