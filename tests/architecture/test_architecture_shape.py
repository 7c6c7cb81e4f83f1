"""Can every file and function be read in one sitting, and does each module say which question it answers?"""

import ast
import re
import statistics
import sys
from pathlib import Path

import pytest

from mailer.smtp.state import diagram
from tests.architecture.source import ROOT, Module, modules

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
MEDIAN_FUNCTION = 10
LONGEST_DOCSTRING = 15


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without decorators and docstring."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_docstring_asks_one_question(module: Module) -> None:
    docstring = ast.get_docstring(module.tree) or ""
    first = docstring.partition("\n\n")[0].replace("\n", " ")
    assert "?" in first, f"{module.where}: the docstring begins with the question that the module answers"
    assert len(docstring.splitlines()) <= LONGEST_DOCSTRING


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_file_is_read_in_one_sitting(module: Module) -> None:
    assert len(module.text.splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_functions_are_short(module: Module) -> None:
    long = [f"{node.name} ({length(node)})" for node in module.functions() if length(node) > LONGEST_FUNCTION]
    assert not long


def test_half_of_all_functions_are_very_short() -> None:
    assert statistics.median(length(node) for module in modules() for node in module.functions()) < MEDIAN_FUNCTION


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_public_things_are_documented(module: Module) -> None:
    bare = [
        node.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not _is_inner_or_protocol(node, module)
    ]
    assert not bare, f"{module.where}: {bare}"


def _is_inner_or_protocol(node: ast.AST, module: Module) -> bool:
    """Inner functions, methods of private classes, properties of protocols and model `Meta` need no docstring."""
    for parent in ast.walk(module.tree):
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef) and parent is not node:
            if any(inner is node for inner in ast.walk(parent)):
                return True
        elif isinstance(parent, ast.ClassDef) and node in parent.body:
            protocol = any(isinstance(base, ast.Name) and base.id == "Protocol" for base in parent.bases)
            return parent.name.startswith("_") or protocol or getattr(node, "name", "") == "Meta"
    return False


def test_no_package_takes_a_name_of_the_standard_library() -> None:
    assert not {module.name.split(".")[0] for module in modules()} & sys.stdlib_module_names


def test_every_package_says_that_it_is_one() -> None:
    found = {path.parent for package in ("config", "mailer", "webhook") for path in Path(ROOT / package).rglob("*.py")}
    missing = [str(path.relative_to(ROOT)) for path in found if not (path / "__init__.py").exists()]
    assert [name for name in missing if not name.endswith("migrations")] == []


def test_the_picture_of_a_session_is_drawn_from_its_tables() -> None:
    assert diagram().rstrip() in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.where)
def test_every_mark_that_is_cited_is_explained(module: Module) -> None:
    marks = set(re.findall(r"(?:requirement |attacks |\()([ABCDFNP][0-9]{1,2})\b", module.path.read_text("utf-8")))
    table = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## Marks")[2].partition("\n## ")[0]
    assert marks <= set(re.findall(r"\b[ABCDFNP][0-9]{1,2}\b", table))
