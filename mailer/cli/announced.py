"""How is the standing of a broadcast or notice told to people?

“Accepted” is what a carrier's server said; only a visit to the receipt page makes a household “confirmed”.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mailer.cli import output
from mailer.language import _, spoken

if TYPE_CHECKING:
    from mailer.service.office import Office

TOLD = ("waiting", "deferred", "accepted", "refused", "expired", "cancelled", "held")
SEEN = ("confirmed", "machine_only", "not_opened")


def describe(office: "Office", figures: Mapping[str, Any]) -> None:
    """Write the figures of `broadcast show` for people."""
    schools = (office.schools.get(code) for code in figures["schools"])
    output.facts(
        [
            (_("id"), figures["id"]),
            (_("subject"), figures["subject"]),
            (_("schools"), "、".join(school.name for school in schools if school)),
            (_("announced"), figures["announced_at"]),
            (_("leaves from"), figures["not_before"]),
            (_("is tried until"), figures["expires_at"]),
            (_("state"), state_word(figures["state"])),
            *([] if figures["whole"] else [(_("recipients"), _("are still being written"))]),
            *([(_("recipients forgotten"), figures["forgotten_at"])] if figures["forgotten_at"] else []),
        ]
    )
    output.say("")
    output.table(
        [_("recipients"), str(figures["recipients"])], [(state_word(word), figures[word]) for word in TOLD], indent=True
    )
    if figures["possible_duplicates"]:
        words = _("Mail that may be there twice: {count} of these. “broadcast recipients” says which.")
        output.say(words.format(count=figures["possible_duplicates"]))
    if figures["receipt"]:
        output.say("")
        output.table(
            [_("households"), str(figures["households"])],
            [(state_word(word), figures[word]) for word in SEEN],
            indent=True,
        )
    tell_excluded(figures["excluded"])
    _tell_canaries(figures["canaries"])


def _tell_canaries(canaries: Sequence[Mapping[str, Any]]) -> None:
    if canaries:
        output.say("")
        heads = [_("canary"), _("state"), _("seconds"), _("last reply")]
        rows = [(one["address"], state_word(one["state"]), one["accepted_after"], one["reply"]) for one in canaries]
        output.table(heads, rows)


def tell_excluded(excluded: Mapping[str, int]) -> None:
    """Write how many addresses are left out, and why."""
    from mailer.domain.audience import REASONS

    if excluded:
        output.say("")
        output.table(
            [_("left out"), str(sum(excluded.values()))],
            [(_(REASONS[reason]), count) for reason, count in excluded.items()],
            indent=True,
        )


def state_word(word: str) -> str:
    """Return a word of the Surface in the language spoken."""
    words = {
        "waiting": _("waiting"),
        "deferred": _("waiting for another try"),
        "accepted": _("accepted by the carrier"),
        "refused": _("refused"),
        "expired": _("expired"),
        "cancelled": _("cancelled"),
        "held": _("held for a person"),
        "confirmed": _("confirmed"),
        "machine_only": _("opened by a machine only"),
        "not_opened": _("not opened"),
        "scheduled": _("scheduled"),
        "sending": _("sending"),
        "finished": _("finished"),
    }
    return words[word]


def marked(state: str, *, possible_duplicate: bool) -> str:
    """Return the words for a state, with the mark of a mail that may be there twice."""
    return " ".join([state, _("(possibly twice)")]) if possible_duplicate else state


def lane_word(name: str) -> str:
    """Return the name of a lane in the language spoken."""
    return {"safety": _("safety"), "ordinary": _("ordinary"), "notice": _("notice")}[name]


def reply_words(code: int, text: str, reason: str) -> str:
    """Return what a carrier answered, with what we read out of it in brackets."""
    from mailer.schedule.outcome import reply_line

    said = reply_line(code, "", text)
    read = reason_words(reason) if reason else ""
    return f"{said} [{read}]" if said and read else said or read


def reason_words(word: str) -> str:
    """Return why an item is where it is, in the language spoken; a word that has no sentence stays as it is."""
    from mailer.carrier.reason import Reason
    from mailer.schedule import transition
    from mailer.service import roster

    for sentences in (transition.REASONS, roster.REASONS):
        if word in sentences:
            return _(sentences[word])
    if word in set(Reason):
        meaning = Reason(word).meaning
        return meaning.label if spoken() == "ja" else meaning.english
    return word


def under_way_words(count: int) -> str:
    """Say how many of the items that somebody stopped may leave all the same."""
    return _("Under way, and may still leave: {count}. Those that no connection has taken yet stay here.").format(
        count=count
    )
