"""May this mail be a returned one?

Who read ordinary mail as a report would blame good addresses: only what is written as servers write counts.
"""

import re

from mailer.bounce.address_in import address_in, addresses_in
from mailer.bounce.rulebook import Rulebook
from mailer.mime.automatic import answers_automatically, is_automatic
from mailer.mime.entity import Entity, decode_words

#: Of multipart/report (RFC 6522); a receipt of reading is none of these.
_DELIVERY = frozenset({"", "delivery-status"})
#: How the subject begins of what a person answers or forwards, or what a help desk has given a number.
_HANDED_ON = re.compile(
    r"\s*(?:(?:re|fwd?|aw|wg|antwort|tr|rv|res|enc|rif|sv|vs|vl|antw|doorst|odp|pd|ynt|ilt|転送|返信|回复|答复|转发|回覆|轉寄|회신"
    r"|전달)\s*[:：]|\[[^\[\]]{0,30}\d{3,}\])",
    re.IGNORECASE,
)
#: Of what a mailing list hands out; its own program answers in one of these names.
_OF_POSTS = ("list-id", "list-post")
_OF_LIST = re.compile(
    r"(?:-(?:owner|request|admin|bounces|ctl)|\bowner-[^@\s]{1,100}|listserv|majordomo|mailman|sympa|fml)@",
    re.IGNORECASE,
)
_OF_LISTS = ("list-unsubscribe", "list-id", "list-post", "feedback-id")
#: Programs that send reports in their own name, or in none.
_PROGRAM = re.compile(
    r"(?:mdaemon|imss|interscan|virus|\bndr)[^@<>]{0,60}@|^\s*\"?interscan (?:mss|notification)\b|^\s*$|<>",
    re.IGNORECASE,
)
#: Names that programs have, and newsletters, too.
_GENERIC = re.compile(r"(?:smtp|mail.?(?:server|service|gateway|marshal|scanner|robot))[^@<>]{0,60}@", re.IGNORECASE)
_RETURNING = re.compile(
    r"mailer.?daemon|postmaster|mail.?delivery|mail.?system|mail administrator|delivery (?:sub)?system"
    r"|system administrator|deliver(?:y|ed) (?:service|status)|undeliver|\bbounces?(?:[+-][^@\s]{0,100})?@"
    r"|\bmicrosoftexchange[0-9a-f]{32}@|courier mail server at ",
    re.IGNORECASE,
)
#: Names that servers and people share.
_OF_PEOPLE = re.compile(r"postmaster|administrator", re.IGNORECASE)
#: Programs in which people write, as User-Agent and X-Mailer name them, and Gmail's pages by their Message-ID.
_FOR_PEOPLE = re.compile(
    r"\b(?:thunderbird|mozilla/|mutt|apple mail|i(?:phone|pad) mail|microsoft (?:office )?outlook|outlook express"
    r"|windows (?:live )?mail|roundcube|squirrelmail|horde|evolution|kmail|claws|sylpheed|alpine|becky|shuriken"
    r"|al-mail|yahoomail|zimbra|open-xchange|em client|sogo)|@mail\.gmail\.com>",
    re.IGNORECASE,
)


def sender_words(mail: Entity) -> str:
    """Return what formats know a sender by, in small letters: From, Subject, and names of telling fields."""
    names = " ".join(name for name in ("x-failed-recipients", "x-ezweb") if mail.field(name))
    return decode_words(f"{mail.field('from')}\n{mail.field('subject')}\n{names}").lower()


def is_returning(book: Rulebook, mail: Entity, sender: str) -> bool:
    """Tell whether a mail may be a returned one; `sender` are its `sender_words`."""
    if is_answer(book, mail, sender) or any(other in sender for other in book.others):
        return False
    if is_of_machine(mail):
        return not _is_correspondence(mail)
    return has_such_subject(book, mail, sender) and not _by_person(book, mail)


def _is_correspondence(mail: Entity) -> bool:
    """Tell whether somebody answers or forwards in a program for people, and only has the name of a postmaster."""
    return (
        _HANDED_ON.match(mail.words("subject")) is not None
        and _names_program_for_people(mail)
        and mail.field("return-path").strip() != "<>"
        and mail.media_type != "multipart/report"
    )


def _names_program_for_people(mail: Entity) -> bool:
    programs = (mail.field("user-agent"), mail.field("x-mailer"), mail.field("message-id"))
    return any(_FOR_PEOPLE.search(program) for program in programs)


def _by_person(book: Rulebook, mail: Entity) -> bool:
    """Tell whether a mail was written in a program for people, to a mailing list, or from a mailbox of a carrier or a
    free provider: who pastes a report asks what it means.
    """
    posted = any(mail.field(name) for name in _OF_POSTS) and _OF_LIST.search(mail.field("from")) is None
    if posted or _names_program_for_people(mail):
        return True
    domain = address_in(mail.field("from")).rpartition("@")[2]
    return book.carriers.of_domain(domain) is not None and not is_automatic(mail)


def is_answer(book: Rulebook, mail: Entity, sender: str) -> bool:
    """Tell whether the mailbox of a person answered by itself: such answers come without a reverse-path, too."""
    by_person = (
        bool(addresses_in(mail.field("from")))
        and not mail.field("x-failed-recipients")
        and mail.media_type != "multipart/report"
        and not is_from_machine(mail)
    )
    return by_person and answers_automatically(mail) and not has_such_subject(book, mail, sender)


def has_such_subject(book: Rulebook, mail: Entity, sender: str) -> bool:
    """Tell whether the subject is one that returned mails have, and not handed on."""
    handed_on = _HANDED_ON.match(mail.words("subject")) is not None
    return not handed_on and any(subject in sender for subject in book.subjects)


def is_of_machine(mail: Entity) -> bool:
    """Tell whether a server wrote a mail: it names failed recipients, has no reverse-path, is a report of delivery, or
    is from such a name.
    """
    return (
        bool(mail.field("x-failed-recipients"))
        or mail.field("return-path").strip() == "<>"
        or (mail.media_type == "multipart/report" and mail.parameters.get("report-type", "") in _DELIVERY)
        or is_from_machine(mail)
    )


def may_be_letter(mail: Entity) -> bool:
    """Tell whether a postmaster may have written a mail with his own hands: it has a reverse-path, and no sign of a
    program but the name of its sender.
    """
    return (
        mail.field("return-path").strip() not in ("", "<>")
        and _OF_PEOPLE.search(mail.field("from")) is not None
        and mail.media_type != "multipart/report"
        and not mail.field("auto-submitted")
        and not mail.field("x-failed-recipients")
    )


def brings_back(mail: Entity, original: Entity | None) -> bool:
    """Tell whether a program seems to have written a mail whose subject is that of a returned one: by its name, or
    because it brings back to a sender what that sender wrote.
    """
    if _PROGRAM.search(mail.field("from")) is not None:
        return True
    if any(mail.field(name) for name in _OF_LISTS):
        return False
    if _GENERIC.search(mail.field("from")) is not None:
        return True
    to = {one.lower() for one in addresses_in(mail.field("to"))}
    writers = [] if original is None else [original.field(name) for name in ("return-path", "from", "sender")]
    return any(one.lower() in to for one in addresses_in(", ".join(writers)))


def is_from_machine(mail: Entity) -> bool:
    """Tell whether From names a program of a server."""
    return _RETURNING.search(mail.field("from")) is not None
