"""Does every cited RFC stand in the index, and was every cited section looked up?

`rfc_sections.toml` holds the sections with their titles. Who cites another one reads it first, then adds it there.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import ROOT

SECTIONS = ROOT / "tests" / "architecture" / "rfc_sections.toml"
PLACES = ("config", "deploy", "mailer", "systemd", "tests", "webhook")
#: Not `requirements`, whose lines are hashes by the thousand, nor what git does not keep.
SUFFIXES = {".html", ".md", ".po", ".py", ".service", ".sh", ".target", ".toml", ".txt"}
#: A section belongs to what was named last before it: an RFC, or a document such as carriers.md.
NAMED = re.compile(r"RFC[\s#:]+(?P<rfc>\d{3,5})\b|(?P<document>\w+\.md)\b|§(?P<section>\d+(?:\.\d+)*)")


def texts() -> Iterator[Path]:
    """Yield the files in which an RFC may be cited, the tables of citations themselves left out."""
    yield from (path for path in sorted(ROOT.glob("*.md")) if path.name != "ARCHITECTURE.md")
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and path != SECTIONS and path.parent.name != "requirements":
                yield path


def citations() -> dict[tuple[str, str], str]:
    """Return each cited (RFC, section) with a file that cites it; the section is empty where none is named."""
    found: dict[tuple[str, str], str] = {}
    for path in texts():
        rfc = ""
        for named in NAMED.finditer(path.read_text(encoding="utf-8")):
            if named["section"] is None:
                rfc = named["rfc"] or ""
            if rfc:
                found.setdefault((rfc, named["section"] or ""), str(path.relative_to(ROOT)))
    return found


def test_every_cited_rfc_stands_in_the_index() -> None:
    index = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| RFC (\d+)", index, re.MULTILINE))
    missing = {rfc: where for (rfc, _), where in citations().items() if rfc not in listed}
    assert not missing, f"not in the index of ARCHITECTURE.md: {missing}"


def test_every_cited_section_was_looked_up() -> None:
    known = {(rfc, section) for rfc, titles in tomllib.loads(SECTIONS.read_text("utf-8")).items() for section in titles}
    cited = {citation: where for citation, where in citations().items() if citation[1]}
    unread = {citation: where for citation, where in cited.items() if citation not in known}
    assert not unread, f"read these sections, then add them to {SECTIONS.name}: {unread}"
    assert not known - cited.keys(), f"no longer cited, so drop from {SECTIONS.name}: {sorted(known - cited.keys())}"
