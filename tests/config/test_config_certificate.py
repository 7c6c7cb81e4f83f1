"""Is a certificate of port 25 that cannot be used named before a sender meets it?"""

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from config import ConfigError, Settings, check_certificate


def settings(chain: Path, key: Path) -> Settings:
    return Settings.model_validate({"inbound": {"certificate": chain, "key": key}})


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The files of a good certificate and its key."""
    made = trustme.CA().issue_cert("mail.example.jp")
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "chain.pem"))
    made.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    return tmp_path / "chain.pem", tmp_path / "key.pem"


def problems(chain: Path, key: Path) -> list[tuple[Path, str]]:
    with pytest.raises(ConfigError) as caught:
        check_certificate(settings(chain, key))
    return [(one.file, one.reason) for one in caught.value.problems]


def test_none_and_a_good_one(pair: tuple[Path, Path]) -> None:
    check_certificate(Settings.model_validate({}))
    check_certificate(settings(*pair))


def test_every_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    assert problems(chain, key) == [(chain, "no_file"), (key, "no_file")]


def test_two_files_that_do_not_go_together(pair: tuple[Path, Path], tmp_path: Path) -> None:
    chain, key = pair
    assert problems(key, chain) == [(key, "no_pair")]
    trustme.CA().issue_cert("mail.example.jp").private_key_pem.write_to_path(str(tmp_path / "other.pem"))
    assert problems(chain, tmp_path / "other.pem") == [(chain, "no_pair")]


def test_a_key_with_a_password_is_refused(pair: tuple[Path, Path]) -> None:
    chain, key = pair
    private = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    assert problems(chain, key) == [(chain, "no_pair")]
