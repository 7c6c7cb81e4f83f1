"""Does port 25 speak TLS so that nobody in the middle gets a word in, and take a new certificate without a pause?"""

import asyncio
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer.domain.alarm import Kind as AlarmKind
from mailer.net.inbound_doors import Limits
from mailer.net.inbound_tls import Certificate
from mailer.rehearsal.certificate import self_made
from mailer.service import alarm
from mailer.service.certificate import watch
from mailer.service.office import Office
from mailer.store.database import transaction
from tests.conftest import FakeClock
from tests.inbound.port25 import DOMAIN, Client, Port25, until
from tests.inbound.test_inbound_attacks import begin_data

NOW = datetime.now(UTC)


def write(directory: Path, host: str = DOMAIN) -> tuple[Path, Path]:
    """Write a new certificate and its key."""
    paths = directory / "chain.pem", directory / "key.pem"
    for path, content in zip(paths, self_made([host], NOW), strict=True):
        path.with_suffix(".new").write_bytes(content)
        path.with_suffix(".new").rename(path)
    return paths


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """A certificate that is good."""
    return Certificate(*write(tmp_path))


@pytest.fixture
def port25(port25: Port25, certificate: Certificate) -> Port25:
    """A port 25 that offers STARTTLS."""
    port25.certificate = certificate
    return port25


async def secured(client: Client) -> ssl.SSLObject:
    """Shake hands and return what is known of the connection."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    await client.writer.start_tls(context, server_hostname=DOMAIN)
    found = client.writer.get_extra_info("ssl_object")
    assert isinstance(found, ssl.SSLObject)
    return found


def common_name(connection: ssl.SSLObject) -> bytes:
    """Return the certificate that the other side showed."""
    return connection.getpeercert(binary_form=True) or b""


async def test_a_mail_comes_by_tls(port25: Port25, peer: Client) -> None:
    assert "STARTTLS" in await peer.ask("EHLO peer.example")
    assert await peer.ask("STARTTLS") == "220 2.0.0 Ready to start TLS"
    await secured(peer)
    assert "STARTTLS" not in await peer.ask("EHLO peer.example")
    await begin_data(peer)
    assert (await peer.ask("Subject: x", "", "x" * 500_000, ".")).startswith("250 2.0.0")
    mail, content = port25.mails[0]
    assert len(content) > 500_000
    assert b" with ESMTPS;" in mail.trace
    assert await peer.ask("QUIT") == "221 2.0.0 Bye"


async def test_what_was_said_before_tls_counts_no_more(port25: Port25, peer: Client) -> None:
    await peer.say("MAIL FROM:<>", "RCPT TO:<postmaster>")
    assert [(await peer.reply())[:3] for _ in range(2)] == ["250", "250"]
    await peer.ask("STARTTLS")
    await secured(peer)
    assert (await peer.ask("RCPT TO:<postmaster>")).startswith("503 5.5.1")
    assert (await peer.ask("MAIL FROM:<>")) == "503 5.5.1 Say EHLO first"


@pytest.mark.parametrize("split", [False, True])
async def test_what_was_put_in_before_the_handshake_is_never_answered(peer: Client, split: bool) -> None:
    injected = "EHLO evil.example\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>"
    if split:
        await peer.send(f"STARTTLS\r\n{injected}".encode())
    else:
        await peer.say("STARTTLS", injected)
    assert await peer.reply() == "220 2.0.0 Ready to start TLS"
    await secured(peer)
    assert (await peer.ask("RCPT TO:<postmaster>")).startswith("503 5.5.1")
    assert (await peer.ask("NOOP")).startswith("250 2.0.0")


async def test_tls_begins_once(peer: Client) -> None:
    assert (await peer.ask("STARTTLS now")).startswith("501 5.5.4")
    await peer.ask("STARTTLS")
    await secured(peer)
    await peer.ask("EHLO peer.example")
    assert await peer.ask("STARTTLS") == "503 5.5.1 TLS is on already"
    assert (await peer.ask("NOOP")).startswith("250 2.0.0")


@pytest.mark.parametrize("shakes_hands", [True, False])
async def test_who_gives_way_in_tls_is_gone_at_once(
    port25: Port25, limits: Callable[..., Limits], shakes_hands: bool
) -> None:
    async with port25.open(limits(connections=2, connections_per_address=2)) as inbound:
        idle, other = await port25.hello(), await port25.hello()
        assert (await idle.ask("STARTTLS")).startswith("220")
        if shakes_hands:
            await secured(idle)
            idle.writer.transport.pause_reading()  # type: ignore[attr-defined]  # he does not end TLS either
        newcomer = await port25.connect(source="127.0.1.1")
        async with asyncio.timeout(2):
            await until(lambda: len(inbound._sessions) == 2)
        assert (await other.ask("NOOP")).startswith("250")
        assert (await newcomer.ask("NOOP")).startswith("250")
        if shakes_hands:
            idle.writer.transport.resume_reading()  # type: ignore[attr-defined]  # a stream's transport can go on reading
            assert (await idle.rest()).startswith(b"421 4.7.0 Others wait for your place")


async def test_without_a_certificate_it_is_not_offered(port25: Port25, limits: Callable[..., Limits]) -> None:
    port25.certificate = None
    async with port25.open(limits()):
        client = await port25.connect()
        assert "STARTTLS" not in await client.ask("EHLO peer.example")
        assert (await client.ask("STARTTLS")).startswith("502 5.5.1")


@pytest.mark.parametrize("instead", [b"", b"NOOP\r\n" * 10, b"\x16\x03\x01\x00\x05hello", b"\x80"])
async def test_a_handshake_that_does_not_come_ends_the_connection(
    port25: Port25, limits: Callable[..., Limits], instead: bytes
) -> None:
    async with port25.open(limits(handshake_seconds=0.3)) as inbound:
        client = await port25.hello()
        await client.ask("STARTTLS")
        await client.send(instead)
        assert b"250" not in await client.rest()
        async with asyncio.timeout(5):
            await inbound.nobody_inside.wait()


async def test_closing_ends_a_handshake_that_hangs(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits()) as inbound:
        client = await port25.hello()
        await client.ask("STARTTLS")
        async with asyncio.timeout(5):
            await inbound.close(0.1)
        assert await client.rest() == b""


async def test_a_new_certificate_is_shown_and_who_is_inside_stays(
    port25: Port25, certificate: Certificate, peer: Client, tmp_path: Path
) -> None:
    await peer.ask("STARTTLS")
    before = common_name(await secured(peer))
    assert not certificate.refresh()
    write(tmp_path)
    assert certificate.refresh()
    other = await port25.hello()
    await other.ask("STARTTLS")
    assert common_name(await secured(other)) != before
    assert (await peer.ask("NOOP")).startswith("250")


def test_files_that_are_no_use_leave_the_last_good_certificate(certificate: Certificate, tmp_path: Path) -> None:
    good = certificate.context
    (tmp_path / "chain.pem").write_bytes(b"no certificate")
    assert certificate.refresh()
    assert certificate.context is good
    assert "chain.pem" in certificate.trouble
    write(tmp_path)
    certificate.refresh()
    assert (certificate.trouble, certificate.context is good) == ("", False)


def test_without_files_there_is_no_tls_and_a_reason(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path / "chain.pem", tmp_path / "key.pem")
    assert certificate.context is None
    assert "No such file" in certificate.trouble


def test_an_encrypted_key_is_refused_without_a_question(certificate: Certificate, tmp_path: Path) -> None:
    command = ["openssl", "pkey", "-in", "key.pem", "-aes256", "-passout", "pass:secret", "-out", "new.pem"]
    subprocess.run(command, cwd=tmp_path, check=True)
    (tmp_path / "new.pem").rename(tmp_path / "key.pem")
    certificate.refresh()
    assert "encrypted" in certificate.trouble


def test_somebody_is_called_before_it_ends(office: Office, clock: FakeClock) -> None:
    ends_at = clock() + timedelta(days=30)
    seen = []
    for _ in range(33):
        with transaction():
            watch(office, ends_at, "")
        standing = [one.subject for one in alarm.list_()]
        seen += [one for one in standing if one not in seen]
        assert len(standing) <= 1
        clock.advance(days=1)
    day = f"port 25, {ends_at:%Y-%m-%d}, "
    assert seen == [day + "21 d", day + "7 d", day + "0 d", day + "-1 d", day + "-2 d"]
    with transaction():
        watch(office, clock() + timedelta(days=90), "")
    assert alarm.list_() == []


def test_somebody_is_called_where_it_cannot_be_used(office: Office) -> None:
    with transaction():
        watch(office, None, "/x/chain.pem: no such file")
    (one,) = alarm.list_()
    assert (one.subject, one.words) == ("port 25", "/x/chain.pem: no such file")


def test_somebody_is_called_anew_where_a_trouble_comes_back(office: Office, clock: FakeClock) -> None:
    soon, trouble = clock() + timedelta(days=10), "/x/chain.pem: no such file"
    told = []
    for said in ("", trouble, "", trouble, "", trouble):
        with transaction():
            watch(office, soon, said)
        told += [one.words for one in alarm.list_()]
        clock.advance(minutes=1)
    assert told == [f"{soon}", trouble] * 3
    with transaction():
        alarm.clear(office, AlarmKind.CERTIFICATE, "port 25", "tester")
        watch(office, soon, trouble)
    assert alarm.list_() == []


async def test_swaks_hands_a_mail_over_by_tls(port25: Port25, limits: Callable[..., Limits]) -> None:
    async with port25.open(limits()):
        command = ["swaks", "--server", f"127.0.0.1:{port25.port}", "--tls", "--from", "<>", "--to", "postmaster"]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert b" with ESMTPS;" in port25.mails[0][0].trace


@pytest.mark.parametrize(("version", "works"), [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
async def test_openssl_gets_a_modern_version_or_none(
    port25: Port25, limits: Callable[..., Limits], version: str, works: bool
) -> None:
    async with port25.open(limits()):
        where = ("-connect", f"127.0.0.1:{port25.port}", "-ign_eof", version)
        process = await asyncio.create_subprocess_exec(
            *("openssl", "s_client", "-starttls", "smtp", *where),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await process.communicate(b"QUIT\r\n")
    assert (b"CONNECTED" in said, b"221 2.0.0 Bye" in said) == (True, works), said.decode()
