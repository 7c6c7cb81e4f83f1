"""Is what deeper layers raise told in Japanese, and is every sentence still the one that they raise?"""

import contextlib
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from mailer.cli.foreign import WHY, told
from mailer.language import use
from mailer.liveness import AnotherMailer, only_mailer
from mailer.message.keys import SigningKeyError, read_private_key
from mailer.net.sockets import ListenError, listening
from mailer.store import database
from mailer.store.database import StoreError, open_store
from mailer.store.models import database as store
from tests.cli.town import Town

JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, lock: KeySerializationEncryption) -> bytes:
    """Return a private key as a file holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def url(directory: Path) -> str:
    """Return the store of the town in this directory."""
    return f"sqlite:///{directory}/state/mimamori.db"


def migrated(directory: Path, sql: str) -> None:
    """Change the history of the store's schema, then open it."""
    open_store(url(directory)).execute_sql(sql)
    store.close()
    open_store(url(directory))


def two_mailers(directory: Path) -> None:
    """Let a second mailer begin."""
    with only_mailer(directory / "state"), only_mailer(directory / "state"):
        pass


def no_database(directory: Path) -> None:
    """Put something else in the place of the store."""
    (directory / "state" / "mimamori.db").write_text("x" * 9000)
    open_store(url(directory))


def taken_port(_directory: Path) -> None:
    """Listen where somebody listens."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        listening("inbound", [other.getsockname()], {})


def old_sqlite(directory: Path) -> None:
    """Run on an SQLite of yesterday."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "SAFE_SQLITE", (99,))
        open_store(url(directory))


RAISERS: dict[str, Callable[[Path], object]] = {
    "no_store": lambda directory: open_store(url(directory / "elsewhere")),
    "no_access": no_database,
    "newer_store": lambda directory: migrated(
        directory, "UPDATE schema_migration SET name = '9999_later' WHERE id = 1"
    ),
    "older_store": lambda directory: migrated(directory, "DELETE FROM schema_migration"),
    "old_sqlite": old_sqlite,
    "another_mailer": two_mailers,
    "other_key": lambda _directory: read_private_key(pem(ec.generate_private_key(ec.SECP256R1()), NoEncryption())),
    "key_bits": lambda _directory: read_private_key(pem(rsa.generate_private_key(65537, 1024), NoEncryption())),
    "key_encrypted": lambda _directory: read_private_key(
        pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"secret"))
    ),
    "key_damaged": lambda _directory: read_private_key(b"damaged"),
    "no_door": taken_port,
}

EXPECTED = (StoreError, AnotherMailer, SigningKeyError, ListenError)


@pytest.fixture(autouse=True)
def japanese(town: Town) -> Iterator[None]:
    """Speak Japanese."""
    use("ja")
    yield
    if store.obj is not None and not store.is_closed():
        store.close()


@pytest.mark.parametrize("word", RAISERS)
def test_what_is_raised_is_told_in_japanese(town: Town, word: str) -> None:
    with pytest.raises(EXPECTED) as caught:
        RAISERS[word](town.directory)
    raised = str(caught.value)
    assert JAPANESE.search(told(raised))
    use("en")
    assert told(raised) == raised
    assert re.fullmatch(re.sub(r"\\{\w+\\}", ".+", re.escape(WHY[word])), raised)


def test_the_systems_words_are_those_of_the_system() -> None:
    words = {os.strerror(number) for number in range(1, 140)}
    assert {WHY[word] for word in ("in_use", "no_address", "denied", "not_permitted", "no_file")} <= words
    assert {WHY[word] for word in ("no_directory", "a_directory", "no_room", "read_only")} <= words


def test_words_inside_are_told_too_and_unknown_ones_stay() -> None:
    said = told("/srv/mimamori.db: cannot be opened (unable to open database file)")
    assert said == "/srv/mimamori.db: 開けません(データベースのファイルを開けません)"
    assert told("something else {file}") == "something else {file}"


def test_the_command_says_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMAMORI_LANGUAGE", "ja")
    (town.directory / "state" / "mimamori.db").unlink()
    assert "先に「mimamori init」を実行してください。" in town.type("status").stderr
    result = town.type("households", "import", str(town.directory))
    assert result.exit_code != 0
    assert JAPANESE.search(result.stderr)
