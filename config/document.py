"""How does a TOML file become checked values, or the list of all that is wrong with it?

Raises ConfigError: every problem of the file at once, each with its line, its key and what is allowed there.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.lines import Path as KeyPath
from config.lines import key_lines
from config.problem import REASONS, ConfigError, Problem, shown

Model = TypeVar("Model", bound=BaseModel)

_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")
#: What pydantic calls the mistakes that are not about a single value.
_SHAPES = {
    "missing": "missing",
    "model_type": "not_a_section",
    "model_attributes_type": "not_a_section",
    "dict_type": "not_a_section",
    "tuple_type": "not_a_list",
}


@dataclass(frozen=True)
class Document(Generic[Model]):
    """A file that was read: its text and its checked values."""

    file: Path
    text: str
    value: Model

    @cached_property
    def lines(self) -> Mapping[KeyPath, int]:
        """Return the line of every key; only problems ask for it."""
        return key_lines(self.text)

    def problem(self, path: KeyPath, reason: str, **fields: object) -> Problem:
        """Return a problem with the key at `path`."""
        return Problem(self.file, _line(self.lines, path), _dotted(path), reason, fields)


def read_document(file: Path, model: type[Model]) -> Document[Model]:
    """Read and check a whole file; raise ConfigError with every problem found."""
    text = _text(file)
    return _checked(file, text, _data(file, text), model)


def read_sections(file: Path, model: type[Model], names: Sequence[str]) -> Document[Model]:
    """Read and check some sections of a file as if it had no others; raise ConfigError as `read_document` does."""
    text = _text(file)
    data = _data(file, text)
    return _checked(file, text, {name: data[name] for name in names if name in data}, model)


def _checked(file: Path, text: str, data: dict[str, Any], model: type[Model]) -> Document[Model]:
    try:
        return Document(file, text, model.model_validate(data))
    except ValidationError as error:
        lines = key_lines(text)
        errors = error.errors(include_url=False)
        told = [each for each in errors if _is_of_the_file(each, lines)] or errors
        raise ConfigError(_problem(file, model, lines, each) for each in told) from None


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ConfigError([Problem(file, None, "", "no_file")]) from None
    except OSError as error:
        raise ConfigError([Problem(file, None, "", "unreadable", {"detail": error.strerror})]) from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(file, line, "", "not_utf8")]) from None


def _data(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        found = _AT_LINE.search(words)
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        detail = _AT_LINE.sub("", words)
    except RecursionError:
        line, detail = 1, "too deeply nested"
    raise ConfigError([Problem(file, line, "", "syntax", {"detail": detail})])


def _is_of_the_file(error: ErrorDetails, lines: Mapping[KeyPath, int]) -> bool:
    """Tell whether an error is about what the file says: what follows from a wrong setting is wrong too."""
    return _path(error) in lines or error["type"] == "missing" or "at" in error.get("ctx", {})


def _problem(file: Path, model: type[BaseModel], lines: Mapping[KeyPath, int], error: ErrorDetails) -> Problem:
    path, context = _path(error), dict(error.get("ctx", {}))
    kind = error["type"]
    if kind == "extra_forbidden":
        reason, fields = _unknown(model, path)
    elif kind in REASONS:
        path += tuple(str(context["at"]).split(".")) if "at" in context else ()
        reason, fields = kind, context
    else:
        reason = _SHAPES.get(kind, "other")
        fields = {"value": shown(error["input"]), "name": _dotted(path), "detail": error["msg"]}
        if reason == "not_a_list" and isinstance(error["input"], Mapping):
            reason = "not_sections"
    return Problem(file, _line(lines, path), _dotted(path), reason, fields)


def _path(error: ErrorDetails) -> KeyPath:
    """Return where an error is; pydantic marks an error in a key itself by a further step."""
    return tuple(step for step in error["loc"] if step != "[key]")


def _unknown(model: type[BaseModel], path: KeyPath) -> tuple[str, dict[str, object]]:
    allowed = list(_model_at(model, path[:-1]).model_fields)
    near = list(_elsewhere(model, str(path[-1]))) or get_close_matches(str(path[-1]), allowed, n=1)
    fields: dict[str, object] = {"allowed": ", ".join(allowed)}
    return ("unknown_near", {**fields, "near": near[0]}) if near else ("unknown_key", fields)


def _elsewhere(model: type[BaseModel], key: str) -> Iterator[str]:
    """Find a key that was written into the wrong section."""
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel) and key in section.model_fields:
            yield f"{name}.{key}"


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    """Return the model of the section at `path`; names and numbers that only choose an entry are passed over."""
    steps = iter(path)
    for step in steps:
        annotation = model.model_fields[str(step)].annotation
        model = _inner(annotation) or model
        if get_origin(annotation) in (dict, tuple):
            next(steps, None)
    return model


def _inner(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an annotation such as `dict[str, Entry]`, or None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _inner(each)) is not None), None)


def _line(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of a key or, where it is missing, of the section it belongs to."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def _dotted(path: KeyPath) -> str:
    """Return a path as `delivery.port` or `school[3].name`; entries are counted from 1."""
    return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
