"""May this mail be a returned one?

Who read ordinary mail as a report would blame good addresses: only what is written as servers write counts.
"""

import re

from mailer.bounce.rulebook import Rulebook
from mailer.mime.entity import Entity, decode_words

#: How the subject begins of what a person answers or forwards.
_HANDED_ON = re.compile(r"\s*(?:re|fwd?|aw|wg|tr|rv|sv|転送|返信)\s*[:：]", re.IGNORECASE)
_RETURNING = re.compile(
    r"mailer.?daemon|postmaster|mail.?delivery|mail.?system|mail administrator|delivery (?:sub)?system"
    r"|system administrator|deliver(?:y|ed) (?:service|status)|undeliver|bounce",
    re.IGNORECASE,
)


def sender_words(mail: Entity) -> str:
    """Return what formats know a sender by, in small letters: From, Subject, and names of telling fields."""
    names = " ".join(name for name in ("x-failed-recipients", "x-ezweb") if mail.field(name))
    return decode_words(f"{mail.field('from')}\n{mail.field('subject')}\n{names}").lower()


def is_returning(book: Rulebook, mail: Entity, sender: str) -> bool:
    """Tell whether a mail may be a returned one; `sender` are its `sender_words`."""
    if is_of_machine(mail):
        return True
    handed_on = _HANDED_ON.match(mail.words("subject")) is not None
    return not handed_on and any(subject in sender for subject in book.subjects)


def is_of_machine(mail: Entity) -> bool:
    """Tell whether a server wrote a mail: it names failed recipients, has no reverse-path, or is from such a name."""
    return bool(mail.field("x-failed-recipients")) or mail.field("return-path").strip() == "<>" or is_from_machine(mail)


def is_from_machine(mail: Entity) -> bool:
    """Tell whether From names a program of a server."""
    return _RETURNING.search(mail.field("from")) is not None
