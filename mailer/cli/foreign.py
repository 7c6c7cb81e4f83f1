"""What does an error of a deeper layer, or of the system, say in the language of the person at the keyboard?

Deeper layers know no language: their words go into the log too, which is English. What a person may meet is told by
its form; words of another form stay as they are.
"""

import re
import string
from collections.abc import Iterator, Mapping

from mailer.language import _

#: The sentences as they are raised, with names for what they fill in.
WHY: Mapping[str, str] = {
    "no_store": "{file}: there is no store here; run `mimamori init` first",
    "no_access": "{file}: cannot be opened ({error})",
    "newer_store": "{file}: written by a newer mimamori ({step}) and left as it was; install that one",
    "older_store": "{file}: its schema lacks {step}; run `mimamori init` to bring it up to date",
    "old_sqlite": "SQLite {version} may corrupt the store; 3.51.3 or newer is needed",
    "another_mailer": "{file}: another mailer works on this store; stop that one first",
    "other_key": "This is neither an RSA nor an Ed25519 key; make one with `mimamori keys new`.",
    "key_bits": "This RSA key has {bits} bits; receivers want {least} to {most}. Make one with `mimamori keys new`.",
    "key_encrypted": "This key is encrypted; store it without a passphrase, readable by us alone.",
    "key_damaged": "This is no private key in PEM form, or it is damaged.",
    "no_door": "{address}: cannot be listened on ({error})",
    "in_use": "Address already in use",
    "no_address": "Cannot assign requested address",
    "denied": "Permission denied",
    "not_permitted": "Operation not permitted",
    "no_file": "No such file or directory",
    "no_directory": "Not a directory",
    "a_directory": "Is a directory",
    "no_room": "No space left on device",
    "read_only": "Read-only file system",
    "locked": "database is locked",
    "no_database": "file is not a database",
    "unopened": "unable to open database file",
    "damaged": "database disk image is malformed",
    "disk": "disk I/O error",
    "refuses": "attempt to write a readonly database",
}


def told(words: str) -> str:
    """Return these words, and the words inside them, in the language spoken."""
    for sentence in WHY.values():
        found = re.fullmatch("".join(_form(sentence)), words, re.DOTALL)
        if found:
            return _(sentence).format_map({name: told(part) for name, part in found.groupdict().items()})
    return words


def _form(sentence: str) -> Iterator[str]:
    for text, name, _spec, _conversion in string.Formatter().parse(sentence):
        yield re.escape(text) + (f"(?P<{name}>.+)" if name else "")
