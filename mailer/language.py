"""In which language do we speak to people?

Every sentence that a person may read is an English msgid: `_("{count} rows read").format(count=9)`.
Japanese comes from the catalogue beside this file; `en` is the msgid itself. A process says once, with
`use`, what it speaks; a page that follows Accept-Language asks for one sentence with `translate`.

The log is not translated: it stays English and ASCII, because programs read it.
"""

import gettext
from functools import cache
from pathlib import Path

LANGUAGES = ("ja", "en")
LOCALE = Path(__file__).with_name("locale")
DOMAIN = "mimamori"

_spoken = "en"


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.NullTranslations() if language == "en" else gettext.translation(DOMAIN, LOCALE, [language])


def use(language: str) -> None:
    """Make `language` ("ja" or "en") the one this process speaks; raise ValueError for another."""
    global _spoken
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not a language of this program; there are {', '.join(LANGUAGES)}")
    _spoken = language


def spoken() -> str:
    """Return the language this process speaks."""
    return _spoken


def translate(language: str, message: str) -> str:
    """Return the sentence `message` (an English msgid) in `language`."""
    return _catalogue(language).gettext(message) if message else ""


def _(message: str) -> str:
    """Return the sentence `message` (an English msgid) in the language this process speaks."""
    return translate(_spoken, message)
