"""To which replies does one rule of carriers.toml apply?

A rule names a part of what a reply may be: the host that gave it, the stage of the session, its code, its enhanced
status (RFC 3463 §2), its words. What it leaves out is not looked at. The words are compared with the reply as
`plain_words` writes it: in lower case, on one line, with `@` in the place of every address.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailer.carrier.reason import Reason

#: The stages of a session at which a reply can refuse something; `eod` is the reply to the end of the data.
STAGES = ("connect", "ehlo", "starttls", "mail", "rcpt", "data", "eod")
#: Those at which a recipient is named, so that a refusal may be about it, or be its domain's.
OF_RECIPIENTS = frozenset({"rcpt", "data", "eod"})

LONGEST_WORDS = 512
#: A code that stands for "no reply could be read"; only a rule that names it applies to such a reply.
NO_CODE = "000"

_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")
_ADDRESS_IN_URL = re.compile(r"[^\s<>\"'(),;:/?&=]+@[^\s<>\"'(),;:/?&=]+")  # else the host of its page would be lost
_NEXT_LINE = re.compile(r"\n\s*(?:[245]\.\d{1,3}\.\d{1,3}\s)?")


def plain_words(text: str) -> str:
    """Return the words of a reply as rules see them: lower case, one line, every address written as `@`."""
    words = text[:LONGEST_WORDS].lower()
    if "\n" in words:
        words = _NEXT_LINE.sub(" ", words)
    if "..." in words:
        words = words.replace("...", "... ")  # as Sendmail writes it; others leave out the blank behind an address
    return " ".join([_without_address(word) if "@" in word else word for word in words.split()])


def _without_address(word: str) -> str:
    return (_ADDRESS_IN_URL if "://" in word else _ADDRESS).sub("@", word)


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What a kind of reply means: `kind` hard or soft and `action` refuse or defer hold for permanent (5xx) replies.

    `phrases` are pieces of text, one of which must stand in the reply; `text` is a pattern to be found in it.
    `pause` asks for the whole site to be left alone for a while. `reader` says that the reply is about one reader, or
    about one sender and one reader (greylisting), and not about our haste. `source` says how we know.
    """

    reason: Reason
    kind: str
    action: str
    source: str
    host: str = ""
    stages: frozenset[str] = frozenset()
    code: re.Pattern[str] | None = None
    enhanced: re.Pattern[str] | None = None
    phrases: tuple[str, ...] = ()
    text: re.Pattern[str] | None = None
    pause: bool = False
    reader: bool = False

    def fits(self, host: str, stage: str, code: str, enhanced: str) -> bool:
        """Tell whether the rule may apply, as far as everything but the words can say."""
        return (
            (not self.host or host == self.host or host.endswith("." + self.host))
            and (not self.stages or stage in self.stages)
            and (code != NO_CODE if self.code is None else self.code.fullmatch(code) is not None)
            and (self.enhanced is None or self.enhanced.fullmatch(enhanced) is not None)
        )

    def says(self, words: str) -> bool:
        """Tell whether the plain words of a reply are those of the rule."""
        return first_that_says((self,), words) is not None


def first_that_says(rules: Iterable[Rule], words: str) -> Rule | None:
    """Return the first of some rules whose words are the plain words of a reply, or None."""
    for rule in rules:  # the hot loop of reading: a function called for each rule would take a tenth more time
        for phrase in rule.phrases:  # and any() a quarter more
            if phrase in words:
                break
        else:
            if rule.phrases:
                continue
        if rule.text is None or rule.text.search(words) is not None:
            return rule
    return None
