"""Is a file of authorities that cannot be used named before mail is sent?"""

from pathlib import Path

import pytest
import trustme

from config import ConfigError, Settings, check_authorities


def settings(file: Path | None) -> Settings:
    return Settings.model_validate({"delivery": {"ca_file": file} if file else {}})


def test_none_and_a_good_one(tmp_path: Path) -> None:
    check_authorities(settings(None))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    check_authorities(settings(tmp_path / "ca.pem"))


@pytest.mark.parametrize(("content", "reason"), [(None, "no_file"), ("", "no_certificate"), ("key", "no_certificate")])
def test_bad_ones(tmp_path: Path, content: str | None, reason: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        check_authorities(settings(file))
    assert [(one.file, one.reason) for one in caught.value.problems] == [(file, reason)]
