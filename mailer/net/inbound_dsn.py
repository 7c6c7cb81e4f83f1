"""Which words about delivery reports may come with MAIL and RCPT?

Those of RFC 3461 §4. We do not offer DSN, because who does must report deliveries, and nothing here ever causes a mail;
but some send the words all the same. They are checked and written above the mail that they came with.
"""

import re
from collections.abc import Mapping

from mailer.net.inbound_path import PathError

_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"
#: By parameter; in capitals where the word is one of a few.
MAIL_WORDS: Mapping[str, re.Pattern[str]] = {
    "RET": re.compile(r"FULL|HDRS", re.IGNORECASE),
    "ENVID": re.compile(rf"{_XTEXT}{{1,100}}"),
}
RCPT_WORDS: Mapping[str, re.Pattern[str]] = {
    "NOTIFY": re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}", re.IGNORECASE),
    "ORCPT": re.compile(rf"[A-Za-z0-9-]{{1,40}};{_XTEXT}{{1,500}}"),
}


def take_words(parameters: dict[str, str], words: Mapping[str, re.Pattern[str]]) -> str:
    """Take the words about reports out of the parameters and return them in one line; raise PathError for a bad one."""
    given = {name: parameters.pop(name) for name in words if name in parameters}
    for name, value in given.items():
        if not words[name].fullmatch(value):
            raise PathError(f"501 5.5.4 Syntax error in {name}")
    return " ".join(f"{name}={value}" for name, value in given.items())
