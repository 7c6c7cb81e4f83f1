"""What does a simulated receiver say to which command?

The server's half of SMTP (RFC 5321 §4.1.1, §4.3), with PIPELINING, CHUNKING and STARTTLS as far as the mood
offers them; bytes in, steps out, no socket. Commands may come in one flight, and the next mail's commands
may ride behind the final dot (RFC 2920 §3.1). A step is what is to be written after a pause; the last one
may end the connection.
"""

import re
from collections.abc import Callable

from mailer.rehearsal.desk import Desk
from mailer.rehearsal.ledger import Mail
from mailer.rehearsal.moods import Fault, Greeting
from mailer.rehearsal.transaction import Answer, End, Transaction
from mailer.rehearsal.wire import Overlong, Wire
from mailer.rehearsal.wording import reply

_SIZE = re.compile(rb" SIZE=(\d+)", re.IGNORECASE)
OK = b"250 2.0.0 Ok\r\n"
NEED_MAIL = b"503 5.5.1 Error: need MAIL command\r\n"
UNKNOWN_COMMAND = b"500 5.5.2 Error: command not recognized\r\n"


class Step:
    """Words to be written `pause` seconds after the step before, the mails they accept, and how it ends."""

    __slots__ = ("end", "mails", "pause", "words")

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause
        self.words: list[bytes] = []
        self.mails: list[tuple[Mail, bytes]] = []
        self.end = End.OPEN


def _path(line: bytes) -> str:
    return line[line.find(b"<") + 1 : line.rfind(b">")].decode(errors="surrogateescape")


class Session:
    """One connection's talk. Time is an argument of `receive` (seconds since 1970)."""

    def __init__(self, desk: Desk, number: int) -> None:
        self.tls = False
        self.taken = 0
        self._desk = desk
        self._mood = desk.mood
        self._counters = desk.ledger.counters
        self._number = number
        self._wire = Wire(desk.mood.max_size + 65_536)
        self._steps = [Step()]
        self._now = 0.0
        self._greeted = False
        self._recipients_seen = 0
        self._transaction: Transaction | None = None
        self._chunks: list[bytes] = []
        self._chunk = (0, False)
        self._next: Callable[[], bool] = self._take_command
        self._handlers: dict[bytes, Callable[[bytes], None]] = {
            b"EHLO": self._ehlo,
            b"HELO": self._helo,
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"BDAT": self._bdat,
            b"RSET": self._rset,
            b"NOOP": lambda _: self._say(OK),
            b"QUIT": self._quit,
            b"STAR": self._starttls,
        }

    def greet(self, *, welcome: bool) -> list[Step]:
        """Return the greeting (RFC 5321 §3.1), or what meets a connection that is not welcome."""
        greeting = self._mood.greeting
        if greeting is Greeting.RESET:
            self._give(Answer(end=End.RESET))
        elif greeting is Greeting.SILENT:
            self._give(Answer(end=End.MUTE))
        elif greeting is Greeting.THROTTLE or not welcome:
            self._throttle()
        else:
            self._say(f"220 {self._desk.name} ESMTP\r\n".encode())
        return self._said()

    def receive(self, data: bytes, now: float) -> list[Step]:
        """Take in bytes and return what is to be written; nothing is read after a step that ends the connection."""
        self._now = now
        self._wire.feed(data)
        try:
            while self._steps[-1].end is End.OPEN and self._next():
                pass
        except Overlong:
            self._give(Answer(b"500 5.5.2 Error: line or content too long\r\n", End.CLOSE))
        return self._said()

    def started_tls(self) -> None:
        """Forget all that was said in the clear (RFC 3207 §4.2)."""
        self.tls, self._greeted = True, False
        self._wire.clear()
        self._forget()

    # -- one piece of input each -------------------------------------------------------------------------------------

    def _take_command(self) -> bool:
        line = self._wire.line()
        if line is None:
            return False
        self._counters.commands += 1
        handler = self._handlers.get(line[:4].upper())
        if handler is None:
            self._say(UNKNOWN_COMMAND)
        else:
            handler(line)
        return True

    def _take_content(self) -> bool:
        assert self._transaction is not None
        if self._transaction.fault is Fault.DROPDATA and self._wire.waiting:
            self._give(Answer(end=End.CLOSE))
            return False
        content = self._wire.content()
        if content is None:
            return False
        self._next = self._take_command
        self._finish(self._transaction, content)
        return True

    def _take_chunk(self) -> bool:
        size, last = self._chunk
        chunk = self._wire.chunk(size)
        if chunk is None:
            return False
        self._next = self._take_command
        transaction = self._transaction
        if transaction is None or not transaction.recipients:
            self._say(reply(self._mood.wording.no_recipients))
        elif transaction.fault is Fault.DROPDATA:
            self._give(Answer(end=End.CLOSE))
        else:
            self._chunks.append(chunk)
            if last:
                self._finish(transaction, b"".join(self._chunks))
            else:
                self._say(f"250 2.0.0 {size} octets received\r\n".encode())
        return True

    def _finish(self, transaction: Transaction, content: bytes) -> None:
        answer = transaction.finish(content, self._number, self._now, tls=self.tls)
        self._give(answer)
        if answer.mail is not None:
            self.taken += 1
            self._counters.most_messages = max(self._counters.most_messages, self.taken)
            self._steps[-1].mails.append((answer.mail, content))
        self._forget()

    # -- commands ----------------------------------------------------------------------------------------------------

    def _helo(self, _: bytes) -> None:
        self._greeted = True
        self._forget()
        self._say(f"250 {self._desk.name}\r\n".encode())

    def _ehlo(self, _: bytes) -> None:
        self._greeted = True
        self._forget()
        offered = [*self._mood.capabilities, *(["STARTTLS"] if self._mood.starttls and not self.tls else [])]
        self._say(reply("\n".join(f"250 {line}" for line in [self._desk.name, *offered])))

    def _starttls(self, _: bytes) -> None:
        if not self._mood.starttls or self.tls:
            self._say(b"502 5.5.1 Error: command not implemented\r\n")
        else:
            self._give(Answer(b"220 2.0.0 Ready to start TLS\r\n", End.TLS))

    def _rset(self, _: bytes) -> None:
        self._forget()
        self._say(OK)

    def _quit(self, _: bytes) -> None:
        self._give(Answer(b"221 2.0.0 Bye\r\n", End.CLOSE))

    def _mail(self, line: bytes) -> None:
        if not self._greeted or self._transaction is not None:
            self._say(b"503 5.5.1 Error: wrong order of commands\r\n")
        elif not self._desk.may_begin(self.taken, self._now):
            self._throttle()
        elif (size := _SIZE.search(line)) and int(size[1]) > self._mood.max_size:
            self._say(reply(self._mood.wording.too_big))
        else:
            self._transaction = Transaction(self._desk, _path(line))
            self._say(reply(self._mood.wording.mail.format(serial=self._number)))

    def _rcpt(self, line: bytes) -> None:
        if self._transaction is None:
            self._say(NEED_MAIL)
            return
        self._recipients_seen += 1
        most = self._mood.recipients_per_session
        if most is not None and self._recipients_seen > most:
            self._counters.throttled += 1
            self._give(Answer(reply(self._mood.wording.too_many), End.CLOSE))
        else:
            self._give(self._transaction.rcpt(_path(line), self._now))

    def _data(self, _: bytes) -> None:
        if self._transaction is None:
            self._say(NEED_MAIL)
        elif not self._transaction.recipients:
            self._say(reply(self._mood.wording.no_recipients))
        else:
            self._next = self._take_content
            self._say(b"354 End data with <CR><LF>.<CR><LF>\r\n")

    def _bdat(self, line: bytes) -> None:
        words = line.split()
        if "CHUNKING" not in self._mood.capabilities or len(words) < 2 or not words[1].isdigit():
            self._say(UNKNOWN_COMMAND)
            return
        self._chunk = (int(words[1]), words[-1].upper() == b"LAST")
        self._next = self._take_chunk

    # -- small things ------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._transaction = None
        self._chunks.clear()

    def _throttle(self) -> None:
        self._counters.throttled += 1
        self._give(Answer(reply(self._mood.wording.throttled), End.CLOSE))

    def _say(self, words: bytes, pause: float = 0.0) -> None:
        """Put a reply into the flight; a pause before it begins a new step."""
        pause += self._mood.reply_seconds
        if pause:
            self._steps.append(Step(pause))
        self._steps[-1].words.append(words)

    def _give(self, answer: Answer) -> None:
        if answer.words:
            self._say(answer.words, answer.pause)
        self._steps[-1].end = answer.end
        if answer.end is End.RESET:
            self._counters.resets += 1

    def _said(self) -> list[Step]:
        steps, self._steps = self._steps, [Step()]
        return steps
