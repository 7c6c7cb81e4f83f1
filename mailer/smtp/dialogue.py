"""How are mails handed over once the session is ready?

With PIPELINING a mail's MAIL, RCPT and DATA leave in one flight, and the next mail's flight rides behind the
final dot (RFC 2920 §3.1); with CHUNKING as well, the content is in the flight too (RFC 3030 §2) and a few mails
may be under way; without PIPELINING it goes in lock step. CHUNKING is trusted when it has worked: until two mails in a
row were taken they go one at a time, the content apart. A mail that goes `alone` goes by DATA. What a reply does to a
forward-path stands in `state.FORWARD_PATH`; a reply that comes before its command or content has left answers nothing
that we said (RFC 5321 §4.2), and ends the session. After a failed transaction the next flight begins with RSET, and so
does each flight that rides behind a BDAT whose answer is not known yet: only then is its own transaction sure to be a
fresh one.
"""

from collections import deque
from collections.abc import Iterator

from mailer.smtp import command
from mailer.smtp.capabilities import NOTHING, Capabilities
from mailer.smtp.envelope import APART, BDAT_REFUSED, BY_DATA, IN_FLIGHT, Transaction
from mailer.smtp.event import Event
from mailer.smtp.exchange import Exchange
from mailer.smtp.reply import Kind, Reply, Stage
from mailer.smtp.state import FORWARD_PATH, SESSION, Place, State
from mailer.smtp.wire import Wire

CHUNKING_WINDOW = 4  # mails under way at once: at most so many are in doubt when a connection breaks
PIPELINING_WINDOW = 2  # one awaits the answer to its content, the next rides behind it
TRIAL_MAILS = 2  # so many must be taken in a row before the window of CHUNKING opens

# Names of their own on the hot path: Python 3.11 looks an enum's member up more slowly than it calls a function.
_RSET, _MAIL, _RCPT, _DATA, _EOD = Stage.RSET, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.EOD
_TO_DATA, _TO_EOD, _SETTLED = Place.DATA, Place.EOD, Place.SETTLED

Command = tuple[bytes, Stage, Exchange, int]

#: The replies by which a server says that it leaves (RFC 5321 §3.8).
_LEAVING = frozenset(kind for kind, state in SESSION[State.READY].items() if state is State.CLOSED)
_REFUSING = (Kind.TRANSIENT, Kind.PERMANENT)
#: By these a server says of a command that it does not know or like it (RFC 5321 §4.2.1), and nothing of a mail.
_NOT_KNOWN = frozenset({500, 501, 502, 503, 504})


class Dialogue:
    """The transactions of one ready session, oldest first."""

    __slots__ = (
        "_alone",
        "_capabilities",
        "_chunking",
        "_content_due",
        "_data_asked",
        "_held",
        "_queue",
        "_reset_first",
        "_trial",
        "_under_way",
        "_window",
        "_wire",
        "at",
    )

    def __init__(self, wire: Wire) -> None:
        self.at = 0  # when what is taken now was heard, by the edge's count
        self._wire = wire
        self._queue: deque[Exchange] = deque()
        self._under_way: deque[Exchange] = deque()
        self._held: deque[Command] = deque()  # what is said once nothing is awaited: lock step, content that goes apart
        self._alone: Exchange | None = None  # nothing goes before or behind it
        self._content_due: Exchange | None = None
        self._data_asked = False
        self._reset_first = False
        self.begin(NOTHING)

    def begin(self, capabilities: Capabilities, *, chunking: bool = True) -> None:
        """Speak from now on as these capabilities allow, `chunking` only where that is true."""
        self._capabilities = capabilities
        self._chunking = chunking and capabilities.chunking and capabilities.pipelining
        self._trial = TRIAL_MAILS if self._chunking else 0  # how many mails must still be taken in a row
        self._window = PIPELINING_WINDOW if capabilities.pipelining and not self._chunking else 1

    @property
    def room(self) -> int:
        """How many more transactions may be queued."""
        return self._window - len(self._queue) - len(self._under_way) if self._alone is None else 0

    def send(self, transaction: Transaction) -> list[Event]:
        """Queue a transaction; return its end at once where the server's offers rule it out for everybody."""
        exchange = Exchange(transaction)
        exchange.refuse_unsendable(self._capabilities)
        if not exchange.standing:
            return [exchange.settled()]
        self._queue.append(exchange)
        if transaction.alone:
            self._alone = exchange
        return []

    # --- what we say

    def compose(self) -> None:
        """Write everything that may be written now; if then nothing is awaited, there is nothing left to do."""
        if self._content_due is not None:
            self._write_content(self._content_due)
            self._content_due = None
        while self._queue and not self._data_asked:  # nothing follows DATA until it is answered (RFC 2920 §3.1)
            if self._queue[0] is self._alone and self._wire.awaited:
                break
            self._begin(self._queue.popleft())
        if self._held and not self._wire.awaited:
            self._wire.write(*self._held.popleft())

    def _begin(self, exchange: Exchange) -> None:
        if not self._chunking or exchange is self._alone:
            exchange.way = BY_DATA
        elif self._trial:
            exchange.way = APART
        commands = self._flight(exchange)
        self._under_way.append(exchange)
        if not self._capabilities.pipelining:  # the window is one mail: the one before it is settled
            self._held.extend(commands)
            return
        for data, stage, owner, index in commands:
            self._wire.write(data, stage, owner, index)
        if exchange.way == BY_DATA:
            self._data_asked = True
        elif exchange.way == APART:
            self._held.append((self._content(exchange), _EOD, exchange, 0))

    def _flight(self, exchange: Exchange) -> Iterator[Command]:
        """Yield the commands of one transaction up to DATA, or with its content where that goes in the flight."""
        transaction = exchange.transaction
        paths = transaction.envelope.forward_paths
        if self._reset_first or (self._chunking and self._wire.awaited):
            self._reset_first = False
            yield command.RSET, _RSET, exchange, 0
        utf8 = self._capabilities.smtputf8 and any(path.address.utf8 for path in paths)
        envelope, content = transaction.envelope, transaction.content
        mail = command.mail(envelope.reverse_path, content, utf8, self._capabilities, require_tls=envelope.require_tls)
        yield mail, _MAIL, exchange, 0
        for index in exchange.open_indexes():
            yield command.rcpt(paths[index]), _RCPT, exchange, index
        if exchange.way == IN_FLIGHT:
            yield self._content(exchange), _EOD, exchange, 0
        elif exchange.way == BY_DATA:
            yield command.DATA, _DATA, exchange, 0

    def _write_content(self, exchange: Exchange) -> None:
        """Write the mail; where nobody is left to get it, a lone dot whose answer says nothing (RFC 2920 §3.1)."""
        if exchange.standing:
            self._wire.write(self._content(exchange), _EOD, exchange)
        else:
            self._wire.write(command.DOT, _EOD)

    def _content(self, exchange: Exchange) -> bytes:
        """Return the mail with its end, in the way in which it goes."""
        content = exchange.transaction.content
        return command.data(content) if exchange.way == BY_DATA else command.bdat(content)

    # --- what the server says

    def take(self, reply: Reply, events: list[Event]) -> str:
        """Obey one reply, append what was settled; return the word for which the session must end, else ""."""
        if not self._wire.awaited:
            return "closed" if reply.kind in _LEAVING else "garbage"
        stage, exchange, index, end = self._wire.answered()
        kind = reply.kind
        early = end > self._wire.gone and kind not in _LEAVING
        if exchange is None:
            return "garbage" if early else _after_lone_dot(reply)
        place = FORWARD_PATH[stage].get(kind)
        exchange.stage = stage
        exchange.hear(stage, index, self.at, reply)
        not_known = stage is _EOD and exchange.way == APART and self._trial == TRIAL_MAILS and reply.code in _NOT_KNOWN
        if early or not_known:
            return self._without_bdat(exchange, events) if not_known else self._too_early(reply, exchange, end, events)
        if stage is _DATA:
            self._data_asked = False
            self._content_due = exchange if place is _TO_EOD else None
        if place is None or (place is _TO_DATA and not exchange.is_open(index)):
            return self._botch(reply, exchange, events)  # the second: a recipient taken although MAIL was refused
        if place is _SETTLED and exchange.standing:
            self._decide(reply, stage, exchange, index)
            if not exchange.standing:
                self._settle(exchange, events)
        return self._left_behind() if kind in _LEAVING else ""

    def _without_bdat(self, exchange: Exchange, events: list[Event]) -> str:
        """The server offered CHUNKING and does not know it: it kept nothing, and may read the content as commands."""
        exchange.left = False
        exchange.fail_all(_EOD, BDAT_REFUSED, None)
        self._settle(exchange, events)
        return BDAT_REFUSED

    def _left_behind(self) -> str:
        """The server leaves: what rode behind the command it answered so was not read, so it keeps none of it."""
        for exchange in self._under_way:
            exchange.left = False
        return "closed"

    def _too_early(self, reply: Reply, exchange: Exchange, end: int, events: list[Event]) -> str:
        """The server answers what it has not got. Only a refusal of content that is still coming has a meaning.

        Whoever takes a mail that has not come yet may keep what came of it. Of what rode behind, nothing has left.
        """
        for later in self._under_way:
            later.left = False
        refused = exchange.stage is _EOD and reply.kind in _REFUSING
        if exchange.standing and refused:
            exchange.answer_all(_EOD, reply)
            self._settle(exchange, events)
            return "garbage"
        exchange.left = exchange.stage is _EOD and self._wire.gone > end - len(self._content(exchange))
        return self._botch(reply, exchange, events)

    def _decide(self, reply: Reply, stage: Stage, exchange: Exchange, index: int) -> None:
        if stage is _RCPT and reply.kind not in _LEAVING:
            exchange.answer(index, stage, reply)
        else:
            exchange.answer_all(_stage_of_fact(stage), reply)
        if not exchange.standing and not reply.positive and (self._chunking or stage is not _EOD):
            self._reset_first = True  # the final dot ends a transaction whatever follows (RFC 5321 §4.1.1.4)
        if stage is _EOD and self._trial and exchange.way == APART:
            self._trial = self._trial - 1 if reply.positive else TRIAL_MAILS
            if not self._trial:
                self._window = CHUNKING_WINDOW

    def _botch(self, reply: Reply, exchange: Exchange, events: list[Event]) -> str:
        if exchange.standing:
            exchange.fail_all(_stage_of_fact(exchange.stage), "garbage", reply)
            self._settle(exchange, events)
        return "garbage"

    def _settle(self, exchange: Exchange, events: list[Event]) -> None:
        self._under_way.remove(exchange)
        self._held.clear()
        if exchange is self._alone:
            self._alone = None
        events.append(exchange.settled())

    def abandon(self, failure: str) -> list[Event]:
        """The session ends here: settle all that is open, each mail where it stands."""
        for stage, exchange, *_ in reversed(self._wire.awaited):
            if exchange is not None:
                exchange.stage = stage
        events: list[Event] = []
        for exchange in (*self._under_way, *self._queue):
            exchange.fail_all(_stage_of_fact(exchange.stage), failure, None)
            events.append(exchange.settled())
        return events


def _after_lone_dot(reply: Reply) -> str:
    """Return the word for which the session must end after this answer to a mail that nobody was to get."""
    if reply.kind in _LEAVING:
        return "closed"
    return "garbage" if reply.unknown or reply.intermediate else ""


def _stage_of_fact(stage: Stage) -> Stage:
    """A RSET is said only to begin a mail: what befalls it there befell it at MAIL."""
    return _MAIL if stage is _RSET else stage
