"""Is every sentence that people may read there in Japanese?"""

import subprocess
import sys
from pathlib import Path

import pytest

from mailer.language import LANGUAGES, _, spoken, translate, use

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_is_missing_fuzzy_obsolete_or_not_compiled() -> None:
    check = [sys.executable, "deploy/catalogue.py", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_process_speaks_one_language_and_may_translate_to_another() -> None:
    sentence = "The address is empty."
    use("ja")
    try:
        assert _(sentence) == "アドレスが空です。"
        assert translate("en", sentence) == sentence
        assert spoken() == "ja"
    finally:
        use("en")
    assert _(sentence) == sentence
    assert translate("ja", "") == ""


def test_other_languages_are_refused() -> None:
    with pytest.raises(ValueError, match=", ".join(LANGUAGES)):
        use("fr")
