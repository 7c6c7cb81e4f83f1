"""How do the tests of explain have mail sent, answered and asked about?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from config import Settings
from config.carriers import load_carriers
from mailer.domain.receipt import token
from mailer.schedule.outcome import Evidence, Outcome, Verdict
from mailer.service import (
    broadcast,
    dispatch,
    explain,
    receipt,
    roster,
)
from mailer.service.explain import Explained
from mailer.service.office import Office
from mailer.store.database import change, transaction
from mailer.store.models import QueueItem, instant

CARRIERS = load_carriers(Settings.model_validate({}))
TARO = "a..b@docomo.ne.jp"
OK = Evidence("eod", "mfsmax.docomo.ne.jp[192.0.2.1]:25", code=250, enhanced="2.0.0", text="Ok", tls="TLSv1.3")
GONE = Evidence(
    "rcpt",
    "mfsmax.docomo.ne.jp[192.0.2.1]:25",
    code=550,
    enhanced="5.1.1",
    text="Unknown user",
    reason="address_unknown",
)
FULL = Evidence(
    "rcpt", "mfsmax.docomo.ne.jp[192.0.2.1]:25", code=452, enhanced="4.2.2", text="full", reason="mailbox_full"
)
COMPLAINT = b"""\
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: test/1
Version: 1

--b--
""".replace(b"\n", b"\r\n")
#: Everybody who is written to in these tests.
DOMAINS = ("docomo.ne.jp", "ezweb.ne.jp", "example.jp")


def send(office: Office, *schools: str, **more: Any) -> str:
    """Send a broadcast with a receipt."""
    asked: dict[str, Any] = {"receipt": True, "urgent": False, "actor": "test"} | more
    return broadcast.send(office, broadcast.BroadcastRequest(schools or ("t-daiichi",), "不審者", "本文", **asked)).id


def try_one(office: Office, evidence: Evidence) -> None:
    """Attempt one mail, with this end."""
    try_(office, evidence, most=1)


def try_(office: Office, evidence: Evidence, most: int = 100) -> None:
    """Attempt what is due, with this end."""
    verdict = {"2": Verdict.ACCEPTED, "4": Verdict.DEFERRED, "5": Verdict.REFUSED}[str(evidence.code)[0]]
    with transaction():
        claims = dispatch.claim(office, DOMAINS, most, "w0")
        again = office.clock() + timedelta(minutes=1) if verdict is Verdict.DEFERRED else None
        end = Outcome(verdict, evidence, office.clock(), again)
        dispatch.settle(office, [(one.item_id, one.attempt, end) for one in claims])


def visit(office: Office, address: str, method: str = "GET") -> None:
    """Open the receipt URL of the latest mail to an address."""
    number = QueueItem.select().where(QueueItem.address == address).order_by(QueueItem.id.desc()).get().id
    facts = receipt.VisitFacts(office.clock(), method, "192.0.2.9", ())
    with transaction():
        receipt.visit(office, token(office.receipt_key, number), facts)


def rest(key: str, since: datetime, reason: str) -> None:
    """Put an address to rest."""
    change(
        "INSERT INTO suspension (address_key, since, reason, evidence) VALUES (?, ?, ?, '')",
        (key, instant(since), reason),
    )


def change_to(office: Office, number: int, addresses: dict[int, str], *, receives: bool = True) -> None:
    """Have a guardian change the addresses and the option."""
    (household,) = roster.show(str(number))
    entry = replace(household.entry, addresses=addresses, receives_broadcasts=receives)
    roster.import_entries(office, [(2, entry)], "test")


def ask(office: Office, wanted: object, announcement: str | None = None) -> Explained:
    """Ask, where one household answers."""
    (found,) = explain.ask(office, CARRIERS, str(wanted), announcement)
    return found


def told(office: Office, wanted: object, announcement: str | None = None) -> tuple[int, str, str]:
    """Return item, sentence and advice of the answer."""
    first = ask(office, wanted, announcement).answer.first
    return first.item, first.text.word, first.advice.word


def marks(found: Explained) -> str:
    """Return the check-list in signs: what applies, what does not, what cannot be seen."""
    return "".join({True: "o", False: "x", None: "?"}[line.applies] for line in found.answer.items)
