"""What does a reply that is no acceptance mean, and what must the queue do?

The first digit decides between trying again and giving up (RFC 5321 §4.2.1); the rules of carriers.toml, the carrier's
own before those for every host, tell the reason and may only soften: a 5xx that speaks of rates, of our own fault or
of trouble over there is tried again, and a 4xx is never more than soft. Nor is one with a status of policy (RFC 3463
§3.8), unless the rule names the status: it is rather about us, whatever mailbox its words speak of. A 552 to RCPT
counts as 452 (RFC 5321 §4.5.3.1.10). What nobody can read is temporary; a 5xx without a known reason gives up on this
mail, not on the address.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from mailer.carrier.group import Carrier, Carriers
from mailer.carrier.reason import Reason
from mailer.carrier.rule import NO_CODE, OF_RECIPIENTS, Rule, first_that_says, plain_words

_STATUS = re.compile(r"\s*#?([245]\.\d{1,3}\.\d{1,3})\b")
_STATUS_BEHIND = re.compile(r"#([245]\.\d{1,3}\.\d{1,3})\b")  # as qmail writes it

_POLICY = re.compile(r"5\.7\.")


@dataclass(frozen=True, slots=True)
class Reading:
    """The meaning of a reply: `kind` hard (the address is dead) or soft, `action` refuse or defer.

    `pause_site` asks for the whole site to be left alone for a while, at most as long as its manners say. `of_reader`
    says that the reply is one reader's matter, from which nothing is to be learned of the site.
    """

    kind: str
    reason: Reason
    action: str
    pause_site: bool = False
    of_reader: bool = False


UNREADABLE = Reading("soft", Reason.UNCLEAR, "defer")
UNKNOWN_REFUSAL = Reading("soft", Reason.UNCLEAR, "refuse")


def read(
    carriers: Carriers, carrier: Carrier | None, mx: str, stage: str, code: int, enhanced: str, text: str
) -> Reading:
    """Return what a reply means that `mx` gave at `stage` (connect, ehlo, starttls, mail, rcpt, data or eod).

    `carrier` None is looked up by the host. `code` 0 says that no reply came or none could be read; `text` may then
    name the failure. `enhanced` is like `5.1.1` or empty. A 2xx or 3xx is no refusal and reads as unreadable.
    """
    rule = rule_for(carriers, carrier, mx, stage, code, enhanced, text)
    permanent = _is_permanent(stage, code)
    if rule is None:
        return UNKNOWN_REFUSAL if permanent else UNREADABLE
    pause = rule.pause and not _is_a_tenants(rule, carrier or carriers.of_mx((mx,)), stage)
    of_reader = rule.reader and stage in OF_RECIPIENTS
    if not permanent:
        return Reading("soft", rule.reason, "defer", pause, of_reader)
    of_policy = rule.enhanced is None and _POLICY.match(enhanced or _status_in(text)) is not None
    return Reading("soft" if of_policy else rule.kind, rule.reason, rule.action, pause, of_reader)


def rule_for(
    carriers: Carriers, carrier: Carrier | None, mx: str, stage: str, code: int, enhanced: str, text: str
) -> Rule | None:
    """Return the rule that decides what a reply means (arguments as for `read`), or None if there is none."""
    return _first(carriers, carrier, mx, stage, code, enhanced or _status_in(text), plain_words(text))


def _status_in(text: str) -> str:
    """Return the status in the text of a host that does not announce them (`#5.1.0 Address rejected`, `… (#5.1.1)`)."""
    found = _STATUS.match(text) or (_STATUS_BEHIND.search(text) if "#" in text else None)
    return found[1] if found else ""


def _is_a_tenants(rule: Rule, carrier: Carrier | None, stage: str) -> bool:
    """Tell whether a reply may be the policy of one of the domains served, because no rule of the carrier knows it."""
    if carrier is None or not carrier.tenants or stage not in OF_RECIPIENTS:
        return False
    return rule not in carrier.rules


def _is_permanent(stage: str, code: int) -> bool:
    return code // 100 == 5 and not (code == 552 and stage == "rcpt")


# Replies repeat: without the addresses most of a wave of refusals are the same, hence the two memories.
@lru_cache(maxsize=4096)
def _first(
    carriers: Carriers, carrier: Carrier | None, mx: str, stage: str, code: int, enhanced: str, words: str
) -> Rule | None:
    """Return the first rule that applies."""
    return first_that_says(_candidates(carriers, carrier, mx, stage, code, enhanced), words)


@lru_cache(maxsize=4096)
def _candidates(
    carriers: Carriers, carrier: Carrier | None, mx: str, stage: str, code: int, enhanced: str
) -> tuple[Rule, ...]:
    """Return the rules that may apply, as far as all but the words can say."""
    host = mx.lower().rstrip(".")
    named = carrier or carriers.of_mx((host,))
    rules = carriers.rules if named is None else named.rules + carriers.rules
    digits = str(code) if code // 100 in (4, 5) else NO_CODE
    return tuple(rule for rule in rules if rule.fits(host, stage, digits, enhanced))
