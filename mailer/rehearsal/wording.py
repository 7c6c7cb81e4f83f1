"""Which words does a simulated receiver answer with?

The words decide what a reply means, so they are those the carriers really use, as far as they are known
(carriers' tables; each `{address}` is the recipient). A line break makes a multi-line reply (RFC 5321
§4.2.1). docomo, au and SoftBank send no enhanced status codes; SoftBank's 421 has no text at all.
"""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Wording:
    """One receiver's replies; those not named are Postfix-like."""

    mail: str = "250 2.1.0 Ok"
    rcpt: str = "250 2.1.5 Ok"
    accepted: str = "250 2.0.0 Ok: queued as {serial}"
    unknown: str = "550 5.1.1 <{address}>: Recipient address rejected: User unknown"
    filtered: str = "550 5.7.1 Message refused by the recipient's settings"
    tempfail: str = "451 4.3.0 <{address}>: Temporary lookup failure"
    greylist: str = "450 4.2.0 <{address}>: Recipient address rejected: Greylisted"
    full: str = "452 4.2.2 <{address}>: Mailbox full"
    eodfail: str = "451 4.3.0 Error: queue file write error"
    throttled: str = "421 4.7.0 Too many connections or messages, try again later"
    syntax: str = "501 5.1.3 Bad recipient address syntax"
    relay: str = "554 5.7.1 <{address}>: Relay access denied"
    too_many: str = "452 4.5.3 Error: too many recipients"
    no_recipients: str = "554 5.5.1 Error: no valid recipients"
    too_big: str = "552 5.3.4 Error: message file too big"


@lru_cache(maxsize=1024)
def reply(text: str) -> bytes:
    """Return the wire form of a reply: `-` after the code of all lines but the last, CRLF after each."""
    lines = text.split("\n")
    code = lines[0][:3]
    head = [f"{line[:3]}-{line[4:]}" for line in lines[:-1]]
    last = lines[-1] if lines[-1].startswith(code) else f"{code} {lines[-1]}"
    return "\r\n".join([*head, last, ""]).encode()


POSTFIX_LIKE = Wording()
DOCOMO = Wording(
    mail="250 Sender okay",
    rcpt="250 Recipient okay",
    accepted="250 {serial} okay, completed",
    unknown="550 Unknown user {address}",
    filtered="550 Unknown user {address}",
    full="552 Too much mail data {address}",
    tempfail="450 Requested mail action not taken",
    eodfail="451 Requested action aborted",
    throttled="421 Service not available, closing transmission channel",
    too_many="554 Transaction failed",
    no_recipients="503 Bad sequence of commands",
    too_big="552 Message size exceeds maximum value",
)
AU = Wording(
    mail="250 ok",
    rcpt="250 ok",
    accepted="250 ok {serial}",
    unknown="550 <{address}>: User unknown",
    filtered="550 : User unknown",
    syntax="554 <{address}>: Relay access denied",
    relay="554 <{address}>: Relay access denied",
    no_recipients="554 Error: no valid recipients",
    too_big="552 Message size exceeds fixed limit",
)
SOFTBANK = Wording(
    mail="250 ok",
    rcpt="250 ok",
    accepted="250 Message accepted for delivery",
    unknown="550 Invalid recipient: <{address}>",
    throttled="421 ",
    no_recipients="503 Need RCPT",
    too_big="552 Message size exceeds fixed maximum message size: 3145728 bytes",
)
RAKUTEN = Wording(unknown="550 User not found", rcpt="250 OK", mail="250 OK")
GMAIL = Wording(
    mail="250 2.1.0 OK {serial} - gsmtp",
    rcpt="250 2.1.5 OK - gsmtp",
    accepted="250 2.0.0 OK {serial} - gsmtp",
    unknown="550-5.1.1 The email account that you tried to reach does not exist. Please try\n"
    "550-5.1.1 double-checking the recipient's email address for typos or\n"
    "550 5.1.1 unnecessary spaces. - gsmtp",
    greylist="450 4.2.1 The user you are trying to contact is receiving mail too quickly. - gsmtp",
    full="452 4.2.2 The recipient's inbox is out of storage space. - gsmtp",
    throttled="421 4.7.28 Our system has detected an unusual rate of mail. - gsmtp",
    tempfail="451 4.3.0 Mail server temporarily rejected message. - gsmtp",
)
ICLOUD = Wording(
    unknown="550 5.1.1 <{address}>: inactive email address",
    full="552 5.2.2 <{address}>: user is over quota",
    throttled="421 4.7.1 Message deferred due to excessive volume",
    filtered="550 5.7.1 [CS01] Message rejected due to local policy",
)
YAHOO = Wording(
    mail="250 ok",
    rcpt="250 ok",
    accepted="250 ok dirdel",
    unknown="554 delivery error: dd This user doesn't have a yahoo.co.jp account ({address})",
    throttled="421 4.7.0 [TSS04] Messages temporarily deferred due to unexpected volume or user complaints",
)
OUTLOOK = Wording(
    unknown="550 5.5.0 Requested action not taken: mailbox unavailable",
    full="552 5.2.2 Mailbox full",
    throttled="421 4.7.650 The mail server has been temporarily rate limited due to IP reputation",
)
