"""How is the conversation of an attempt told to people and programs?"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from mailer.cli import output
from mailer.clock import JAPAN
from mailer.language import _

if TYPE_CHECKING:
    from mailer.schedule.queued import Tried
    from mailer.service.transcript import Line

#: Stages at which there was no connection yet.
BEFORE = ("dns", "compose")


def document(tried: "Tried", lines: "list[Line]") -> dict[str, Any]:
    """Return what was said for programs."""
    session = tried.session
    return {
        "session": session and {"peer": session.peer, "began": _fine(session.began), "tls": session.tls},
        "transcript": [{"at": line.at and _fine(line.at), "by": line.by, "text": line.text} for line in lines],
    }


def tell(tried: "Tried", lines: "list[Line]") -> None:
    """Write what was said for people."""
    output.say("")
    if not lines:
        output.say(_("Try {number}: {why}").format(number=tried.number, why=_nothing(tried)))
        return
    output.say(_("Try {number}:").format(number=tried.number))
    names = {
        "connect": _("connection"),
        "server": _("server"),
        "client": _("we"),
        "ahead": _("we, ahead"),
        "tls": "TLS",
        "end": _("end"),
    }
    rows = [("" if line.at is None else _clock(line.at), names[line.by], _text(line)) for line in lines]
    output.table([_("time"), _("who"), _("what was said")], rows)
    if any(line.by == "ahead" for line in lines):
        output.say(_("“We, ahead” left in one flight before the next reply came; what was answered to it is not kept."))


def _text(line: "Line") -> str:
    from mailer.smtp.envelope import FAILURES

    return _(FAILURES[line.text]) if line.by == "end" and line.text in FAILURES else line.text


def _nothing(tried: "Tried") -> str:
    if tried.verdict is None:
        return _("it is under way; what is said is written down when it ends.")
    if tried.verdict.value == "lost":
        return _("it was never settled; what was said is not known.")
    if tried.evidence.stage in BEFORE:
        return _("no connection was opened.")
    return _("what was said was not written down.")


def _clock(moment: datetime) -> str:
    return moment.astimezone(JAPAN).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _fine(moment: datetime) -> str:
    """Return a time to the millisecond as programs read it, in Japan time."""
    return moment.astimezone(JAPAN).isoformat(timespec="milliseconds")
