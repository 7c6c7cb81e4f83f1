"""Why did a broadcast not come, as the support window is asked by an address or a household (F9)?

Gathers what the store knows, for `domain.explain` to judge; changes nothing. An address that stands in several
households is answered for each. What was typed is never taken for another address (N6): those that look like it are
returned to be asked about. Raises NoSuchAnnouncement, Forgotten where the recipients of a broadcast that is named are
not kept any longer, and RosterRefused for a household that there is not.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mailer.carrier.group import Carriers
from mailer.domain.announcement import Announcement
from mailer.domain.explain import Answer, explain
from mailer.domain.explain_case import Case, Place
from mailer.domain.household import Household
from mailer.domain.likeness import key_within, other_domains
from mailer.domain.typed import BLANKS, hidden_character
from mailer.service.announce import NoSuchAnnouncement
from mailer.service.explain_facts import History, broadcast, mail, registration
from mailer.service.office import Office
from mailer.service.roster import RosterRefused
from mailer.smtp.address import AddressError, parse_address
from mailer.store import accounting, announcements, audience, maintenance, registry, suspensions
from mailer.store import explain as evidence

MOST_DIGITS = 18
MOST_DOMAINS = 100_000

Elsewhere = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """The answer for one household, or for an address that stands in none.

    `elsewhere` says of each other slot of the household what became of the broadcast there: a word, no address.
    """

    case: Case
    answer: Answer
    elsewhere: Elsewhere = ()


@dataclass(frozen=True, slots=True)
class Meant:
    """An address that a person may have meant by another, and whether it is registered; or a household."""

    address: str
    registered: bool
    household: int | None = None


def ask(office: Office, carriers: Carriers, wanted: str, announcement_id: str | None = None) -> list[Explained]:
    """Explain a broadcast (None: the latest that concerned it) for an address, or for a household by its number."""
    desk = _Desk(office, carriers, _announcement(announcement_id) if announcement_id else None)
    text = wanted.strip(BLANKS)
    if _is_number(text):
        return [desk.household(int(text))]
    try:
        key = parse_address(text).key
    except AddressError as error:
        return [desk.judged(None, Case(office.clock(), office.domain, text, error.reason))]
    return list(desk.address(text, key)) or [desk.nobody(text, key)]


def meant(carriers: Carriers, wanted: str) -> list[Meant]:
    """Return which other addresses may be meant by one that is not registered, or is none; to be asked, never taken."""
    key = key_within(wanted)
    if not key:
        return _household(wanted)
    carriers_own = {domain for carrier in carriers for domain in carrier.domains if not domain.startswith("*")}
    near = other_domains(key, carriers_own | set(audience.domains(MOST_DOMAINS)))
    respelled = [key] if key != _key(wanted) else []
    registered = [*evidence.registered([*respelled, *near]), *evidence.alike(key)]
    if registered or key.rpartition("@")[2] in carriers_own:
        return [Meant(address, True) for address in dict.fromkeys(registered)]
    return [Meant(address, False) for address in (*respelled, *other_domains(key, carriers_own))]


def at_rest(wanted: str) -> list[str]:
    """Return which of the addresses that rest, or may come to, a person may have meant; to be asked, never taken."""
    key, concerned = key_within(wanted), suspensions.concerned()
    near = {key, *other_domains(key, (one.rpartition("@")[2] for one in concerned))}
    alike = {one for one in concerned if one in near or one.lower() == key.lower()}
    return sorted(alike - {_key(wanted)})


def _key(wanted: str) -> str:
    """Return the key of what was typed as it is taken; empty if that is no address."""
    try:
        return parse_address(wanted.strip(BLANKS)).key
    except AddressError:
        return ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def _household(wanted: str) -> list[Meant]:
    """Return the household whose number was typed in full-width digits."""
    text = unicodedata.normalize("NFKC", wanted.strip(BLANKS)) if wanted.strip(BLANKS).isdecimal() else ""
    found = registry.by_id(int(text)) if _is_number(text) else None
    return [Meant("", True, found.id)] if found else []


def _announcement(announcement_id: str) -> Announcement:
    found = None if hidden_character(announcement_id) else announcements.get(announcement_id)
    if found is None:
        raise NoSuchAnnouncement(announcement_id)
    accounting.must_be_kept(found.id)
    return found


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where one enquiry is answered; `named` is the broadcast that it names, if any."""

    office: Office
    carriers: Carriers
    named: Announcement | None

    def household(self, number: int) -> Explained:
        """Answer for a household."""
        household = registry.by_id(number)
        if household is None:
            raise RosterRefused("unknown_household", str(number))
        return self._of(household, self.named or self._latest(household), "", "")

    def address(self, text: str, key: str) -> Iterator[Explained]:
        """Answer for each household in which an address stands, or stood when the latest mail left for it."""
        mailed = self.mailed(key)
        past = evidence.households(mailed.id, text, key) if mailed else []
        present = {household.id: household for household in registry.by_address(key)}
        former = [registry.by_id(number) for number in past if number not in present]
        known = [*present.values(), *(one for one in former if one is not None)]
        for one in sorted(known, key=lambda one: (one.deregistered_at is not None, one.id)):
            yield self._of(one, self.named or (self._latest(one) if one.id in present else mailed), text, key)

    def nobody(self, text: str, key: str) -> Explained:
        """Answer for an address that stands in no household, and of which nothing but a mail may be known."""
        about = self.mailed(key)
        item = evidence.item(about.id, key) if about else None
        places = (Place((), "", None, mail=mail(self.office, self.carriers, item)),) if item else ()
        return self.judged(about, Case(self.office.clock(), self.office.domain, text, places=places))

    def mailed(self, key: str) -> Announcement | None:
        """Return the broadcast that was named, or the latest with a mail to an address."""
        found = None if self.named else evidence.mailed(key, self.office.clock())
        return _announcement(found) if found else self.named

    def judged(self, about: Announcement | None, case: Case, elsewhere: Elsewhere = ()) -> Explained:
        """Return the answer."""
        about = about or self.named
        sent = broadcast(self.office, about, named=self.named is not None) if about else None
        case = replace(case, broadcast=sent, windows=tuple(maintenance.windows()))
        return Explained(case, explain(case), elsewhere)

    def _of(self, household: Household, about: Announcement | None, text: str, key: str) -> Explained:
        history = History(self.office, self.carriers, household, about)
        case = Case(
            now=self.office.clock(),
            domain=self.office.domain,
            address=text,
            household=registration(self.office, household),
            places=history.places(key),
            confirmed=history.confirmed(),
            met=history.met,
            awaited=history.awaited,
        )
        return self.judged(about, case, history.elsewhere(key) if key else ())

    def _latest(self, household: Household) -> Announcement | None:
        """Return the latest broadcast that concerned a household.

        Where none did, and it is registered, the latest to its school tells that it registered too late.
        """
        now = self.office.clock()
        found = evidence.concerning(household.id, now)
        if found is None and household.deregistered_at is None:
            found = evidence.addressed(household.entry.school, now)
        return _announcement(found) if found else None
