"""Does default.toml say of every setting what the schema says?"""

import re
from pathlib import Path

import pytest

import config
from config import Settings, load
from config.document import read_document
from config.schema import Section

DEFAULT = Path(config.__file__).with_name("default.toml")
_COMMENTED = re.compile(r"^# ([a-z_]+ = .*)$", re.MULTILINE)


def keys() -> list[tuple[str, str]]:
    """Return all sections and keys of the schema."""
    return [
        (name, key) for name, field in Settings.model_fields.items() for key in section(field.annotation).model_fields
    ]


def section(annotation: object) -> type[Section]:
    """Return the model of a section."""
    assert isinstance(annotation, type)
    assert issubclass(annotation, Section)
    return annotation


def with_comments_taken_off(tmp_path: Path) -> Path:
    """Return a file in which what follows from other settings is set too."""
    file = tmp_path / "default.toml"
    file.write_text(_COMMENTED.sub(r"\1", DEFAULT.read_text(encoding="utf-8")), encoding="utf-8")
    return file


def test_the_file_as_it_is_changes_nothing() -> None:
    assert load(DEFAULT) == Settings.model_validate({})


def test_every_setting_stands_there_and_nothing_else(tmp_path: Path) -> None:
    lines = read_document(with_comments_taken_off(tmp_path), Settings).lines
    assert {path for path in lines if len(path) == 2} == set(keys())


@pytest.mark.parametrize(("name", "key"), keys())
def test_a_value_in_a_comment_is_the_default_or_an_example_where_there_is_none(
    tmp_path: Path, name: str, key: str
) -> None:
    default = getattr(getattr(Settings.model_validate({}), name), key)
    shown = getattr(getattr(load(with_comments_taken_off(tmp_path)), name), key)
    assert shown == default if default is not None else shown is not None


def test_every_setting_has_its_sentence_in_both_languages() -> None:
    before = ""
    for line in DEFAULT.read_text(encoding="utf-8").splitlines():
        if re.match(r"(# )?[a-z_]+ = ", line):
            assert re.match(r"# .*[ぁ-んァ-ヶ一-龠].*。 [A-Z].*\.$", before), line
        before = line
