"""What do the tests of messages share? A letter, test keys worth nothing, two verifiers and a second parser."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import dkim
import pytest

from mailer.message.compose import Letter
from mailer.message.keys import public_value
from mailer.message.signer import Signer, load_signer

HERE = Path(__file__).parent
DOMAIN = "mail.mimamori-iwamizawa.jp"
KEYS = {"rsa2026": "rsa2048.pem", "ed2026": "ed25519.pem"}

LETTER = Letter(
    announcement_id="B7K3Q9Z1",
    from_name="滝川第一小学校",
    from_address=f"t-daiichi@{DOMAIN}",
    subject="【緊急】不審者情報について（滝川市内）",
    text="本日15時ごろ、滝川市内で不審者の目撃情報がありました。\n下校の際は十分にご注意ください。\n",
    date=datetime(2024, 4, 8, 15, 30, tzinfo=timezone(timedelta(hours=9))),
    domain=DOMAIN,
    receipt=True,
)


@pytest.fixture(scope="session")
def pem() -> Callable[[str], bytes]:
    """Read a test key by its file name."""
    return lambda name: (HERE / "keys" / name).read_bytes()


@pytest.fixture(scope="session")
def signers(pem: Callable[[str], bytes]) -> list[Signer]:
    """An RSA and an Ed25519 signer."""
    return [load_signer(selector, pem(name)) for selector, name in KEYS.items()]


@pytest.fixture(scope="session")
def zone(pem: Callable[[str], bytes]) -> dict[str, str]:
    """The DNS records of the test keys."""
    return {f"{selector}._domainkey.{DOMAIN}": public_value(pem(name)) for selector, name in KEYS.items()}


@pytest.fixture(scope="session")
def letter() -> Callable[..., Letter]:
    """Return the common letter, changed as the keywords say."""
    return partial(replace, LETTER)


@pytest.fixture(scope="session")
def dkimpy(zone: Mapping[str, str]) -> Callable[[bytes], list[bool]]:
    """Verify each signature of a mail by dkimpy."""

    def dns(name: bytes, timeout: int = 5) -> bytes | None:
        return zone[name.decode().rstrip(".")].encode()

    def verify(mail: bytes) -> list[bool]:
        count = sum(name.lower() == b"dkim-signature" for name, _ in dkim.DKIM(mail).headers)
        return [_verifies(mail, index, dns) for index in range(count)]

    return verify


def _verifies(mail: bytes, index: int, dns: Callable[..., bytes | None]) -> bool:
    try:
        verdict: Any = dkim.DKIM(mail).verify(idx=index, dnsfunc=dns)
    except dkim.ValidationError:
        return False
    return bool(verdict)


@pytest.fixture(scope="session")
def opendkim(zone: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], list[str]]:
    """Verify each signature of a mail by OpenDKIM: a line for each, as `rsa2026 pass`."""
    keyfile = tmp_path_factory.mktemp("opendkim") / "keys"
    keyfile.write_text("".join(f"{name} {record}\n" for name, record in zone.items()))

    def verify(mail: bytes) -> list[str]:
        command = [sys.executable, str(HERE / "opendkim_verify.py"), str(keyfile)]
        done = subprocess.run(command, input=mail, capture_output=True, check=False)
        if done.returncode == 3:
            pytest.fail("libopendkim is missing; install the Debian package opendkim-tools")
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().splitlines()

    return verify


@pytest.fixture(scope="session")
def perl() -> Iterator[Callable[[bytes], dict[str, Any]]]:
    """Read a mail with Perl's own modules: `names` and decoded `fields` of the header, and the decoded `body`."""
    command = ["perl", str(HERE / "parse_mail.pl")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        source, sink = process.stdout, process.stdin

        def parse(mail: bytes) -> dict[str, Any]:
            sink.write(b"%d\n%b" % (len(mail), mail))
            sink.flush()
            parsed: dict[str, Any] = json.loads(source.readline())
            return parsed

        yield parse
        sink.close()
