"""Does the command say what it can, in the right language, quickly, and in one sentence when it cannot?"""

import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailer.cli.root import FIRST_LANGUAGE, VERBS, config_path, configured_language, root
from mailer.cli.width import width
from mailer.version import VERSION
from tests.cli.town import Town

ROOT = Path(__file__).resolve().parents[2]


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION


def time_of_children() -> float:
    """Return how many seconds of CPU the processes took that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_version_is_said_at_once() -> None:
    def once() -> float:
        began = time_of_children()
        said = subprocess.run([sys.executable, "-m", "mailer", "--version"], cwd=ROOT, capture_output=True, check=True)
        assert said.stdout.decode() == f"mimamori {VERSION}\n"
        return time_of_children() - began

    assert min(once() for _ in range(5)) < 0.15  # seconds of CPU; the best of five, as caches may be cold


def test_a_command_does_not_spend_its_time_looking_for_cycles() -> None:
    count = """
import atexit, gc, sys
atexit.register(lambda: print(sum(one["collections"] for one in gc.get_stats()), file=sys.stderr))
sys.argv = ["mimamori", "broadcast", "send", "--help"]
from mailer.cli import main
main()
"""
    said = subprocess.run([sys.executable, "-c", count], cwd=ROOT, capture_output=True, check=True)
    assert int(said.stderr) < 20


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("verb", ["", "init", "serve", "households import", "broadcast send", "queue hold", "keys"])
def test_help_fits_the_terminal(bare_town: Town, verb: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_LANGUAGE", language)
    monkeypatch.setenv("COLUMNS", "80")
    said = bare_town.done(*verb.split(), "--help")
    assert all(width(line) <= 80 for line in said.splitlines())
    assert ("使い方" in said) == (language == "ja")
    assert ("Usage" in said) == (language == "en")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(bare_town: Town, verb: str) -> None:
    assert "--json" in bare_town.done(verb, "--help")


def test_the_language_is_that_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mimamori.toml"
    assert configured_language(file) == FIRST_LANGUAGE == "ja"
    file.write_text('[appliance]\nlanguage = "en"\n')
    assert configured_language(file) == "en"
    file.write_text('[appliance]\nlanguage = "fr"\n')
    assert configured_language(file) == FIRST_LANGUAGE
    file.write_text("appliance = 1\n")
    assert configured_language(file) == FIRST_LANGUAGE


def test_the_configuration_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMAMORI_CONFIG", raising=False)
    assert config_path([]) == Path("/etc/mimamori/mimamori.toml")
    monkeypatch.setenv("MIMAMORI_CONFIG", "/a.toml")
    assert config_path(["status"]) == Path("/a.toml")
    assert config_path(["--config", "/b.toml", "status"]) == Path("/b.toml")
    assert config_path(["--config=/b.toml", "status"]) == Path("/b.toml")
    assert config_path(["--config"]) == Path()


def test_a_language_that_is_not_spoken_is_a_mistake_in_usage(bare_town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_LANGUAGE", "fr")
    result = bare_town.type("status")
    assert result.exit_code == 2
    assert "ja, en" in result.stderr


@pytest.mark.parametrize("words", [("nonsense",), ("broadcast", "send"), ("queue", "hold"), ("queue", "show", "7")])
def test_mistakes_in_usage_exit_with_2(town: Town, words: tuple[str, ...]) -> None:
    result = town.type(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("broadcast", "show", "B0"),
        ("broadcast", "recipients", "B0"),
        ("broadcast", "verify", "B0"),
        ("broadcast", "cancel", "B0"),
        ("maintenance", "show", "M0"),
        ("maintenance", "cancel", "M0"),
        ("households", "show", "nobody"),
        ("households", "deregister", "99"),
        ("queue", "show", "Q99"),
    ],
)
def test_what_is_refused_exits_with_1_and_one_sentence(town: Town, words: tuple[str, ...]) -> None:
    result = town.type("--json", *words)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_without_a_store_the_sentence_says_what_to_do(bare_town: Town) -> None:
    result = bare_town.type("status")
    assert result.exit_code == 1
    assert "mimamori init" in result.stderr


def test_without_a_configuration_the_sentence_names_the_file() -> None:
    result = CliRunner().invoke(root, ["--config", "/nowhere/mimamori.toml", "status"])
    assert result.exit_code == 1
    assert "/nowhere/mimamori.toml" in result.stderr


def test_json_is_taken_before_and_after_the_verb(town: Town) -> None:
    said = [
        town.done(*words)
        for words in (("--json", "keys", "list"), ("keys", "--json", "list"), ("keys", "list", "--json"))
    ]
    assert said[0] == said[1] == said[2]
    assert said[0].startswith("[{")


STRAY = "\udcff"  # how Python hands on a byte that is no UTF-8 (PEP 383)


@pytest.mark.parametrize(
    "verb",
    [
        ("broadcast", "show", STRAY),
        ("broadcast", "recipients", STRAY),
        ("alarms", "show", STRAY),
        ("bounce", "list", "--broadcast", STRAY),
        ("queue", "suspend", "--site", STRAY, "--reason", "inspection"),
        ("explain", STRAY),
    ],
)
def test_bytes_that_are_no_text_are_asked_for_anew(town: Town, verb: tuple[str, ...]) -> None:
    refused = town.type(*verb)
    assert refused.exit_code == 2
    assert "no text in UTF-8" in refused.stderr
    assert not refused.stdout


@pytest.mark.parametrize(
    "verb", ["bounce list", "broadcast list", "queue list", "alarms list", "audit list", "replies list"]
)
def test_a_limit_that_no_store_can_hold_is_refused(town: Town, verb: str) -> None:
    refused = town.type(*verb.split(), "--limit", "9" * 30)
    assert refused.exit_code == 2
    assert "--limit" in refused.stderr


def test_a_file_that_cannot_be_read_is_named_with_what_to_do(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("broadcast", "send", "--all", "--subject", "x", "--text-file")
    missing = town.type(*words, "t.txt")
    assert missing.exit_code == 2
    assert "There is no file t.txt. Look at its name and at the directory" in missing.stderr
    assert f"The file {town.directory} cannot be read (Is a directory)" in town.type(*words, str(town.directory)).stderr
    monkeypatch.setenv("MIMAMORI_LANGUAGE", "ja")
    assert "ファイル t.txt がありません。" in town.type(*words, "t.txt").stderr
