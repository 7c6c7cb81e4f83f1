"""Does the scanner find the lines of keys, and never stray from what tomllib reads?"""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.lines import key_lines

EVERYTHING = '''\
# a comment = 1
top = 1 # not [a.section]
"quoted key" = "a # b = [c]"
'literal.key' = 'C:\\dir'

[a.b]
dotted.inner = [
  1, # one
  { x = 1, "y z" = [2, 3] },
  """
  [not.a.section]
  key = "no"
  \\""" quote"""
]
after = \'\'\'
  'key = 1'\'\'\'\'
day = 2026-03-31 08:00:00

[[list]]
name = "first"
[list.sub]
deep = true
[[list]]
name = "second"
  [[list.nested]]
  n = 1
  [[list.nested]]
  n = {}
empty = []
'''


def test_everything_toml_can_do() -> None:
    lines = key_lines(EVERYTHING)
    expected = {
        ("top",): 2,
        ("quoted key",): 3,
        ("literal.key",): 4,
        ("a",): 6,
        ("a", "b"): 6,
        ("a", "b", "dotted", "inner"): 7,
        ("a", "b", "dotted", "inner", 0): 8,
        ("a", "b", "dotted", "inner", 1, "y z", 1): 9,
        ("a", "b", "dotted", "inner", 2): 10,
        ("a", "b", "after"): 15,
        ("a", "b", "day"): 17,
        ("list", 0, "name"): 20,
        ("list", 0, "sub", "deep"): 22,
        ("list", 1, "name"): 24,
        ("list", 1, "nested", 0, "n"): 26,
        ("list", 1, "nested", 1, "n"): 28,
        ("list", 1, "nested", 1, "empty"): 29,
    }
    assert {path: lines.get(path) for path in expected} == expected


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """Return the paths of everything that tomllib read."""
    found = {path} if path else set()
    if isinstance(value, dict):
        found |= {inner for key, each in value.items() for inner in paths(each, (*path, key))}
    if isinstance(value, list):
        found |= {inner for number, each in enumerate(value) for inner in paths(each, (*path, number))}
    return found


@pytest.mark.parametrize("text", [EVERYTHING, "", "\n\n", "a=1", "[x]", "a = '''\n'''", 'a = """"quoted""""'])
def test_the_same_keys_as_tomllib(text: str) -> None:
    assert set(key_lines(text)) == paths(tomllib.loads(text))


@given(st.lists(st.sampled_from([*"[]{}=\".#\n\\',ab1 ", "[[", "]]", '"""', "'''", "a = ", "\nb.c = "]), max_size=40))
def test_the_same_keys_for_whatever_tomllib_takes(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(key_lines(text)) == paths(read)
