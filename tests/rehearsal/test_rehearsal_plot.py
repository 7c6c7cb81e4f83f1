"""Is the picture of a prediction a sound SVG that says what the prediction says?"""

import re
from xml.etree import ElementTree

import pytest

from mailer.rehearsal.figures import Curve, Prediction
from mailer.rehearsal.plot import BOTTOM, STYLES, TOP, draw, percent, span

SVG = "{http://www.w3.org/2000/svg}"


def curve(label: str, count: int, *, every: float = 0.1, open: int = 0) -> Curve:
    """Return a curve of so many recipients: all but `open` accepted, every second one confirmed after a minute."""
    accepted = tuple(1 + number * every for number in range(count - open))
    confirmed = tuple(60 + at for at in accepted[::2])
    return Curve(label.lower(), label, count, open, accepted, confirmed)


def prediction(*curves: Curve) -> Prediction:
    """Return a prediction of these carriers; a household for each recipient."""
    accepted = tuple(sorted(at for each in curves for at in each.accepted))
    confirmed = tuple(sorted(at for each in curves for at in each.confirmed))
    count, open = sum(each.recipients for each in curves), sum(each.open for each in curves)
    total = Curve("total", "", count, open, accepted, confirmed)
    return Prediction(total, total, curves, 1800.0, 60.0)


def drawn(*curves: Curve) -> ElementTree.Element:
    """Return the root of the parsed picture."""
    return ElementTree.fromstring(draw(prediction(*curves)))


def words(root: ElementTree.Element) -> list[str]:
    """Return all texts in the picture."""
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_has_title_and_description_for_those_who_do_not_see_it() -> None:
    root = drawn(curve("Docomo", 40), curve("au", 20))
    title, described = root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    assert title is not None
    assert "60" in title
    assert described is not None
    assert "Docomo" in described


def test_needs_nothing_from_outside() -> None:
    text = draw(prediction(curve("Docomo", 40)))
    assert set(re.findall(r"https?://[^\s\"']+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(image|script|style|use|a|foreignObject)\b|url\(|href", text)


def test_labels_cannot_become_markup() -> None:
    shown = words(drawn(curve("<b x=''>&\x01\ufffe", 3), curve('"><b/>', 2)))
    assert {"<b x=''>&\ufffd\ufffd", '"><b/>'} <= set(shown)


def test_a_long_label_ends_before_the_next_column() -> None:
    shown = words(drawn(curve("とても長い名前の携帯事業者", 3)))
    assert [word for word in shown if word.startswith("とても")] == ["とても長い名前の…"]


def test_each_carrier_has_a_solid_and_a_dashed_line_in_its_own_colour() -> None:
    root = drawn(*(curve(f"carrier {number}", 30 - number) for number in range(len(STYLES))))
    lines = [path for path in root.iter(f"{SVG}path") if path.get("fill") == "none" and path.get("stroke-linejoin")]
    solid = {path.get("stroke") for path in lines if path.get("stroke-dasharray") is None}
    dashed = {path.get("stroke") for path in lines if path.get("stroke-dasharray") is not None}
    assert solid == dashed
    assert len(solid) == len(STYLES) + 1


def test_carriers_without_a_colour_of_their_own_share_one_line() -> None:
    curves = [curve(f"carrier {number}", 30 - number) for number in range(len(STYLES) + 3)]
    shown = words(drawn(*curves))
    assert f"carrier {len(STYLES) - 1}" in shown
    assert f"carrier {len(STYLES)}" not in shown
    assert str(sum(each.recipients for each in curves[len(STYLES) :])) in shown


def test_ten_thousand_recipients_stay_a_small_file_inside_the_frame() -> None:
    text = draw(prediction(curve("Docomo", 9000, every=0.02), curve("au", 1000)))
    heights = [
        float(y) for path in re.findall(r' d="(M[^"]+)" fill="none"', text) for y in re.findall(r"V([\d.]+)", path)
    ]
    assert len(text) < 100_000
    assert min(heights) >= TOP
    assert max(heights) <= BOTTOM


def test_the_line_ends_at_the_share_that_was_accepted() -> None:
    one = Curve("docomo", "Docomo", 4, 0, (1.0, 2.0, 3.0), ())
    text = draw(prediction(one))
    (path, *_more) = re.findall(r' d="(M[^"]+)" fill="none" stroke="#0072b2"', text)
    assert float(path.rpartition("V")[2]) == pytest.approx(BOTTOM - (BOTTOM - TOP) * 3 / 4)


def test_nothing_accepted_is_drawn_too() -> None:
    assert "–" in words(drawn(Curve("docomo", "Docomo", 5, 5, (), ())))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.04, "0 s"),
        (4.21, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (80, "1 min 20 s"),
        (599.7, "10 min"),
        (1815, "30 min"),
        (3569, "59 min"),
        (3599, "1 h"),
        (5400, "1 h 30 min"),
    ],
)
def test_spans_read_as_people_say_them(seconds: float | None, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(("share", "words"), [(0, "0%"), (0.0001, "1%"), (0.5, "50%"), (0.9999, "99%"), (1, "100%")])
def test_only_all_is_called_all(share: float, words: str) -> None:
    assert percent(share) == words
