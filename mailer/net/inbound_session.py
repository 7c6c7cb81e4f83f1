"""What do we answer to each verb on port 25?

RFC 5321 §4.5.1 names the verbs every server must know; we offer no others but PIPELINING (RFC 2920), SIZE (RFC 1870),
8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), ENHANCEDSTATUSCODES (RFC 2034) and, with a certificate, STARTTLS (RFC 3207).
A mail is taken when `take` has come back: only then 250. What `take` raises is temporary, 452 4.3.1 without room and
else 451 4.3.0, and never its text.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from errno import EDQUOT, ENOSPC

from aiosmtpd.smtp import Envelope

from mailer.net.inbound_body import Body
from mailer.net.inbound_conversation import OUR_FAULT, Conversation, Register
from mailer.net.inbound_doors import OCTETS, Doors, Limits
from mailer.net.inbound_dsn import MAIL_WORDS, RCPT_WORDS, take_words
from mailer.net.inbound_hops import HEAD_OCTETS, loops
from mailer.net.inbound_path import Path, PathError, read_argument
from mailer.net.inbound_policy import Policy, Recipient
from mailer.net.inbound_spool import Spool
from mailer.net.inbound_trace import Trace

_log = logging.getLogger(__name__)
NO_ROOM = "452 4.3.1 No room now, try again later"
LONGEST_NAME = 255


class NotKept(Exception):
    """The store could not take a mail, and `take` has said so in the log; `no_room` if the disk is full."""

    def __init__(self, *, no_room: bool) -> None:
        super().__init__("no room" if no_room else "not kept")
        self.no_room = no_room


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was handed over: `content` returns its lines (CRLF), `trace` what we write on top of them.

    `octets` came over the wire for it; `reverse_path` is empty for the null reverse-path.
    """

    reverse_path: str
    recipients: tuple[Recipient, ...]
    peer: str
    trace: bytes
    octets: int
    content: Callable[[], bytes]


Take = Callable[[Mail], Awaitable[str]]


def _always() -> bool:
    return True


def _no_tls() -> ssl.SSLContext | None:
    return None


@dataclass(frozen=True, slots=True)
class House:
    """Whose port 25 this is: our host name, who is at home, who stores (and returns a name for the log), the time.

    `tls` returns what a handshake takes, or None where STARTTLS is not offered now; `has_room` says whether the disk
    has room for more mail.
    """

    hostname: str
    policy: Policy
    take: Take
    clock: Callable[[], datetime]
    spool_directory: str
    tls: Callable[[], ssl.SSLContext | None] = _no_tls
    has_room: Callable[[], bool] = _always


class Transaction(Envelope):
    """The mail under way: aiosmtpd's envelope with our recipients, and what was said about reports."""

    def __init__(self) -> None:
        super().__init__()
        self.recipients: dict[str, Recipient] = {}
        self.words: list[str] = []


class InboundSession(Conversation):
    """One connection to port 25 of the house."""

    verbs = frozenset({"HELO", "EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "STARTTLS"})

    def __init__(self, house: House, limits: Limits, doors: Doors, register: Register) -> None:
        super().__init__(house.hostname, limits, doors, register)
        self._house = house
        self._helo = ""

    def _create_envelope(self) -> Transaction:
        return Transaction()

    def _transaction(self) -> Transaction:
        # Not a property: aiosmtpd looks at every attribute of a session before there is a transaction.
        assert isinstance(self.envelope, Transaction)
        return self.envelope

    # --- verbs

    async def smtp_HELO(self, hostname: str) -> None:
        """Greet without extensions."""
        if await self._greeted(hostname, extended=False):
            await self.idle(f"250 {self.hostname}")

    async def smtp_EHLO(self, hostname: str) -> None:
        """Greet and name the extensions, in one write."""
        if await self._greeted(hostname, extended=True):
            size = f"SIZE {self.limits.size}"
            offers_tls = not self.secured and self._house.tls() is not None
            lines = [self.hostname, "PIPELINING", size, "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
            lines += ["STARTTLS"] if offers_tls else []
            await self.idle("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    async def _greeted(self, hostname: str, *, extended: bool) -> bool:
        await self.in_turn()
        if not hostname or len(hostname) > LONGEST_NAME:
            await self.fault("501 5.5.4 Say your name")
            return False
        self.reset()
        self._helo = hostname
        assert self.session is not None
        self.session.extended_smtp = extended
        return True

    async def smtp_STARTTLS(self, arg: str) -> None:
        """Begin TLS, after which the peer is nobody we know."""
        context = self._house.tls()
        if context is None:
            await self.fault("502 5.5.1 Command not implemented")
        elif arg or self.secured or not self._helo:
            reasons = ("501 5.5.4 Syntax: STARTTLS", "503 5.5.1 TLS is on already", "503 5.5.1 Say EHLO first")
            await self.fault(reasons[0] if arg else reasons[1] if self.secured else reasons[2])
        else:
            await self.push("220 2.0.0 Ready to start TLS")
            await self.secure(context)
            self.reset()
            self._helo = ""

    async def smtp_MAIL(self, arg: str | None) -> None:
        """Begin a mail."""
        if not self._helo or self._transaction().mail_from is not None:
            await self.fault("503 5.5.1 Say EHLO first" if not self._helo else "503 5.5.1 A mail is under way already")
        elif self.counts["data"] >= self.limits.transactions:
            await self.push("421 4.7.0 Enough mail in one session, come back for the rest")
            await self.leave()
        else:
            await self.within_bounds()
            await self._argument("FROM:", arg or "", self._begin)

    async def _begin(self, path: Path, parameters: dict[str, str]) -> None:
        words = take_words(parameters, MAIL_WORDS)
        size = parameters.pop("SIZE", "0")
        body = parameters.pop("BODY", "7BIT")
        utf8 = parameters.pop("SMTPUTF8", None)
        if parameters or not size.isdecimal() or utf8 or body.upper() not in ("7BIT", "8BITMIME"):
            await self.fault("555 5.5.4 Parameters not recognised")
        elif len(size) > 20 or int(size) > self.limits.size:
            await self.fault(f"552 5.3.4 At most {self.limits.size} octets")
        elif not self._house.has_room():
            await self.idle(NO_ROOM)
        elif not path.text.isascii() and utf8 is None:
            await self.fault("553 5.6.7 A non-ASCII address needs SMTPUTF8")
        elif path.text and not path.domain:
            await self.fault("553 5.1.7 That is not an address")
        else:
            self._transaction().mail_from = path.text
            self._transaction().smtp_utf8 = utf8 is not None
            self._transaction().words = [words] if words else []
            await self.push("250 2.1.0 Ok")

    async def smtp_RCPT(self, arg: str | None) -> None:
        """Take or refuse one recipient."""
        if self._transaction().mail_from is None:
            await self.fault("503 5.5.1 Say MAIL first")
        else:
            await self._argument("TO:", arg or "", self._add_recipient)

    async def _add_recipient(self, path: Path, parameters: dict[str, str]) -> None:
        words = take_words(parameters, RCPT_WORDS)
        verdict = self._house.policy.judge(path, self._transaction().mail_from or "")
        recipients = self._transaction().recipients
        if parameters:
            await self.fault("555 5.5.4 Parameters not recognised")
        elif isinstance(verdict, str):
            self._note_refusal(path, verdict)
            await self.fault(verdict)
        elif verdict.forward_path.lower() in recipients:
            await self.idle("250 2.1.5 Ok")
        elif len(recipients) >= self.limits.recipients:
            await self.idle("452 4.5.3 Too many recipients")
        else:
            recipients[verdict.forward_path.lower()] = verdict
            self._transaction().words += [f"<{path.text}> {words}"] if words else []
            await self.push("250 2.1.5 Ok")

    async def _argument(self, keyword: str, argument: str, use: "Use") -> None:
        try:
            path, parameters = read_argument(keyword, argument)
            await use(path, dict(parameters))
        except PathError as error:
            await self.fault(error.reply)

    async def smtp_DATA(self, arg: str | None) -> None:
        """Take the mail in; 250 only once it is stored."""
        await self.in_turn()
        if not self._transaction().recipients or arg:
            await self.fault("501 5.5.4 Syntax: DATA" if arg else "503 5.5.1 No valid recipients")
            return
        await self.push("354 End with CRLF.CRLF")
        self.busy = True
        try:
            reply = await self._take()
            self.reset()
            await self.push(reply)
        finally:
            self.busy = False

    async def smtp_RSET(self, arg: str) -> None:
        """Forget the mail under way."""
        self.reset()
        await self.idle("250 2.0.0 Ok")

    async def smtp_NOOP(self, arg: str) -> None:
        """Do nothing."""
        await self.idle("250 2.0.0 Ok")

    async def smtp_VRFY(self, arg: str) -> None:
        """Tell nothing about addresses (RFC 5321 §3.5.3)."""
        await self.idle("252 2.0.0 Send mail and see")

    async def smtp_QUIT(self, arg: str) -> None:
        """Say goodbye and close."""
        await self.push("221 2.0.0 Bye")
        await self.leave()

    # --- the mail itself

    async def _take(self) -> str:
        crowded = self._doors.spools >= self.limits.spools
        spool = Spool(1 if crowded else self.limits.spool, self._house.spool_directory)
        self._doors.spools += 1
        try:
            body = await self._receive(spool)
        except BaseException:
            self._forget(spool)
            raise
        # A peer who leaves now has not seen our 250 and will come again; what has begun is finished all the same.
        return await asyncio.shield(self.loop.create_task(self._keep(spool, body, self._mail(spool, body))))

    def _forget(self, spool: Spool) -> None:
        self._doors.spools -= 1
        spool.close()

    async def _receive(self, spool: Spool) -> Body:
        """Read to the final dot; a peer who is idle, below the least rate, or far over the size, is cut."""
        body = Body(spool.write, self.limits.size)
        limits, began = self.limits, self.loop.time()
        rest = body.feed(self.incoming.take())
        while rest is None:
            due = min(self.loop.time(), began + body.received / self._doors.rate) + self._doors.patience
            async with asyncio.timeout_at(due):
                rest = body.feed(await self.read())
            if rest is None and body.received > 2 * limits.size:
                await self.push(f"552 5.3.4 At most {limits.size} octets")
                await self.leave()
        self.incoming.feed(rest)
        self._doors.spend(self.peer, OCTETS, body.received, self.loop.time())
        return body

    async def _keep(self, spool: Spool, body: Body, mail: Mail) -> str:
        with contextlib.ExitStack() as after:
            after.callback(self._forget, spool)
            if body.too_big:
                return f"552 5.3.4 At most {self.limits.size} octets"
            if spool.failure is not None:
                return NO_ROOM if spool.failure.errno in (ENOSPC, EDQUOT) else OUR_FAULT
            if loops(spool.content(HEAD_OCTETS)):
                return "554 5.4.6 Too many hops: this mail goes round in circles"
            return await self._store(mail)

    async def _store(self, mail: Mail) -> str:
        try:
            name = await self._house.take(mail)
        except NotKept as refused:
            return NO_ROOM if refused.no_room else OUR_FAULT
        except Exception:
            _log.exception("a mail from %s could not be stored", self.peer)
            return OUR_FAULT
        self.counts["stored"] += 1
        self.since = self.loop.time()
        return f"250 2.0.0 Ok: kept as {name}"

    def _mail(self, spool: Spool, body: Body) -> Mail:
        assert self.session is not None
        protocol = "ESMTPS" if self.secured else "ESMTP" if self.session.extended_smtp else "SMTP"
        reverse_path = self._transaction().mail_from or ""
        trace = Trace(self._helo, self.peer, self.hostname, protocol, self._house.clock())
        recipients = tuple(self._transaction().recipients.values())
        lines = trace.lines(reverse_path, self._transaction().words)
        return Mail(reverse_path, recipients, self.peer, lines, body.received, spool.content)

    def _note_refusal(self, path: Path, reply: str) -> None:
        self.counts["refused"] += 1
        self.note(
            "reject", "NOQUEUE: reject: RCPT from unknown[%s]: %s; from=<%s> to=<%s> proto=ESMTP helo=<%s>",
            self.peer, reply, self._transaction().mail_from, path.text, self._helo,
        )  # fmt: skip


Use = Callable[[Path, dict[str, str]], Awaitable[None]]
