"""Which replies are known, and what do they mean? The tables that the tests of reading share."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config import Settings
from config.carriers import load_carriers
from mailer.carrier.group import Carriers
from mailer.carrier.quoted import read_quoted, reply_in
from mailer.carrier.reading import Reading, read, rule_for
from mailer.carrier.rule import Rule

DOCOMO, AU, SOFTBANK, PDX = "mfsmax.docomo.ne.jp", "lsean.ezweb.ne.jp", "mx.softbank.ne.jp", "mail2.pdx.ne.jp"
I_SOFTBANK, VODAFONE, EMNET = "mx.mailsv.softbank.jp", "mx.k.vodafone.ne.jp", "mailmlb.emnet.ne.jp"
RAKUTEN, JCOM, GOO = "mail-rakumail-jp.gslb.rmb-ss.jp", "mx.jcom.home.ne.jp", "mx.mail.goo.ne.jp"
GOOGLE, ICLOUD, MICROSOFT = "gmail-smtp-in.l.google.com", "mx01.mail.icloud.com", "x-jp.mail.protection.outlook.com"
YAHOO, YAHOO_JAPAN = "mta5.am0.yahoodns.net", "mx1.mail.yahoo.co.jp"

MX = "mx.example.jp"

#: Host, stage, reply; kind, reason and action of the reading: what is recorded of the carriers.
OF_CARRIERS = [
    (DOCOMO, "rcpt", "550 Unknown user hanako@docomo.ne.jp", "hard", "address_unknown", "refuse"),
    (DOCOMO, "eod", "550 Unknown user hanako@docomo.ne.jp", "soft", "recipient_filter", "refuse"),
    (DOCOMO, "data", "550 Unknown user hanako@docomo.ne.jp", "soft", "recipient_filter", "refuse"),
    (DOCOMO, "data", "552 Too much mail data hanako@docomo.ne.jp", "soft", "mailbox_full", "defer"),
    (DOCOMO, "rcpt", "552 Too many recipients", "soft", "rate_limited", "defer"),
    (DOCOMO, "rcpt", "554 Transaction failed", "soft", "rate_limited", "defer"),
    (DOCOMO, "eod", "554 Transaction failed", "soft", "rate_limited", "defer"),
    (DOCOMO, "mail", "552 Message size exceeds maximum value", "soft", "too_big", "refuse"),
    (DOCOMO, "data", "500 Line Too Long", "soft", "protocol_error", "refuse"),
    (DOCOMO, "data", "503 Bad sequence of commands", "soft", "protocol_error", "defer"),
    (DOCOMO, "connect", "450 busy", "soft", "rate_limited", "defer"),
    (DOCOMO, "rcpt", "421 Service not available, closing transmission channel", "soft", "rate_limited", "defer"),
    (DOCOMO, "connect", "000 unreachable", "soft", "rate_limited", "defer"),
    (DOCOMO, "connect", "000 refused", "soft", "rate_limited", "defer"),
    (DOCOMO, "connect", "000 no_network", "soft", "network_trouble", "defer"),
    (AU, "rcpt", "550 <taro@ezweb.ne.jp>: User unknown", "hard", "address_unknown", "refuse"),
    ("msmx.au.com", "rcpt", "550 <taro@au.com>: User unknown", "hard", "address_unknown", "refuse"),
    ("lsean.biz.ezweb.ne.jp", "rcpt", "550 <t@biz.ezweb.ne.jp>: User unknown", "hard", "address_unknown", "refuse"),
    (AU, "eod", "550 : User unknown", "soft", "recipient_filter", "refuse"),
    (AU, "eod", "550 <taro@ezweb.ne.jp>: User unknown", "soft", "recipient_filter", "refuse"),
    (AU, "rcpt", "554 <a@@ezweb.ne.jp>: Relay access denied", "soft", "relay_denied", "refuse"),
    (AU, "mail", "552 Message size exceeds fixed limit", "soft", "too_big", "refuse"),
    (AU, "data", "554 Error: no valid recipients", "soft", "protocol_error", "defer"),
    (AU, "mail", "450 try again", "soft", "rate_limited", "defer"),
    (AU, "rcpt", "421 closing", "soft", "rate_limited", "defer"),
    (AU, "connect", "000 reset", "soft", "rate_limited", "defer"),
    (AU, "connect", "000 refused", "soft", "rate_limited", "defer"),
    (AU, "connect", "000 unreachable", "soft", "network_trouble", "defer"),
    (AU, "connect", "000 no_network", "soft", "network_trouble", "defer"),
    (SOFTBANK, "connect", "421 ", "soft", "rate_limited", "defer"),
    ("ymx1.softbank.ne.jp", "rcpt", "421", "soft", "rate_limited", "defer"),
    (I_SOFTBANK, "data", "550 Invalid recipient: <taro@i.softbank.jp>", "hard", "address_unknown", "refuse"),
    (VODAFONE, "data", "550 Invalid recipient: <taro@k.vodafone.ne.jp>", "hard", "address_unknown", "refuse"),
    (I_SOFTBANK, "data", "503 Need RCPT", "soft", "protocol_error", "defer"),
    (SOFTBANK, "data", "503 No recipients specified", "soft", "protocol_error", "defer"),
    (SOFTBANK, "mail", "553 mail.example.jp does not exist", "soft", "sender_refused", "defer"),
    (SOFTBANK, "mail", "552 Message size exceeds fixed maximum message size: 9 bytes", "soft", "too_big", "refuse"),
    (EMNET, "rcpt", "550 Requested action not taken: mailbox unavailable", "hard", "address_unknown", "refuse"),
    (PDX, "data", "550 <x@y>: Recipient address rejected: User unknown", "hard", "address_unknown", "refuse"),
    (RAKUTEN, "rcpt", "550 User not found", "hard", "address_unknown", "refuse"),
    (JCOM, "rcpt", "550 Invalid recipient: taro@jcom.home.ne.jp", "hard", "address_unknown", "refuse"),
    (JCOM, "mail", "421 #4.x.2 Too many messages for this session", "soft", "rate_limited", "defer"),
    (GOO, "rcpt", "550 #5.1.0 Address rejected taro@mail.goo.ne.jp", "hard", "address_unknown", "refuse"),
    (GOOGLE, "rcpt", "550-5.1.1 The email account that you\n5.1.1 tried", "hard", "address_unknown", "refuse"),
    (GOOGLE, "rcpt", "450 4.2.1 The user is receiving mail too quickly", "soft", "rate_limited", "defer"),
    (GOOGLE, "eod", "421 4.7.28 Gmail has detected an unusual rate of mail", "soft", "rate_limited", "defer"),
    (GOOGLE, "rcpt", "452 4.2.2 The recipient's inbox is out of storage space", "soft", "mailbox_full", "defer"),
    (GOOGLE, "eod", "552 5.2.2 The email account is over quota", "soft", "mailbox_full", "refuse"),
    (GOOGLE, "rcpt", "550 5.2.1 The email account is disabled", "hard", "suspended", "refuse"),
    (GOOGLE, "eod", "550 5.7.26 This mail has been blocked, unauthenticated", "soft", "auth_failed", "defer"),
    (GOOGLE, "eod", "421 4.7.27 SPF did not pass", "soft", "auth_failed", "defer"),
    (GOOGLE, "eod", "550 5.7.30 DKIM does not pass", "soft", "auth_failed", "defer"),
    (GOOGLE, "eod", "421 4.7.32 From: is not aligned", "soft", "auth_failed", "defer"),
    (GOOGLE, "mail", "421 4.7.29 sent without TLS", "soft", "auth_failed", "defer"),
    (GOOGLE, "eod", "550 5.7.25 The IP address has no PTR record", "soft", "source_blocked", "defer"),
    (GOOGLE, "eod", "421 4.7.23 PTR does not match", "soft", "source_blocked", "defer"),
    (GOOGLE, "eod", "550 5.7.1 the very low reputation of the sending domain", "soft", "source_blocked", "defer"),
    (GOOGLE, "eod", "550 5.7.1 Messages missing a valid Message-ID", "soft", "content_refused", "defer"),
    (GOOGLE, "eod", "550 5.7.1 is not RFC 5322 compliant", "soft", "content_refused", "defer"),
    (GOOGLE, "eod", "421 4.7.28 messages with the same Message-ID", "soft", "content_refused", "defer"),
    (ICLOUD, "rcpt", "550 5.1.1 <taro@icloud.com>: inactive email address", "hard", "address_unknown", "refuse"),
    (ICLOUD, "rcpt", "550 5.1.1 unknown or illegal alias: taro@icloud.com", "hard", "address_unknown", "refuse"),
    (ICLOUD, "rcpt", "550 5.1.6 recipient no longer on server: t@icloud.com", "hard", "moved", "refuse"),
    (ICLOUD, "eod", "552 5.2.2 <taro@icloud.com>: user is over quota", "soft", "mailbox_full", "refuse"),
    (ICLOUD, "rcpt", "421 4.7.1 deferred due to excessive volume", "soft", "rate_limited", "defer"),
    (ICLOUD, "eod", "550 5.7.1 [CS01] Message rejected due to local policy", "soft", "content_refused", "defer"),
    (ICLOUD, "connect", "554 smtpin001.me.com ESMTP not accepting connections", "soft", "rate_limited", "defer"),
    (ICLOUD, "eod", "554 5.7.1 [HME1] blocked for failing SPF and DKIM", "soft", "auth_failed", "defer"),
    (ICLOUD, "eod", "554 5.7.1 rejected due to example.jp's DMARC policy", "soft", "auth_failed", "defer"),
    (ICLOUD, "eod", "550 5.7.1 listed in Spamhaus SBL", "soft", "source_blocked", "defer"),
    (ICLOUD, "mail", "450 4.1.8 Sender address rejected: Domain not found", "soft", "sender_refused", "defer"),
    (YAHOO, "mail", "421 4.7.0 [TSS04] unexpected volume or user complaints", "soft", "rate_limited", "defer"),
    (YAHOO, "mail", "553 5.7.2 [TSS09] All will be permanently deferred", "soft", "rate_limited", "defer"),
    (YAHOO, "eod", "550 5.7.9 blocked because the sender is unauthenticated", "soft", "auth_failed", "defer"),
    (YAHOO, "eod", "554 delivery error: dd no such account", "hard", "address_unknown", "refuse"),
    (YAHOO, "mail", "421 Max message per connection reached", "soft", "rate_limited", "defer"),
    (YAHOO, "eod", "552 1 Requested mail action aborted, mailbox not found", "hard", "address_unknown", "refuse"),
    (YAHOO_JAPAN, "eod", "554 delivery error: dd This user doesn't have", "hard", "address_unknown", "refuse"),
    (MICROSOFT, "eod", "550 5.7.515 Access denied, sending domain", "soft", "auth_failed", "defer"),
    (MICROSOFT, "eod", "550 5.7.509 does not pass DMARC verification", "soft", "auth_failed", "defer"),
    (
        MICROSOFT,
        "mail",
        "550 5.7.1 part of their network is on our block list (S3150)",
        "soft",
        "source_blocked",
        "defer",
    ),
    (MICROSOFT, "mail", "550 5.7.606 Access denied, banned sending IP", "soft", "source_blocked", "defer"),
    (MICROSOFT, "mail", "451 4.7.500 Access denied, please try again later", "soft", "source_blocked", "defer"),
    (MICROSOFT, "eod", "554 5.2.2 mailbox full", "soft", "mailbox_full", "refuse"),
    (MICROSOFT, "mail", "451 4.7.650 rate limited due to IP reputation", "soft", "rate_limited", "defer"),
    (
        MICROSOFT,
        "rcpt",
        "550 5.5.0 Requested action not taken: mailbox unavailable",
        "hard",
        "address_unknown",
        "refuse",
    ),
    (MICROSOFT, "rcpt", "550 5.4.1 Recipient address rejected: Access denied", "hard", "address_unknown", "refuse"),
    (MICROSOFT, "eod", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", "hard", "address_unknown", "refuse"),
    (MICROSOFT, "rcpt", "451 4.2.121 message rate to recipient", "soft", "rate_limited", "defer"),
    (MICROSOFT, "rcpt", "550 5.7.124 sender not in allowed-senders list", "soft", "recipient_filter", "refuse"),
]

#: Stage and reply of a server that no entry names; reason and action of the reading.
OF_ANYBODY = [
    # by words
    (
        "rcpt",
        "550 Requested action not taken: mailbox unavailable invalid DNS MX or A/AAAA record",
        "sender_refused",
        "defer",
    ),
    ("rcpt", "550 Your server does not have a reverse (address-to-name) DNS entry", "source_blocked", "defer"),
    ("rcpt", "535 AUTH FAILED - b@school.example", "auth_failed", "defer"),
    ("rcpt", "550 5.1.0 Too many RCPT. Please see AUP#In-1340", "rate_limited", "defer"),
    ("rcpt", "450 4.3.2 Mailbox server is down for maintenance, user not available", "remote_trouble", "defer"),
    ("rcpt", "550 User refused to receive this mail.", "recipient_filter", "refuse"),
    ("rcpt", "550 <a@b.jp> is now disabled with MTA service.", "suspended", "refuse"),
    ("rcpt", "550 mail server won't relay for you", "relay_denied", "refuse"),
    ("rcpt", "550 Benutzer hat zuviele Mails auf dem Server", "mailbox_full", "refuse"),
    ("eod", "550 MessageWall: MIME/REJECT: Invalid structure", "content_refused", "refuse"),
    ("rcpt", "550 Recipient has left the company", "moved", "refuse"),
    ("rcpt", "550 User not a member of domain: <a@b.jp>", "address_unknown", "refuse"),
    (
        "rcpt",
        "550 5.2.0 <a@b.jp> recipient's personal blacklist does not allow mail from you",
        "recipient_filter",
        "refuse",
    ),
    ("rcpt", "550 you are not allowed to send mail to a@b.jp", "recipient_filter", "refuse"),
    ("rcpt", "554 Sender address has been blacklisted", "sender_refused", "defer"),
    ("rcpt", "550 Callback setup failed while verifying <b@school.example>", "sender_refused", "defer"),
    ("rcpt", "450 4.2.1 The user you are trying to contact is receiving mail at a rate", "rate_limited", "defer"),
    ("rcpt", "552 Too many messages in mailbox", "mailbox_full", "defer"),
    ("rcpt", "550 Not delivering to previously bounced address", "suppressed", "refuse"),
    ("rcpt", "554 5.7.1 undeliverable address: mail for example.net loops back to myself", "network_trouble", "defer"),
    (
        "eod",
        "554 5.7.0 Reject - BANNED: multipart/mixed | application/zip,.zip,notice.exe",
        "content_refused",
        "refuse",
    ),
    ("rcpt", "550 5.1.1 <a@example.jp>... User Unknown", "address_unknown", "refuse"),
    ("rcpt", "550 5.1.1 <a@b.jp>: Recipient address rejected: User unknown in table", "address_unknown", "refuse"),
    ("rcpt", "550 No such user here", "address_unknown", "refuse"),
    ("rcpt", "550 Unrouteable address", "address_unknown", "refuse"),
    ("rcpt", "550 5.7.1 550 User Unknown: mikeneko@example.org", "address_unknown", "refuse"),
    ("rcpt", "553 5.3.0 <a@b.jp>... Sorry, no mailbox here by that name", "address_unknown", "refuse"),
    ("rcpt", "550 Address rejected", "address_unknown", "refuse"),
    ("rcpt", "501 5.1.3 Bad recipient address syntax", "address_unknown", "refuse"),
    ("rcpt", "550 5.1.2 Host unknown", "domain_unknown", "refuse"),
    ("rcpt", "450 4.1.2 <a@b.jp>: Recipient address rejected: Domain not found", "domain_unknown", "defer"),
    ("rcpt", "551 5.1.6 The user has moved", "moved", "refuse"),
    ("rcpt", "556 5.1.10 Recipient address has null MX", "not_accepting", "refuse"),
    ("rcpt", "550 5.2.1 The mailbox is disabled", "suspended", "refuse"),
    ("rcpt", "550 Account has been suspended", "suspended", "refuse"),
    ("rcpt", "554 5.7.1 <a@b.jp>: Relay access denied", "relay_denied", "refuse"),
    ("rcpt", "553 sorry, that domain isn't in my list of allowed rcpthosts", "relay_denied", "refuse"),
    ("rcpt", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "relay_denied", "refuse"),
    ("rcpt", "550 5.7.1 Message refused by the recipient's settings", "recipient_filter", "refuse"),
    ("rcpt", "554 5.7.1 <a@b.jp>: Recipient address rejected: Access denied", "recipient_filter", "refuse"),
    ("rcpt", "550 5.2.2 <a@b.jp>... Mailbox Full", "mailbox_full", "refuse"),
    ("eod", "552 5.2.2 Over quota", "mailbox_full", "refuse"),
    ("mail", "553 5.1.8 <a@b.jp>... Domain of sender address a@b.jp does not exist", "sender_refused", "defer"),
    ("mail", "554 Mail from a@example.net rejected for policy reasons", "content_refused", "defer"),
    ("rcpt", "450 4.1.8 <a@b.jp>: Sender address rejected: Domain not found", "sender_refused", "defer"),
    ("rcpt", "550 Sender verify failed", "sender_refused", "defer"),
    ("connect", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using", "source_blocked", "defer"),
    ("mail", "550 5.7.1 Mail from IP 192.0.2.1 was rejected due to listing in Spamhaus", "source_blocked", "defer"),
    ("rcpt", "450 4.7.25 Client host rejected: cannot find your hostname", "source_blocked", "defer"),
    ("mail", "530 5.7.0 Must issue a STARTTLS command first", "auth_failed", "defer"),
    ("rcpt", "530 5.7.1 Authentication required", "auth_failed", "defer"),
    ("eod", "550 5.7.0 rejected: DMARC policy of the domain", "auth_failed", "defer"),
    ("connect", "421 4.7.0 Too many connections from 192.0.2.1", "rate_limited", "defer"),
    ("mail", "452 4.3.2 Connection rate limit exceeded", "rate_limited", "defer"),
    ("rcpt", "550 5.5.3 Too many recipients", "rate_limited", "defer"),
    ("rcpt", "450 4.2.0 <a@b.jp>: Recipient address rejected: Greylisted, see http://x", "rate_limited", "defer"),
    ("mail", "552 5.3.4 Message size exceeds fixed limit", "too_big", "refuse"),
    ("eod", "552 size limit exceeded", "too_big", "refuse"),
    ("eod", "550 5.7.1 Message content rejected, UBE, id=00000", "content_refused", "defer"),
    ("eod", "554 5.7.1 This looks like spam", "content_refused", "defer"),
    (
        "eod",
        "552-5.7.0 This message was blocked because\n5.7.0 of a potential security issue",
        "content_refused",
        "refuse",
    ),
    ("ehlo", "503 5.5.1 Bad sequence of commands", "protocol_error", "defer"),
    ("rcpt", "500 5.5.2 Error: command not recognized", "protocol_error", "defer"),
    ("eod", "550 The address is on our suppression list", "suppressed", "refuse"),
    ("eod", "554 5.4.6 Too many hops", "network_trouble", "defer"),
    ("rcpt", "451 4.4.3 Temporary DNS failure", "network_trouble", "defer"),
    ("eod", "554 5.4.7 Message expired", "expired", "refuse"),
    ("rcpt", "451 4.3.0 <a@b.jp>: Temporary lookup failure", "remote_trouble", "defer"),
    ("eod", "554 5.3.0 Internal error", "remote_trouble", "defer"),
    ("eod", "452 4.3.1 Insufficient system storage", "remote_trouble", "defer"),
    # by status
    ("rcpt", "550 5.1.1 nix", "address_unknown", "refuse"),
    ("rcpt", "550 5.1.0 nix", "address_unknown", "refuse"),
    ("rcpt", "550 5.1.2 nix", "domain_unknown", "refuse"),
    ("rcpt", "550 5.1.6 nix", "moved", "refuse"),
    ("mail", "550 5.1.8 nix", "sender_refused", "defer"),
    ("rcpt", "550 5.1.8 nix", "sender_refused", "defer"),
    ("mail", "550 5.1.10 nix", "sender_refused", "defer"),
    ("rcpt", "550 5.1.10 nix", "not_accepting", "refuse"),
    ("rcpt", "550 5.2.0 nix", "recipient_filter", "refuse"),
    ("rcpt", "550 5.2.1 nix", "suspended", "refuse"),
    ("rcpt", "550 5.2.2 nix", "mailbox_full", "refuse"),
    ("eod", "550 5.2.3 nix", "too_big", "refuse"),
    ("eod", "550 5.3.2 nix", "remote_trouble", "defer"),
    ("eod", "550 5.4.5 nix", "remote_trouble", "defer"),
    ("eod", "550 5.4.7 nix", "expired", "refuse"),
    ("eod", "550 5.4.4 nix", "network_trouble", "defer"),
    ("rcpt", "550 5.5.3 nix", "rate_limited", "defer"),
    ("rcpt", "550 5.5.4 nix", "protocol_error", "defer"),
    ("eod", "550 5.6.1 nix", "content_refused", "refuse"),
    ("rcpt", "550 5.7.13 nix", "suspended", "refuse"),
    ("rcpt", "550 5.7.17 nix", "address_unknown", "refuse"),
    ("rcpt", "550 5.7.18 nix", "domain_unknown", "refuse"),
    ("eod", "550 5.7.20 nix", "auth_failed", "defer"),
    ("eod", "550 5.7.25 nix", "source_blocked", "defer"),
    ("mail", "550 5.7.27 nix", "sender_refused", "defer"),
    ("eod", "550 5.7.28 nix", "rate_limited", "defer"),
    ("mail", "550 5.7.1 nix", "source_blocked", "defer"),
    ("eod", "550 5.7.1 nix", "content_refused", "defer"),
    ("rcpt", "550 5.7.1 nix", "content_refused", "defer"),
    # by code
    ("rcpt", "421 ", "rate_limited", "defer"),
    ("rcpt", "556 nix", "not_accepting", "refuse"),
    ("mail", "535 nix", "auth_failed", "defer"),
    ("rcpt", "502 nix", "protocol_error", "defer"),
    ("connect", "554 nix", "source_blocked", "defer"),
    ("mail", "552 nix", "too_big", "refuse"),
    ("mail", "550 nix", "sender_refused", "defer"),
    ("eod", "552 nix", "mailbox_full", "refuse"),
    ("rcpt", "551 nix", "moved", "refuse"),
    ("rcpt", "451 nix", "remote_trouble", "defer"),
    ("rcpt", "450 nix", "unclear", "defer"),
    ("rcpt", "550 nix", "unclear", "refuse"),
    ("connect", "000 timeout", "network_trouble", "defer"),
    ("connect", "000 refused", "network_trouble", "defer"),
    ("connect", "000 not_connected: too many open files", "network_trouble", "defer"),
    ("starttls", "000 certificate_refused: certificate-expired", "remote_trouble", "defer"),
    ("ehlo", "000 tls_not_offered", "remote_trouble", "defer"),
    ("eod", "000 garbage", "unclear", "defer"),
]

_REPLY = re.compile(r"(\d{3})(?:[ -]([245]\.\d{1,3}\.\d{1,3})\b)?[ -]?(.*)", re.DOTALL)


@cache
def shipped() -> Carriers:
    """Return the carriers that ship."""
    return load_carriers(Settings.model_validate({}))


def said(mx: str, stage: str, reply: str) -> Reading:
    """Read a reply written as it stands on the wire, without the codes of further lines."""
    code, enhanced, text = _parts(reply)
    return read(shipped(), None, mx, stage, code, enhanced, text)


def decided(mx: str, stage: str, reply: str) -> Rule | None:
    """Return the rule that decides what a reply means."""
    code, enhanced, text = _parts(reply)
    return rule_for(shipped(), None, mx, stage, code, enhanced, text)


def _parts(reply: str) -> tuple[int, str, str]:
    form = _REPLY.fullmatch(reply)
    assert form is not None
    return int(form[1]), form[2] or "", form[3]


@dataclass(frozen=True)
class Row:
    """A reply of somebody in the world, and every kind and reason that is right for it."""

    stage: str
    mx: str
    reply: str
    kinds: tuple[str, ...]
    reasons: tuple[str, ...]


@cache
def world() -> tuple[Row, ...]:
    """Return the rows of world.txt."""
    lines = Path(__file__).with_name("world.txt").read_text("utf-8").splitlines()
    return tuple(_row(line) for line in lines if line and not line.startswith("#"))


@cache
def living() -> tuple[str, ...]:
    """Return the replies of living.txt."""
    lines = Path(__file__).with_name("living.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def _row(line: str) -> Row:
    stage, mx, reply, kinds, reasons = (part.strip() for part in line.split("|"))
    return Row(stage, mx, reply.replace("\\n", "\n"), tuple(kinds.split(",")), tuple(reasons.split(",")))


def quoted_in(mx: str, stage: str, text: str) -> Reading:
    """Read a reply as it is quoted somewhere."""
    return read_quoted(shipped(), mx, stage, text)


def decided_of(row: Row) -> Rule | None:
    """Return the rule that decides what a reply of the world means."""
    reply = reply_in(row.reply)
    return rule_for(shipped(), None, row.mx, row.stage, reply.code, reply.enhanced, reply.text)
