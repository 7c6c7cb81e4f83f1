"""What becomes of a mail that came to a school?

It is kept before anything else. Then, by the school's policy, a notice to its sender or a copy to the school's mailbox
is planned as a single mail (`service.singles`), or why nothing is sent is written down; whatever goes wrong later, the
mail is there for a person. Whoever floods us with senders of his choice gets no more out of us than the limits here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from mailer.bounce.event import ReadMail
from mailer.domain.alarm import Kind as AlarmKind
from mailer.domain.answering import Arrival, ReplyPolicy, refusal, why_not_forwarded, why_not_noticed
from mailer.domain.school import School
from mailer.mime.correspondence import Correspondence
from mailer.service import alarm
from mailer.service.audit import record
from mailer.service.keys import active_selectors
from mailer.service.office import Office
from mailer.service.singles import returned
from mailer.store import inbound, singles
from mailer.store.database import transaction
from mailer.store.singles import Planned, Single, SingleKind, SingleState

__all__ = ["Single", "SingleKind", "SingleState"]

#: RFC 3834 §2 recommends a week, for who is away; who answers to tomorrow's broadcast must hear anew that nobody reads.
NOTICE_EVERY = timedelta(days=1)
#: From all schools together: nobody can have more sent to somebody whose address he writes on his mails.
MOST_NOTICES_A_DAY = 3
HOUR = timedelta(hours=1)
#: Notices in all, and copies to one school's mailbox. Registered addresses have an allowance of their own, so that no
#: stranger uses it up; after a broadcast many of them answer at once.
MOST_NOTICES_AN_HOUR, MOST_FORWARDS_AN_HOUR = 100, 60
MOST_REGISTERED_NOTICES_AN_HOUR = 1000
TRIED = timedelta(days=3)


class NotForwarded(ValueError):
    """A mail cannot be handed on: `reason` is a key of REASONS, `detail` names the mail or school."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{REASONS[reason]} ({detail})")
        self.reason = reason
        self.detail = detail


#: What each refusal means, for the person who asked.
REASONS = {
    "no_mail": "There is no such mail; “mimamori replies list” shows them.",
    "no_mailbox": "schools.toml names no mailbox (forward_to) for this school.",
    "on_its_way": "This mail is on its way to the school's mailbox already.",
}


def refusals(office: Office) -> Mapping[str, str]:
    """Return the replies for who writes to schools that refuse mail, by their codes."""
    phones = {
        school.code: office.schools.successor(school).replies.phone
        for school in office.schools
        if school.replies.policy is ReplyPolicy.REFUSE
    }
    return {code: refusal(phone) for code, phone in phones.items()}


def learn(office: Office, mail_id: int, read: Correspondence, said: ReadMail) -> None:
    """Write what a kept mail leads to: for each school it came to, and for a copy that it says came back.

    Inside a Writer.
    """
    came = singles.envelope(mail_id)
    if came is None:
        return
    reverse_path, forward_paths = came
    locals_ = [path.rpartition("@")[0] for path in forward_paths]
    back = [number for local in locals_ if (number := office.verp.of_singles().read(local)) is not None]
    mail = _Came(
        id=mail_id,
        reverse_path=reverse_path,
        read=read,
        automatic=read.automatic or said.automatic,
        returned=bool(back) or any(office.verp.read(local) is not None for local in locals_),
        registered=singles.is_registered(reverse_path),
    )
    for code in dict.fromkeys(local.lower() for local in locals_):
        if (school := office.schools.get(code)) is not None:
            _led_to(office, school, mail)
    failed = next((event for event in said.events if event.kind.failed), None)
    if back and failed is not None:
        returned(office, back[0], failed.diagnostic or failed.status)


@dataclass(frozen=True, slots=True)
class _Came:
    """A mail as it came; `returned`: to a reverse-path of ours, too; `registered`: its sender is in the roster."""

    id: int
    reverse_path: str
    read: Correspondence
    automatic: bool
    returned: bool
    registered: bool

    @property
    def sender(self) -> str:
        """Return what tells senders apart: whoever changes the case of his address is the same."""
        return self.reverse_path.lower()


def _led_to(office: Office, school: School, mail: _Came) -> int:
    match school.replies.policy:
        case ReplyPolicy.NOTICE:
            kind, recipient, reason = SingleKind.NOTICE, mail.reverse_path, _why_no_notice(office, school, mail)
        case ReplyPolicy.FORWARD:
            kind, recipient, reason = SingleKind.FORWARD, school.replies.forward_to, _why_no_copy(office, school, mail)
        case ReplyPolicy.REFUSE:
            kind, recipient, reason = SingleKind.NOTHING, "", "refusing"
    if reason.startswith("too_many"):
        _tell_of_withheld(office, school, kind, mail)
    selectors = active_selectors() if kind is SingleKind.NOTICE and not reason else ()
    known = (mail.id, school.code, kind, mail.sender, recipient, mail.read.message_id)
    return _plan(office, Planned(*known, selectors, reason))


def _tell_of_withheld(office: Office, school: School, kind: SingleKind, mail: _Came) -> None:
    whose = "registered" if mail.registered else "strangers"
    alarm.raise_(office, AlarmKind.REPLIES_WITHHELD, f"{kind.value} {whose}", f"first at {school.code}")


def _plan(office: Office, planned: Planned) -> int:
    now = office.clock()
    return singles.plan(planned, now, now + TRIED)


def _why_no_notice(office: Office, school: School, mail: _Came) -> str:
    now = office.clock()
    if why := why_not_noticed(_arrival(school, mail), office.domain):
        return why
    if any(one.kind is SingleKind.NOTICE and not one.reason for one in singles.of_mail(mail.id)):
        return "another_school"
    noticed = singles.noticed(mail.sender, now - NOTICE_EVERY)
    if school.code in noticed or len(noticed) >= MOST_NOTICES_A_DAY:
        return "answered_today"
    most = MOST_REGISTERED_NOTICES_AN_HOUR if mail.registered else MOST_NOTICES_AN_HOUR
    sent = singles.sent_since(SingleKind.NOTICE, now - HOUR, registered=mail.registered)
    return "too_many_notices" if sent >= most else ""


def _why_no_copy(office: Office, school: School, mail: _Came) -> str:
    if why := why_not_forwarded(_arrival(school, mail), office.domain):
        return why
    since = office.clock() - HOUR
    sent = singles.sent_since(SingleKind.FORWARD, since, school.code, registered=mail.registered)
    return "too_many_forwards" if sent >= MOST_FORWARDS_AN_HOUR else ""


def _arrival(school: School, mail: _Came) -> Arrival:
    return Arrival(
        reverse_path=mail.reverse_path,
        automatic=mail.automatic,
        addressed=school.address.lower() in mail.read.addressed,
        returned=mail.returned,
        been_here=school.address.lower() in mail.read.delivered_to,
        octets=mail.read.octets,
    )


def list_(school: str, limit: int, *, unsent: bool) -> list[Single]:
    """Return what mail to the schools led to, the newest first; see `store.singles.newest`."""
    return singles.newest(school, limit, unsent=unsent)


def get(number: int) -> Single:
    """Return what one mail led to; raise NotForwarded if there is none."""
    found = singles.get(number)
    if found is None:
        raise NotForwarded("no_mail", f"S{number:X}")
    return found


def content(single: Single) -> bytes:
    """Return the mail that came, raw."""
    return inbound.raw(single.mail_id) or b""


def forward(office: Office, number: int, actor: str) -> Single:
    """Hand a kept mail on to the school's mailbox because a person wants it, whatever the policy.

    Raises NotForwarded.
    """
    with transaction():
        return _forward(office, number, actor)


def _forward(office: Office, number: int, actor: str) -> Single:
    one = get(number)
    school = office.schools.get(one.school)
    if school is None or not school.replies.forward_to:
        raise NotForwarded("no_mailbox", one.school)
    copies = [other for other in singles.of_mail(one.mail_id) if other.kind is SingleKind.FORWARD]
    if any(other.state in (SingleState.WAITING, SingleState.SENDING) for other in copies):
        raise NotForwarded("on_its_way", f"S{number:X}")
    planned = Planned(
        one.mail_id, one.school, SingleKind.FORWARD, one.sender, school.replies.forward_to, one.message_id, (), ""
    )
    made = _plan(office, planned)
    record(office, actor, "replies.forward", f"S{made:X}", of=f"S{number:X}", school=one.school)
    return get(made)
