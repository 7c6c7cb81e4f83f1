"""How do the servers that give up on a mail write the reply that they were given? Four layouts, from their sources.

`hands_on` writes the report of one of them about `READER`; a reply may have several lines.
"""

import textwrap
from collections.abc import Callable, Mapping

READER = "a@example.jp"
SENDER = "info@town.example.jp"

_HEAD = f"""\
From: MAILER-DAEMON@mx0.town.example.jp (Mail Delivery System)
To: {SENDER}
Subject: Undelivered Mail Returned to Sender
Date: Fri, 27 Nov 2026 10:00:00 +0900
MIME-Version: 1.0
"""
_ORIGINAL = f"From: {SENDER}\nTo: {READER}\nSubject: =?utf-8?b?5LiN5a+p6ICF?=\nMessage-ID: <1@town.example.jp>\n"


def hands_on(layout: str, stage: str, mx: str, reply: str) -> bytes:
    """Return the report in which a server of that kind hands on what `mx` replied at a stage."""
    return _LAYOUTS[layout](stage, mx, reply).encode()


def _report(notice: str, of_recipient: str) -> str:
    return (
        f'{_HEAD}Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n--B\n\n{notice}\n'
        "--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx0.town.example.jp\n\n"
        f"Final-Recipient: rfc822; {READER}\nAction: failed\n{of_recipient}\n"
        f"--B\nContent-Type: text/rfc822-headers\n\n{_ORIGINAL}\n--B--\n"
    )


def _status(reply: str) -> str:
    said = reply[4:].split(" ", 1)[0].lstrip("#")
    return said if said.replace(".", "").isdigit() and said.count(".") == 2 else f"{reply[0]}.0.0"


def _folded(text: str) -> str:
    return "\n    ".join(textwrap.wrap(text, 66, break_long_words=False, break_on_hyphens=False))


def _postfix(stage: str, mx: str, reply: str) -> str:
    commands = {"eod": "end of DATA", "data": "DATA", "mail": "MAIL FROM", "ehlo": "EHLO"}
    one = " ".join(reply.split("\n"))
    said = f"host {mx}[192.0.2.99] said: {one} (in reply to {commands.get(stage, 'RCPT TO')} command)"
    if stage == "connect":
        said = f"host {mx}[192.0.2.99] refused to talk to me: {one}"
    notice = f"This is the mail system at host mx0.town.example.jp.\n\n{_folded(f'<{READER}>: {said}')}\n"
    return _report(notice, f"Status: {_status(reply)}\nRemote-MTA: dns; {mx}\nDiagnostic-Code: smtp; {_folded(one)}\n")


def _sendmail(stage: str, mx: str, reply: str) -> str:
    commands = {"rcpt": f"RCPT To:<{READER}>", "mail": f"MAIL From:<{SENDER}>", "ehlo": "EHLO mx0"}
    first, *more = reply.split("\n")
    asked = "" if stage == "connect" else f">>> {commands.get(stage, 'DATA')}\n"
    answered = "\n".join(f"<<< {line}" for line in (first, *more))
    notice = (
        f"   ----- The following addresses had permanent fatal errors -----\n<{READER}>\n    (reason: {first})\n\n"
        f"   ----- Transcript of session follows -----\n... while talking to {mx}.:\n{asked}{answered}\n"
    )
    return _report(notice, f"Status: {_status(reply)}\nRemote-MTA: DNS; {mx}\nDiagnostic-Code: SMTP; {first}\n")


def _exim(stage: str, mx: str, reply: str) -> str:
    commands = {"eod": "end of data", "data": "DATA", "mail": f"MAIL FROM:<{SENDER}>", "ehlo": "EHLO mx0"}
    after = "initial connection" if stage == "connect" else commands.get(stage, f"RCPT TO:<{READER}>")
    answered = reply.replace("\n", "\n    ")
    return (
        f"{_HEAD}X-Failed-Recipients: {READER}\n\nThis message was created automatically by mail delivery software.\n\n"
        f"A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. "
        f"The following address(es) failed:\n\n  {READER}\n    host {mx} [192.0.2.99]\n"
        f"    SMTP error from remote mail server after {after}:\n    {answered}\n\n"
        f"------ This is a copy of the message, including all the headers. ------\n\n{_ORIGINAL}\n"
    )


def _qmail(stage: str, mx: str, reply: str) -> str:
    says = {
        "eod": "192.0.2.99 failed after I sent the message.",
        "data": "192.0.2.99 failed on DATA command.",
        "mail": "Connected to 192.0.2.99 but sender was rejected.",
        "connect": "Connected to 192.0.2.99 but greeting failed.",
        "ehlo": "Connected to 192.0.2.99 but my name was rejected.",
    }
    return (
        f"{_HEAD}\nHi. This is the qmail-send program at mx0.town.example.jp.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        f"This is a permanent error; I've given up. Sorry it didn't work out.\n\n<{READER}>:\n"
        f"{says.get(stage, '192.0.2.99 does not like recipient.')}\nRemote host said: {reply}\n"
        "Giving up on 192.0.2.99.\n\n"
        f"--- Below this line is a copy of the message.\n\nReturn-Path: <{SENDER}>\n{_ORIGINAL}\n"
    )


_LAYOUTS: Mapping[str, Callable[[str, str, str], str]] = {
    "postfix": _postfix,
    "sendmail": _sendmail,
    "exim": _exim,
    "qmail": _qmail,
}
LAYOUTS = tuple(_LAYOUTS)
