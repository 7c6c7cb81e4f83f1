"""Are all sentences for people translated, and does the compiled catalogue hold them?

For developers: `sh deploy/catalogue.sh` reads every `_()` and every value of a module-level `ADVICE`, `FAILURES`,
`REASONS` or `WHY` in the product (and click's own sentences), brings the .po files up to date and compiles them;
sentences still without Japanese are listed. With `--check` nothing is written; exit 1 names what is missing, fuzzy,
obsolete or not compiled.
"""

import ast
import io
import string
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "mailer" / "locale" / "ja" / "LC_MESSAGES"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCT = ("config", "mailer", "webhook")
METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
KEYWORDS = {"_": None, "N_": None}
#: Names of module-level mappings from a machine's word to the sentence that a person reads.
MAPPINGS = ("ADVICE", "FAILURES", "REASONS", "WHY")
CLICK_KEYWORDS = {"_": None, "ngettext": (1, 2)}


def product() -> Catalog:
    """Return all sentences of the three packages."""
    found = Catalog(domain="mimamori", fuzzy=False)
    for package in PRODUCT:
        for _file, _line, message, _comments, context in extract_from_dir(ROOT / package, METHODS, keywords=KEYWORDS):
            found.add(message, context=context)
        for path in sorted((ROOT / package).rglob("*.py")):
            for sentence in reasons(path.read_text(encoding="utf-8")):
                found.add(sentence)
    return found


def reasons(source: str) -> Iterator[str]:
    """Yield the sentences of the module-level mappings."""
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id in MAPPINGS for target in targets):
            for mapping in (part for part in ast.walk(node) if isinstance(part, ast.Dict)):
                # A key of None stands for `**OTHER_REASONS`, which are found where they are written.
                written = (value for key, value in zip(mapping.keys, mapping.values, strict=True) if key)
                yield from map(ast.literal_eval, written)


def of_click() -> Catalog:
    """Return the sentences click itself may print."""
    found = Catalog(domain="click", fuzzy=False)
    folder = Path(click.__file__).parent
    for _file, _line, message, _comments, _context in extract_from_dir(folder, METHODS[:1], keywords=CLICK_KEYWORDS):
        found.add(message)
    return found


def kept(domain: str | None) -> Catalog:
    """Return the Japanese catalogue as it is committed."""
    path = LOCALE / f"{domain}.po"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    catalogue = read_po(io.StringIO(text), locale="ja", domain=domain)
    catalogue.creation_date = catalogue.revision_date = EPOCH  # else the compiled file would differ every minute
    return catalogue


def compiled(catalogue: Catalog) -> bytes:
    """Return the .mo of a catalogue."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def problems(found: Catalog) -> list[str]:
    """Return what is wrong with the committed catalogue, measured by the sentences found in the code."""
    catalogue = kept(found.domain)
    wanted = {message.id for message in found if message.id}
    held = {message.id: message for message in catalogue if message.id}
    mo = LOCALE / f"{found.domain}.mo"
    return [
        *(f"not translated: {name!r}" for name in wanted if name not in held or not all(forms(held[name].string))),
        *(f"other {{places}} than in English: {name!r}" for name in held if not same_places(held[name])),
        *(f"fuzzy: {name!r}" for name in held if held[name].fuzzy),
        *(f"obsolete: {name!r}" for name in held if name not in wanted),
        *(f"obsolete: {name!r}" for name in catalogue.obsolete),
        *([] if mo.exists() and mo.read_bytes() == compiled(catalogue) else [f"{mo.name} is not what the .po says"]),
    ]


def forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the singular and plural forms of a message or its translation."""
    return (text or "",) if isinstance(text, str | None) else tuple(text)


def same_places(message: Message) -> bool:
    """Say whether each translated form fills in what the last English form fills in."""
    wanted = places(forms(message.id)[-1])
    return all(places(text) == wanted for text in forms(message.string) if text)


def places(text: str) -> set[str]:
    """Return the names between braces."""
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def update(found: Catalog) -> None:
    """Bring one .po file up to date with the code and compile it."""
    catalogue = kept(found.domain)
    catalogue.update(found, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.header_comment = (
        "# What mimamori-mailer says to people, in Japanese. Brought up to date by deploy/catalogue.sh."
    )
    text = io.BytesIO()
    write_po(text, catalogue, width=0, omit_header=False, sort_output=True)
    LOCALE.mkdir(parents=True, exist_ok=True)
    (LOCALE / f"{found.domain}.po").write_bytes(stable(text.getvalue()))
    (LOCALE / f"{found.domain}.mo").write_bytes(compiled(kept(found.domain)))


def stable(po: bytes) -> bytes:
    """Return the file with only the header fields that say how to read it; dates would change at every run."""
    kept_fields = (b'"Language:', b'"Plural-Forms', b'"MIME', b'"Content')
    header, rest = po.split(b"\n\n", 1)
    lines = [line for line in header.splitlines() if not line.startswith(b'"') or line.startswith(kept_fields)]
    return b"\n".join(lines) + b"\n\n" + rest


def main() -> int:
    """Update or check both catalogues; the exit code says whether nothing is wrong."""
    catalogues = (product(), of_click())
    if "--check" not in sys.argv[1:]:
        for found in catalogues:
            update(found)
    wrong = [problem for found in catalogues for problem in problems(found)]
    print("\n".join(wrong) or "every sentence is translated")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
