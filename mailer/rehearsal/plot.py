"""How does a prediction look? As a picture (SVG) that needs nothing but itself.

Over time (logarithmic: seconds count for acceptance, minutes for confirmation) stand the shares of recipients
that were accepted (solid) and confirmed (dashed), for each carrier and in total. The colours are those of Okabe
and Ito, which colour-blind readers tell apart; every carrier has a sign of its own too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log
from xml.sax.saxutils import escape

from mailer.cli.width import width, wrap
from mailer.language import _, spoken
from mailer.rehearsal.figures import PERCENTS, Curve, Prediction

WIDTH, HEIGHT = 1200, 856
LEFT, RIGHT, TOP, BOTTOM = 88, 738, 268, 690
LEGEND = 770
COLUMNS = (988, 1092, WIDTH - 32)
LABEL_COLUMNS = 16
FOOT_COLUMNS = 160
ROW = 34
INK, SOFT, FAINT, PAPER, LAND = "#1b2733", "#5b6875", "#dfe5ea", "#ffffff", "#f5f8fa"
#: Colours and signs of the carriers; whatever does not find a place is drawn as one grey curve.
STYLES = (
    ("#0072b2", "M-5 -5H5V5H-5Z"),
    ("#d55e00", "M0 -6.5L6 4.5H-6Z"),
    ("#009e73", "M0 -6.5L6.5 0L0 6.5L-6.5 0Z"),
    ("#cc79a7", "M0 6.5L6 -4.5H-6Z"),
    ("#e69f00", "M-2 -6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z"),
    ("#56b4e9", "M0 -6.5L2 -2L6.5 -2L3 1.5L4.5 6.5L0 3.5L-4.5 6.5L-3 1.5L-6.5 -2L-2 -2Z"),
    ("#6a4ca5", "M-3 -6H3L6 0L3 6H-3L-6 0Z"),
)
OTHERS = ("#7d8790", "M-6 -2H6V2H-6Z")
ROUND = "M-6 0A6 6 0 1 1 6 0A6 6 0 1 1 -6 0Z"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 43200, 86400)
TICK_ROOM = 48
DASHES = "7 5"
FONT = "'Noto Sans CJK JP','Noto Sans JP','Hiragino Sans','Yu Gothic',Meiryo,sans-serif"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Axis:
    """The axis of time: from `first` to `last` seconds, logarithmic."""

    first: float
    last: float

    def x(self, seconds: float) -> float:
        inside = min(max(seconds, self.first), self.last)
        return LEFT + (RIGHT - LEFT) * log(inside / self.first) / log(self.last / self.first)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A curve with its looks."""

    curve: Curve
    label: str
    colour: str
    sign: str
    wide: float


def draw(prediction: Prediction) -> str:
    """Return the SVG text of a prediction, in the language spoken."""
    axis = _axis(prediction)
    curves = list(_looks(prediction))
    parts = [
        *_head(prediction),
        *_tiles(prediction),
        *_frame(axis),
        *(part for each in reversed(curves) for part in _paths(each, axis)),
        *_legend(curves),
        *_foot(prediction),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def span(seconds: float | None) -> str:
    """Return a length of time as people read it: 4.2 s, 38 s, 1 min 20 s, 25 min, 2 h; a dash where there is none."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return _("{seconds} s").format(seconds=f"{seconds:.1f}".removesuffix(".0"))
    whole = round(seconds)
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 10:
        words = _("{minutes} min {seconds} s") if rest else _("{minutes} min")
        return words.format(minutes=minutes, seconds=rest)
    if whole < 3570:
        return _("{minutes} min").format(minutes=round(whole / 60))
    hours, minutes = divmod(round(whole / 60), 60)
    words = _("{hours} h {minutes} min") if minutes else _("{hours} h")
    return words.format(hours=hours, minutes=minutes)


def percent(share: float) -> str:
    """Return a share (0 to 1) in percent; only what is whole is called 100 %, only nothing 0 %."""
    rounded = round(share * 100)
    if 0 < share < 1:
        rounded = min(max(rounded, 1), 99)
    return f"{rounded}%"


# -- which curves, and over which time ---------------------------------------------------------------------------------


def _axis(prediction: Prediction) -> _Axis:
    first = prediction.total.accepted[0] if prediction.total.accepted else 1.0
    last = max(prediction.horizon, first * 10)
    return _Axis(max((tick for tick in TICKS if tick <= first), default=TICKS[0]), last)


def _looks(prediction: Prediction) -> Iterator[_Drawn]:
    """Yield the total, then the carriers as they are drawn."""
    yield _Drawn(prediction.total, _("all recipients"), INK, ROUND, 3.5)
    named = [curve for curve in prediction.carriers if curve.name][: len(STYLES)]
    for curve, (colour, sign) in zip(named, STYLES, strict=False):
        yield _Drawn(curve, curve.label, colour, sign, 2)
    rest = [curve for curve in prediction.carriers if curve not in named]
    if rest:
        yield _Drawn(_sum(rest), _("others"), *OTHERS, 2)


def _sum(curves: Sequence[Curve]) -> Curve:
    return Curve(
        name="",
        label="",
        recipients=sum(curve.recipients for curve in curves),
        open=sum(curve.open for curve in curves),
        accepted=tuple(sorted(at for curve in curves for at in curve.accepted)),
        confirmed=tuple(sorted(at for curve in curves for at in curve.confirmed)),
    )


# -- the words around --------------------------------------------------------------------------------------------------


def _head(prediction: Prediction) -> Iterator[str]:
    title = _("Rehearsal: a safety broadcast to {count} recipients").format(count=f"{prediction.total.recipients:,}")
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' role="img" aria-labelledby="title desc" xml:lang="{spoken()}" font-family="{FONT}" fill="{INK}">'
    )
    yield f'<title id="title">{_plain(title)}</title>'
    yield f'<desc id="desc">{_plain(_described(prediction))}</desc>'
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>'
    yield _text(LEFT - 56, 56, title, size=28, bold=True)
    yield _text(LEFT - 56, 88, honest(), size=15, colour=SOFT)


def honest() -> str:
    """Return what this is and what it is not, in one sentence."""
    return _(
        "A prediction: simulated carriers on this machine, written to at the pace of carriers.toml."
        " The real ones may be slower."
    )


def _described(prediction: Prediction) -> str:
    """Return what the picture shows, for those who do not see it."""
    words = _("{label}: {recipients} recipients, all that can be reached are accepted after {all}, {share} confirmed.")
    return " ".join(
        words.format(
            label=each.label,
            recipients=each.curve.recipients,
            all=span(each.curve.until(100)),
            share=percent(each.curve.confirmed_share),
        )
        for each in _looks(prediction)
    )


def _tiles(prediction: Prediction) -> Iterator[str]:
    """Yield the figures that people ask for first."""
    total = prediction.total
    values = [(_("{percent} accepted").format(percent=f"{each}%"), span(total.until(each))) for each in PERCENTS]
    values.append((_("last household"), span(prediction.households.until(100))))
    within = _("confirmed within {time}").format(time=span(prediction.horizon))
    values.append((within, percent(total.confirmed_share)))
    wide = (WIDTH - 64 + 12) / len(values)
    for number, (words, value) in enumerate(values):
        x = 32 + number * wide
        yield f'<rect x="{x:.1f}" y="112" width="{wide - 12:.1f}" height="84" rx="8" fill="{LAND}"/>'
        yield _text(x + 16, 140, words, size=14, colour=SOFT)
        yield _text(x + 16, 178, value, size=26, bold=True)


def _foot(prediction: Prediction) -> Iterator[str]:
    lines = [
        line
        for words in (accepted_means(prediction), confirmed_means(prediction))
        for line in wrap(words, FOOT_COLUMNS)
    ]
    for number, line in enumerate(lines):
        yield _text(32, BOTTOM + 82 + number * 20, line, size=13, colour=SOFT)


def accepted_means(prediction: Prediction) -> str:
    """Return what the figures of acceptance count."""
    words = _(
        "Accepted: the carrier's server took the mail; it says nothing about a reader. The percentages leave out"
        " {refused} that were refused (no such address, filters). Still waiting at the end: {open}."
    )
    return words.format(refused=prediction.total.refused, open=prediction.total.open)


def confirmed_means(prediction: Prediction) -> str:
    """Return what the figures of confirmation count."""
    words = _(
        "Confirmed: the share of accepted mails whose receipt URL was opened within {time}. The simulated guardians"
        " open {haste} times sooner than real ones; their delays are stretched back."
    )
    return words.format(time=span(prediction.horizon), haste=f"{prediction.haste:g}")


# -- the picture -------------------------------------------------------------------------------------------------------


def _frame(axis: _Axis) -> Iterator[str]:
    """Yield grid, ticks and the names of the axes."""
    for share in (0, 25, 50, 75, 100):
        y = _y(share / 100)
        yield f'<path d="M{LEFT} {y:.1f}H{RIGHT}" stroke="{FAINT if share else INK}"/>'
        yield _text(LEFT - 10, y + 5, f"{share}%", size=14, colour=SOFT, anchor="end")
    for tick in _ticks(axis):
        x = axis.x(tick)
        yield f'<path d="M{x:.1f} {TOP}V{BOTTOM + 6}" stroke="{FAINT}"/>'
        yield _text(x, BOTTOM + 24, span(tick), size=14, colour=SOFT, anchor="middle")
    yield _text(RIGHT, BOTTOM + 46, _("time since the broadcast was sent"), size=14, colour=SOFT, anchor="end")
    yield _text(32, TOP - 40, _("share of recipients"), size=14, colour=SOFT)
    yield _key(LEFT + 150, _("accepted by the carrier"), "none")
    yield _key(LEFT + 390, _("confirmed by the guardian"), DASHES)


def _key(x: float, words: str, dashes: str) -> str:
    line = f'<path d="M{x} {TOP - 45}h44" stroke="{INK}" stroke-width="3" stroke-dasharray="{dashes}"/>'
    return line + _text(x + 54, TOP - 40, words, size=14)


def _ticks(axis: _Axis) -> Iterator[float]:
    """Yield those ticks of the axis that have room for their words; the whole minute and hour come first."""
    placed: list[float] = []
    for tick in sorted(TICKS, key=lambda tick: tick not in (1, 10, 60, 600, 3600)):
        room = all(abs(axis.x(tick) - axis.x(other)) >= TICK_ROOM for other in placed)
        if axis.first <= tick <= axis.last * 1.001 and room:
            placed.append(tick)
    yield from sorted(placed)


def _y(share: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * share


def _paths(drawn: _Drawn, axis: _Axis) -> Iterator[str]:
    """Yield both lines of a curve; the sign stands where the last one was accepted."""
    curve = drawn.curve
    look = f'fill="none" stroke="{drawn.colour}" stroke-linejoin="round"'
    if curve.confirmed:
        steps = _steps(curve.confirmed, curve.recipients, axis) + f"H{RIGHT}"
        yield f'<path d="{steps}" {look} stroke-width="{drawn.wide * 0.7:.1f}" stroke-dasharray="{DASHES}"/>'
    if curve.accepted:
        yield f'<path d="{_steps(curve.accepted, curve.recipients, axis)}" {look} stroke-width="{drawn.wide}"/>'
        yield _sign(drawn, axis.x(curve.accepted[-1]), _y(len(curve.accepted) / curve.recipients))


def _steps(series: Sequence[float], of: int, axis: _Axis) -> str:
    """Return the path of a growing share, without the steps that no eye can tell apart."""
    points = [(round(axis.x(at), 1), round(_y((number + 1) / of), 1)) for number, at in enumerate(series)]
    return f"M{points[0][0]} {BOTTOM}" + "".join(f"H{x}V{y}" for x, y in _thinned(points))


def _thinned(points: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield the last of the points that share a column of pixels."""
    before: tuple[float, float] | None = None
    for point in points:
        if before is not None and point[0] - before[0] >= 0.5:
            yield before
        before = point if before is None or point[0] - before[0] >= 0.5 else (before[0], point[1])
    if before is not None:
        yield before


def _sign(drawn: _Drawn, x: float, y: float) -> str:
    look = f'fill="{drawn.colour}" stroke="{PAPER}" stroke-width="1.5"'
    return f'<path d="{drawn.sign}" transform="translate({x:.1f} {y:.1f})" {look}/>'


def _legend(curves: Sequence[_Drawn]) -> Iterator[str]:
    """Yield the table at the right: sign, name, recipients, time until all, share confirmed."""
    heads = (_("recipients"), _("{percent} accepted").format(percent="100%"), _("confirmed"))
    for x, words in zip(COLUMNS, heads, strict=True):
        yield _text(x, TOP - 12, words, size=13, colour=SOFT, anchor="end")
    yield f'<path d="M{LEGEND} {TOP}H{COLUMNS[-1]}" stroke="{FAINT}"/>'
    for number, drawn in enumerate(curves):
        y = TOP + 28 + number * ROW
        curve, bold = drawn.curve, number == 0
        yield f'<path d="M{LEGEND} {y - 5}h30" stroke="{drawn.colour}" stroke-width="{drawn.wide}"/>'
        yield _sign(drawn, LEGEND + 15, y - 5)
        yield _text(LEGEND + 42, y, _short(drawn.label), size=15, bold=bold)
        values = (f"{curve.recipients:,}", span(curve.until(100)), percent(curve.confirmed_share))
        for x, words in zip(COLUMNS, values, strict=True):
            yield _text(x, y, words, size=14, bold=bold, anchor="end")


def _short(label: str) -> str:
    """Return a label that fits its column."""
    cut = label
    while width(cut) > LABEL_COLUMNS:
        cut = cut[:-1]
    return label if cut == label else f"{cut}…"


def _text(
    x: float, y: float, words: str, *, size: int, colour: str = INK, bold: bool = False, anchor: str = "start"
) -> str:
    weight = ' font-weight="700"' if bold else ""
    look = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{_plain(words)}</text>'


def _plain(words: str) -> str:
    """Return words as XML text; what XML cannot hold becomes U+FFFD."""
    return escape(_NOT_XML.sub("\ufffd", words))
