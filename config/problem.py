"""What is wrong with a configuration file, where, and what would be right?

    ConfigError          everything that is wrong with one file, each a Problem
    └── CredentialError  a secret or key cannot be read

`REASONS` has the sentence for each kind of problem; the fields in braces are filled in by the one who finds it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic_core import PydanticCustomError

REASONS: Mapping[str, str] = {
    # the file
    "no_file": "there is no such file",
    "unreadable": "cannot be read: {detail}",
    "not_utf8": "is not UTF-8 text; save it again as UTF-8",
    "syntax": "is not valid TOML here: {detail}",
    # the keys
    "unknown_key": "there is no such setting; allowed here: {allowed}",
    "unknown_near": "there is no such setting; did you mean {near}? Allowed here: {allowed}",
    "missing": "is missing, and it must be set",
    "not_a_section": "must be a section of its own, [{name}], not {value}",
    "not_sections": "must be written as [[{name}]], once for each",
    "not_a_list": "must be a list in square brackets, not {value}",
    "empty_list": "must name at least one",
    "other": "{detail}",
    # the values
    "switch": "must be true or false without quotation marks, not {value}",
    "whole": "must be a whole number from {least} to {most}, not {value}",
    "number": "must be a number from {least} to {most}, not {value}",
    "choice": "must be one of {choices}, not {value}",
    "words": "must be text of 1 to {most} characters on one line, not {value}",
    "text": "must be text of 1 to {most} characters, not {value}",
    "phone": 'must be a telephone number such as "0125-22-1234", not {value}',
    "hidden": "contains the invisible character {character}; remove it",
    "minutes": '{value} is no list of minutes of the hour; write it like ["58-02", "30"]',
    "duration": 'must be a duration from "{least}" to "{most}" (s, m, h or d), not {value}',
    "duration_or_never": 'must be a duration from "{least}" to "{most}" (s, m, h or d) or "never", not {value}',
    "path": 'must be an absolute path such as "/etc/mimamori", not {value}',
    "domain": 'must be a domain name such as "mail.example.jp" (a Japanese one in its xn-- form), not {value}',
    "endpoint": 'must be written as "ADDRESS:PORT" or "[IPV6]:PORT" with a port from 1 to 65535, not {value}',
    "nameserver": 'must be the number of a name server and its port, such as "127.0.0.1:53", not {value}',
    "ip": 'must be an IP address such as "192.0.2.25", not {value}',
    "base_url": 'must be "https://HOST" without a path ("http://" only for this machine), not {value}',
    "webhook": 'must be "https://HOST/PATH" ("http://" only for this machine), not {value}',
    "mailbox": "must be a mail address, not {value}: {detail}",
    "program": 'must begin with the absolute path of a program, such as "/usr/local/bin/alarm", not {value}',
    "database": 'must be "sqlite:///PATH" with an absolute path, not {value}',
    "pattern": "is not a regular expression: {detail}",
    "day": "must be a day such as 2026-03-31 without quotation marks, not {value}",
    "school_code": "must be lower case letters, digits and hyphens (at most 40), not {value}",
    # how they go together
    "twice": "names {value} twice",
    "in_use": "{value} is already used by {other}",
    "outside_domain": "must be {name} or end in .{name}, because receivers compare the two (not {value})",
    "pair": "must be set too, or neither of [inbound] certificate and key",
    "shorter": "must not be shorter than {other}",
    "wrong_address": "must be {wanted}, because [domain] name is {domain} (not {value})",
    "other_domain": "the shipped school list writes from {shipped}, but [domain] name is {domain};"
    " let [schools] file name a list of your own",
    "no_school": "there is no school {value} in this file",
    "not_closed": "a school that was merged needs closed_on too",
    "merged_round": "the merged schools lead back to {value}",
    "no_forward_to": 'mail is to be handed on ("forward"), but no forward_to names the mailbox that gets it',
    "comes_back": "must not be an address of {domain}: what is handed on would come back here (not {value})",
    "unknown_city": "there is no such city; there are {allowed}",
    "empty_rule": "would apply to every reply; give a stage, code, enhanced, phrases or text",
    "hard_defer": 'kind = "hard" gives the address up and cannot go with action = "defer"',
    "reader_pause": "would let the whole carrier rest and cannot go with reader = true, which is about one reader",
    # secrets, keys and certificates
    "no_certificate": "holds no certificate; it must be a list of certificates in PEM form",
    "no_pair": "and {key} are no certificate and its key in PEM form, the key without a password",
    "no_secret": "there is no such file; run `mimamori init` to make the missing secrets and keys",
    "no_key": "there is no such file, and mail is to be signed with this key; put it back from a backup",
    "exposed": "may be read by others than its owner (mode {mode}); run: chmod {wanted} {file}",
    "no_webhook_secret": "does not hold whsec_ and {least} to {most} bytes in base64; put it back from a backup",
    "damaged": "does not hold {bytes} bytes in hexadecimal; put it back from a backup",
}

LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `reason` is a key of REASONS, `key` is dotted (`delivery.port`) or empty."""

    file: Path
    line: int | None
    key: str
    reason: str
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Return what is wrong and what is allowed, in English."""
        return REASONS[self.reason].format_map(self.fields)

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        key = f" {self.key}:" if self.key else ""
        return f"{self.file}{line}:{key} {self.message}"


class ConfigError(Exception):
    """A file cannot be used; `problems` has all that is wrong with it, in the order of its lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__("\n".join(map(str, self.problems)))


class CredentialError(ConfigError):
    """A secret or a private key cannot be read, or others can read it too."""


def wrong(reason: str, value: object, **fields: object) -> PydanticCustomError:
    """Return the error that a check raises: `reason` is a key of REASONS, `value` is what was written."""
    return PydanticCustomError(reason, REASONS[reason], {"value": shown(value), **fields})


def shown(value: object) -> str:
    """Return a value the way the file has it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
