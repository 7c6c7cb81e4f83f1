"""Does a mailer begin although the keys cannot be read ahead, and is somebody called while one is not there?"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import CredentialError
from config.problem import Problem
from mailer import app
from mailer.domain.alarm import Kind
from mailer.keyring import Keyring
from mailer.service import alarm, keys
from mailer.service.office import Office
from mailer.standing.key import KeyState
from mailer.store.writer import Writer

KEYS = Path(__file__).parent.parent / "message" / "keys"
DIGEST = bytes(32)


@pytest.fixture
def writer() -> Iterator[Writer]:
    writer = Writer()
    yield writer
    writer.close()


@pytest.fixture
def files() -> dict[str, bytes]:
    """The keys that have a file."""
    return {name: (KEYS / file).read_bytes() for name, file in (("r", "rsa2048.pem"), ("e", "ed25519.pem"))}


@pytest.fixture
def keyring(files: dict[str, bytes]) -> Keyring:
    def read(selector: str) -> bytes:
        if selector not in files:
            raise CredentialError([Problem(Path(f"/{selector}.pem"), None, "", "no_key")])
        return files[selector]

    return Keyring(read)


def standing() -> set[tuple[Kind, str]]:
    return {(one.kind, one.subject) for one in alarm.list_()}


async def test_a_store_that_refuses_while_keys_are_read_ahead_ends_nothing(
    office: Office, writer: Writer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError("the store refuses")

    monkeypatch.setattr(keys, "active_selectors", refuse)
    await app.read_ahead(Keyring(lambda _selector: b""), office, writer)
    assert "the store refuses" in caplog.text


async def test_an_active_key_that_is_missing_is_an_alarm_from_the_start_and_until_it_is_back(
    office: Office, writer: Writer, files: dict[str, bytes], keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "LOOK_FOR_KEYS_SECONDS", 0.01)
    keys.register(office, "r", "rsa", "v=DKIM1; k=rsa; p=MIIB", KeyState.ACTIVE, "test")
    keys.register(office, "e", "ed25519", "v=DKIM1; k=ed25519; p=11qY", KeyState.ACTIVE, "test")
    rsa = files.pop("r")
    await app.read_ahead(keyring, office, writer)
    assert standing() == {(Kind.KEYS, "r")}
    watching = asyncio.create_task(app.watch_keys(keyring, office, writer))
    files["r"] = rsa
    await until(lambda: not standing())
    del files["e"]
    await until(lambda: standing() == {(Kind.KEYS, "e")})
    watching.cancel()
    assert keyring.sign("e", DIGEST)


def test_a_missing_key_is_told_to_the_log_once_and_read_when_it_is_there(
    files: dict[str, bytes], keyring: Keyring, caplog: pytest.LogCaptureFixture
) -> None:
    rsa = files.pop("r")
    assert [keyring.sign("r", DIGEST) for _ in range(3)] == [b""] * 3
    assert caplog.text.count("/r.pem: there is no such file") == 1
    files["r"] = rsa
    assert keyring.sign("r", DIGEST)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - a store tells nobody of its changes
            await asyncio.sleep(0.01)
