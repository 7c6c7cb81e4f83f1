"""How is what was said in a session kept in few bytes, and how is it told as a conversation?

Kept is what the server said, and when; what we said follows from it, because the client says the same to the same
replies. A line for each reply: the letter of its stage, milliseconds since the session began, code and text. The reply
that decided stands with the decision already, so its line ends after the time. Of the content only its size is told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mailer.smtp import command
from mailer.smtp.capabilities import NOTHING, Capabilities, read_capabilities
from mailer.smtp.envelope import APART, BY_DATA, IN_FLIGHT, ForwardPath, Heard, ReversePath
from mailer.smtp.reply import Reply, Stage

KEPT_CHARACTERS = 1024  # of one reply; an answer to EHLO has its offers well within
LETTERS = {
    Stage.CONNECT: "c",
    Stage.EHLO: "h",
    Stage.STARTTLS: "t",
    Stage.MAIL: "m",
    Stage.RCPT: "r",
    Stage.DATA: "d",
    Stage.EOD: "e",
    Stage.RSET: "s",
    Stage.QUIT: "q",
}
_STAGES = {letter: stage for stage, letter in LETTERS.items()}


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a conversation; `at` is in milliseconds since the session began, None where it was not noted.

    `by` is `server`, `client`, `ahead` for what we said in one flight before the reply came that decided (what was
    answered to it later is not kept), or `tls` for what was agreed on.
    """

    at: int | None
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    """What was handed over: the envelope, the content's size, whether it is 8-bit, and how it went (see `Fact`).

    `require_tls` says that REQUIRETLS was asked for.
    """

    reverse_path: ReversePath
    forward_path: ForwardPath
    octets: int
    eight_bit: bool
    way: str = IN_FLIGHT
    require_tls: bool = False


def kept(heard: Iterable[Heard], decisive: Reply | None = None) -> str:
    """Return what is kept of replies; of the `decisive` one only when it came."""
    lines = []
    for stage, at, reply in heard:
        said = "" if reply is decisive else f" {reply.code} {_written(reply.text)}"
        lines.append(f"{LETTERS[stage]} {at}{said}")
    return "\n".join(lines)


def heard(text: str, decisive: Reply | None = None) -> Iterator[Heard]:
    """Return the replies that were kept."""
    for line in text.split("\n") if text else ():
        letter, at, *more = line.split(" ", 3)
        code, said = (*more, "", "")[:2]
        reply = Reply(int(code), _read(said)) if more else decisive
        yield _STAGES[letter], int(at), reply or Reply(0, "")


def opening(replies: Sequence[Heard], hostname: str, tls: str) -> Iterator[Said]:
    """Tell how a session began, from the greeting on."""
    before: Heard | None = None
    for one in replies:
        if one[0] is Stage.QUIT:
            return
        if before is not None:
            yield from _asked(before, one, hostname, tls)
        yield from _answered(one)
        before = one


def transaction(replies: Sequence[Heard], mail: Mail, offered: Capabilities) -> Iterator[Said]:
    """Tell how a mail was offered and answered, with what was said last and never answered.

    Where nothing was heard it is not known whether anything was said: a mail may wait behind another one.
    """
    if not replies:
        return
    if mail.way == BY_DATA:
        offered = replace(offered, chunking=False)
    commands = dict(_commands(mail, offered))
    *before, last = replies
    for one in before:
        yield from _said(commands, one)
        yield from _answered(one)
    yield from _said(commands, last)
    unanswered = [said for stage, said in commands.items() if _was_said(stage, last, offered, mail.way)]
    if _goes_on(last):
        yield from _answered(last)
        yield from (Said(None, "client", said) for said in (unanswered if offered.pipelining else unanswered[:1]))
    else:
        yield from (Said(None, "ahead", said) for said in unanswered)
        yield from _answered(last)


def offers(replies: Sequence[Heard]) -> Capabilities:
    """Return what the server offered when the session was ready."""
    answers = [reply for stage, _, reply in replies if stage is Stage.EHLO and reply.positive]
    return read_capabilities(answers[-1].text) if answers else NOTHING


def _was_said(stage: Stage, last: Heard, offered: Capabilities, way: str) -> bool:
    """Tell whether a command was said that got no answer before the end."""
    if stage is Stage.RSET:
        return False
    if stage is Stage.EOD and not (offered.chunking and offered.pipelining):
        return last[2].intermediate
    if stage is Stage.EOD and way == APART:
        return last[0] is Stage.RCPT and _goes_on(last)
    return offered.pipelining or _goes_on(last)


def _goes_on(one: Heard) -> bool:
    """Tell whether a reply lets the mail go on."""
    return one[2].positive or one[2].intermediate


def _said(commands: dict[Stage, str], answer: Heard) -> Iterator[Said]:
    """Tell what a reply answers, and take it from what is to be told yet."""
    if said := commands.pop(answer[0], ""):
        yield Said(None, "client", said)


def _asked(before: Heard, now: Heard, hostname: str, tls: str) -> Iterator[Said]:
    """Tell what we said between two replies of the opening."""
    if before[0] is Stage.STARTTLS:
        yield Said(None, "tls", tls)
    if now[0] is Stage.STARTTLS:
        yield Said(None, "client", "STARTTLS")
    else:
        is_refused = before[0] is Stage.EHLO
        yield Said(None, "client", f"{'HELO' if is_refused else 'EHLO'} {hostname}")


def _answered(one: Heard) -> Iterator[Said]:
    _, at, reply = one
    *lines, last = reply.text.split("\n")
    code = reply.code or "???"
    for line in lines:
        yield Said(at, "server", f"{code}-{line}")
    yield Said(at, "server", f"{code} {last}".rstrip())


def _commands(mail: Mail, offered: Capabilities) -> Iterator[tuple[Stage, str]]:
    """Yield what we say to hand a mail over, by the stage of the answer; the content stands as its size."""
    sample = (b"\xff" if mail.eight_bit else b"x") * mail.octets  # as much content as was sent
    utf8 = offered.smtputf8 and mail.forward_path.address.utf8
    yield Stage.RSET, _line(command.RSET)
    said = command.mail(mail.reverse_path, sample, utf8, offered, require_tls=mail.require_tls)
    yield Stage.MAIL, _line(said)
    yield Stage.RCPT, _line(command.rcpt(mail.forward_path))
    content = f"<{mail.octets:,} octets>"
    if offered.chunking and offered.pipelining:
        yield Stage.EOD, f"BDAT {mail.octets} LAST {content}"
    else:
        yield Stage.DATA, _line(command.DATA)
        yield Stage.EOD, content


def _line(said: bytes) -> str:
    return said.decode("utf-8").rstrip("\r\n")


def _written(text: str) -> str:
    if text.isprintable() and "\\" not in text and len(text) <= KEPT_CHARACTERS:
        return text
    return text[:KEPT_CHARACTERS].encode("unicode_escape").decode("ascii")


def _read(text: str) -> str:
    return text.encode("ascii").decode("unicode_escape") if "\\" in text else text
