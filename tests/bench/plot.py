"""How do figures look? As bars or curves in a picture (SVG) that needs nothing but itself.

The colours are those of Okabe and Ito, which colour-blind readers tell apart; every value is written beside its mark.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, log10
from xml.sax.saxutils import escape

WIDTH = 960
LEFT, RIGHT, TOP = 300, 800, 120
BAR, GAP, GROUP = 24, 6, 26
PLOT = 300
INK, SOFT, FAINT, PAPER = "#1b2733", "#5b6875", "#dfe5ea", "#ffffff"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9")
FONT = "'Noto Sans','DejaVu Sans',sans-serif"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `mark` draws a line across it where a target or bound is."""

    label: str
    value: float
    words: str
    colour: int = 0
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over something that grows by powers of ten; `bound` is a dashed line that they should stay below."""

    title: str
    points: Sequence[tuple[float, float]]
    unit: str
    bound: float | None = None


def bars(title: str, note: str, groups: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Return a picture of bars in groups, all to one scale."""
    most = max([*(bar.value for _, group in groups for bar in group), 1e-9])
    y, parts = TOP, []
    for name, group in groups:
        parts.append(_text(32, y - 8, name, size=15, bold=True))
        for bar in group:
            parts += _bar(bar, y, (RIGHT - LEFT) / most)
            y += BAR + GAP
        y += GROUP + 12
    return _picture(title, note, parts, y)


def curves(title: str, note: str, drawn: Sequence[Curve]) -> str:
    """Return a picture of curves, one beneath the other over the same axis."""
    parts: list[str] = []
    for number, curve in enumerate(drawn):
        parts += _curve(curve, TOP + number * (PLOT + 80), COLOURS[number])
    return _picture(title, note, parts, TOP + len(drawn) * (PLOT + 80))


def _bar(bar: Bar, y: float, scale: float) -> Iterator[str]:
    yield _text(LEFT - 12, y + 17, bar.label, size=14, anchor="end")
    length = max(bar.value * scale, 1)
    yield f'<rect x="{LEFT}" y="{y:.1f}" width="{length:.1f}" height="{BAR}" fill="{COLOURS[bar.colour]}"/>'
    if bar.mark is not None:
        x = LEFT + bar.mark * scale
        yield f'<path d="M{x:.1f} {y - 3:.1f}v{BAR + 6}" stroke="{INK}" stroke-width="2" stroke-dasharray="4 3"/>'
    halo = f'<g stroke="{PAPER}" stroke-width="5" paint-order="stroke">'
    yield f"{halo}{_text(LEFT + length + 8, y + 17, bar.words, size=14)}</g>"


def _curve(curve: Curve, top: float, colour: str) -> Iterator[str]:
    """Yield a curve with its frame; the upright axis begins at nothing."""
    first, last = (log10(curve.points[number][0]) for number in (0, -1))
    most = 1.15 * max([*(value for _, value in curve.points), curve.bound or 1e-9])
    left, bottom = 110, top + PLOT

    def x(at: float) -> float:
        return left + (RIGHT - left) * (log10(at) - first) / ((last - first) or 1)

    def y(value: float) -> float:
        return bottom - PLOT * value / most

    yield _text(32, top - 14, f"{curve.title} ({curve.unit})", size=15, bold=True)
    yield f'<path d="M{left} {top:.1f}V{bottom:.1f}H{RIGHT}" fill="none" stroke="{SOFT}"/>'
    if curve.bound is not None:
        yield f'<path d="M{left} {y(curve.bound):.1f}H{RIGHT}" stroke="{INK}" stroke-dasharray="7 5"/>'
        yield _text(left - 10, y(curve.bound) + 5, f"{curve.bound:g}", size=14, anchor="end")
    path = "L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in curve.points)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="3"/>'
    for at, value in curve.points:
        yield f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="5" fill="{colour}"/>'
        yield _text(x(at), y(value) - 12, _short(value), size=14, anchor="middle")
        yield _text(x(at), bottom + 22, f"{at:,.0f}", size=14, colour=SOFT, anchor="middle")


def _short(value: float) -> str:
    """Return a figure with three digits that count."""
    digits = 2 - floor(log10(value)) if value > 0 else 0
    return f"{value:,.{max(digits, 0)}f}"


def _picture(title: str, note: str, parts: Sequence[str], height: float) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}"'
        f' height="{height:.0f}" role="img" aria-labelledby="title" font-family="{FONT}" fill="{INK}">'
    )
    lines = [_text(32, 62 + 18 * number, line, size=13, colour=SOFT) for number, line in enumerate(note.splitlines())]
    ground = f'<rect width="{WIDTH}" height="{height:.0f}" fill="{PAPER}"/>'
    name = f'<title id="title">{escape(title)}</title>'
    return "\n".join([head, name, ground, _text(32, 40, title, size=22, bold=True), *lines, *parts, "</svg>", ""])


def _text(
    x: float, y: float, words: str, *, size: int, colour: str = INK, bold: bool = False, anchor: str = "start"
) -> str:
    weight = ' font-weight="700"' if bold else ""
    look = f'font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(words)}</text>'
