"""Do secrets come from where they should, and is one that others can read refused?"""

import base64
from pathlib import Path

import pytest

from config import CredentialError, Settings, read_dkim_key, read_secret, read_webhook_secret

PEM = b"-----BEGIN PRIVATE KEY-----\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A state directory with a secret and a key as `mimamori init` makes them."""
    for name, content, mode in [("secrets/receipt.key", b"ab" * 32 + b"\n", 0o640), ("dkim/s1.pem", PEM, 0o600)]:
        file = tmp_path / "state" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        file.chmod(mode)
    return Settings.model_validate({"state": {"directory": f"{tmp_path}/state"}})


def handed_over(directory: Path, name: str, content: bytes) -> dict[str, str]:
    """Hand a credential over the way the service manager does."""
    (directory / name).write_bytes(content)
    return {"CREDENTIALS_DIRECTORY": str(directory)}


def test_from_the_state_directory(settings: Settings) -> None:
    assert read_secret(settings, "receipt", {}) == b"\xab" * 32
    assert read_dkim_key(settings, "s1", {}) == PEM


@pytest.mark.parametrize("name", ["receipt.key", "secrets_receipt.key"])
def test_a_secret_from_the_service_manager_comes_first(settings: Settings, tmp_path: Path, name: str) -> None:
    assert read_secret(settings, "receipt", handed_over(tmp_path, name, b"cd" * 32)) == b"\xcd" * 32


@pytest.mark.parametrize("name", ["s1.pem", "dkim_s1.pem"])
def test_a_key_from_the_service_manager_may_have_any_mode(settings: Settings, tmp_path: Path, name: str) -> None:
    environ = handed_over(tmp_path, name, b"other")
    (tmp_path / name).chmod(0o444)
    assert read_dkim_key(settings, "s1", environ) == b"other"


def test_what_the_service_manager_does_not_have_is_read_from_the_state_directory(
    settings: Settings, tmp_path: Path
) -> None:
    assert read_dkim_key(settings, "s1", handed_over(tmp_path, "dkim_s0.pem", b"older")) == PEM


@pytest.mark.parametrize(("mode", "wanted"), [(0o640, "0600"), (0o644, "0600"), (0o604, "0600"), (0o660, "0600")])
def test_a_key_that_others_can_read_is_refused(settings: Settings, mode: int, wanted: str) -> None:
    file = settings.dkim.directory / "s1.pem"
    file.chmod(mode)
    with pytest.raises(CredentialError) as caught:
        read_dkim_key(settings, "s1", {})
    assert str(caught.value) == (
        f"{file}: may be read by others than its owner (mode {mode:04o}); run: chmod {wanted} {file}"
    )


def test_a_secret_may_be_shared_with_our_group_and_nobody_else(settings: Settings) -> None:
    (settings.state.directory / "secrets" / "receipt.key").chmod(0o644)
    with pytest.raises(CredentialError, match="chmod 0640"):
        read_secret(settings, "receipt", {})


def test_what_is_missing_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(CredentialError, match=r"verp\.key: there is no such file; run `mimamori init`"):
        read_secret(settings, "verp", {})
    with pytest.raises(CredentialError, match=r"s2\.pem: there is no such file"):
        read_dkim_key(settings, "s2", {})


@pytest.mark.parametrize("content", [b"", b"ab" * 31, b"ab" * 33, b"xy" * 32, b"\xff" * 64])
def test_a_damaged_secret_is_refused(settings: Settings, content: bytes) -> None:
    (settings.state.directory / "secrets" / "receipt.key").write_bytes(content)
    with pytest.raises(CredentialError, match="does not hold 32 bytes"):
        read_secret(settings, "receipt", {})


def test_a_directory_is_no_key(settings: Settings) -> None:
    (settings.dkim.directory / "s3.pem").mkdir()
    with pytest.raises(CredentialError, match="cannot be read"):
        read_dkim_key(settings, "s3", {})


@pytest.mark.parametrize("count", [24, 32, 64])
def test_the_secret_of_the_webhook_has_the_form_that_receivers_are_given(settings: Settings, count: int) -> None:
    write_webhook_secret(settings, b"whsec_" + base64.b64encode(b"\xab" * count) + b"\n")
    assert read_webhook_secret(settings, {}) == b"\xab" * count


@pytest.mark.parametrize(
    "content",
    [b"", b"ab" * 32, b"whsec_", b"whsec_!!!!", b"whsk_" + base64.b64encode(bytes(32))]
    + [b"whsec_" + base64.b64encode(bytes(count)) for count in (23, 65)],
)
def test_a_damaged_secret_of_the_webhook_is_refused(settings: Settings, content: bytes) -> None:
    write_webhook_secret(settings, content)
    with pytest.raises(CredentialError, match="does not hold whsec_ and 24 to 64 bytes"):
        read_webhook_secret(settings, {})


def write_webhook_secret(settings: Settings, content: bytes) -> None:
    """Put a secret where `mimamori init` puts it."""
    file = settings.state.directory / "secrets" / "webhook.key"
    file.write_bytes(content)
    file.chmod(0o640)
