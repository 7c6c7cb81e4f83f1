"""Do receivers, name server, guardians and returned mail make one town?"""

import asyncio
import contextlib
import json
import smtplib
import subprocess
import sys
from base64 import encodebytes
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from random import Random

import dns.asyncresolver
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from config import Settings
from config.bounces import load_bounces
from mailer.bounce.parse import read as read_returned
from mailer.clock import system_clock
from mailer.rehearsal.bouncer import Door
from mailer.rehearsal.guardians import Guardians, People, on_loopback, receipt_url, visit
from mailer.rehearsal.ledger import Journal, Mail
from mailer.rehearsal.moods import Fault, Mood, MoodError, Trouble
from mailer.rehearsal.plan import places_of, read_places
from mailer.rehearsal.town import PLACES, Place, Terms, Town

FROM = "b-1@mail.example"


def content(url: str) -> bytes:
    """Return a mail as ours are: text in base64."""
    text = encodebytes(f"児童に声をかける人物が目撃されました。\n\n確認: {url}\n".encode()).replace(b"\n", b"\r\n")
    return b"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + text


@contextlib.asynccontextmanager
async def town(terms: Terms) -> AsyncIterator[Town]:
    running = Town(terms)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def deliver(town: Town, address: str, mail: bytes) -> None:
    """Deliver a mail as the appliance would find its way: MX, address, the town's port."""
    asking = dns.asyncresolver.Resolver(configure=False)
    asking.nameservers, asking.port = ["127.0.0.1"], town.dns_port
    (mx,) = await asking.resolve(address.rpartition("@")[2], "MX")
    (host,) = await asking.resolve(mx.exchange, "A")

    def run() -> None:
        with smtplib.SMTP(host.address, town.port, local_hostname="me.example", timeout=5) as client:
            client.sendmail(FROM, [address], mail)

    await asyncio.to_thread(run)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - what is waited for tells nobody of its changes
            await asyncio.sleep(0.01)


@dataclass
class Website:
    """A web server that notes what it is asked."""

    status: int = 200
    requests: list[str] = field(default_factory=list)
    port: int = 0

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Website"]:
        async with await asyncio.start_server(self._answer, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {self.status} Said\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".encode())
        await writer.drain()
        writer.close()

    def link(self, token: str = "AbC-_9") -> str:
        return f"http://127.0.0.1:{self.port}/r/{token}"


def always(place: str = "docomo") -> dict[str, Place]:
    """Return the town with one receiver whose every reader opens."""
    return {**PLACES, **places_of({place: {"faults": {}, "open_share": 1.0, "round_trip_seconds": 0}})}


async def test_every_receiver_is_found_by_its_name() -> None:
    async with town(Terms(system_clock)) as running:
        for name, place in PLACES.items():
            for domain in place.domains:
                with contextlib.suppress(smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
                    await deliver(running, f"a@{domain}", content("none"))
            assert running.receivers[name].desk.ledger.counters.sessions == len(place.domains)


async def test_who_gets_a_mail_opens_its_url_over_http(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    async with Website().serving() as web, town(Terms(system_clock, 1, 1e6, journal, places=always())) as running:
        await deliver(running, "a@docomo.ne.jp", content(web.link()))
        await until(lambda: '"opened"' in journal.read_text())
    assert web.requests[0].startswith("GET /r/AbC-_9 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "Mobile" in web.requests[0]
    kinds = [json.loads(line)["kind"] for line in journal.read_text().splitlines()]
    assert kinds == ["received", "answered", "opened"]


async def test_an_error_page_is_no_confirmation(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    website = Website(status=503)
    async with website.serving() as web, town(Terms(system_clock, 1, 1e6, journal, places=always())) as running:
        await deliver(running, "a@docomo.ne.jp", content(web.link()))
        await until(lambda: bool(web.requests))
    assert '"opened"' not in journal.read_text()


@pytest.mark.parametrize(("share", "opened"), [(0.0, 0), (0.3, 300), (1.0, 1000)])
async def test_as_many_open_as_the_mood_says(share: float, opened: int) -> None:
    async with Website().serving() as web:
        people = People(Random(1), 1.0, Journal(None), system_clock)
        guardians = Guardians(people, lambda _carrier: Mood(open_share=share))
        mail = Mail(1, "docomo", FROM, ("a@docomo.ne.jp",), 0.0, 1, "", 1, False)
        for _ in range(1000):
            guardians.got(mail, content(web.link()))
        assert len(guardians._tasks) == pytest.approx(opened, abs=60 if 0 < share < 1 else 0)
        await guardians.stop()
        assert web.requests == []


def test_the_url_is_found_in_our_mail_only() -> None:
    assert receipt_url(content("https://mail.example/r/x_-9Z")) == "https://mail.example/r/x_-9Z"
    assert receipt_url(content("https://mail.example/other")) is None
    assert receipt_url(b"Subject: x\r\n\r\nnot base64 \xff") is None


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("mail.example", False),
        ("", False),
    ],
)
def test_only_this_machine_is_visited(host: str, here: bool) -> None:
    assert on_loopback(host) is here


async def test_a_url_that_leads_elsewhere_is_not_opened() -> None:
    assert await visit("http://192.0.2.1/r/x") == 0
    assert await visit("http://127.0.0.1:9/r/x") == 0


@dataclass
class Inbox:
    """A server that takes reports in."""

    taken: list[tuple[str | None, list[str], bytes]] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


async def test_a_mail_may_come_back_as_a_real_report() -> None:
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, hostname="inbound.example"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    places = places_of({"docomo": {"addresses": {"a@docomo.ne.jp": "bounce"}, "faults": {}, "round_trip_seconds": 0}})
    try:
        async with town(Terms(system_clock, inbound=Door("127.0.0.1", port), places=places)) as running:
            await deliver(running, "a@docomo.ne.jp", content("none"))
            await deliver(running, "b@docomo.ne.jp", content("none"))
            await until(lambda: bool(inbox.taken))
    finally:
        server.close()
        await server.wait_closed()
    ((sender, to, raw),) = inbox.taken
    assert (sender, to) == ("<>", [FROM])
    report = message_from_bytes(raw, policy=policy.default)
    assert report.get_content_type() == "multipart/report"
    assert report["Auto-Submitted"] == "auto-replied"
    (event,) = read_returned(raw, load_bounces(Settings.model_validate({}))).events
    assert (event.recipient, event.kind, event.status) == ("a@docomo.ne.jp", "hard", "5.1.1")


def test_a_moods_file_changes_and_adds_receivers(tmp_path: Path) -> None:
    file = tmp_path / "moods.toml"
    file.write_text(
        '[docomo]\nfaults = { "tempfail-1" = 0.5 }\n'
        '[new]\nmx = "mx.new.example"\ndomains = ["new.example"]\nstarttls = true\n'
    )
    places = read_places(file)
    assert places["docomo"].mood.shares == ((Trouble(Fault.TEMPFAIL, 1), 0.5),)
    assert places["docomo"].mood.wording == PLACES["docomo"].mood.wording
    assert (places["new"].mx, places["new"].domains, places["new"].mood.starttls) == (
        "mx.new.example",
        ("new.example",),
        True,
    )
    assert places["au"] == PLACES["au"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("docomo = 1", "docomo: a receiver is a table"),
        ("[docomo]\nfault = 1", "docomo: fault: unknown key"),
        ("[new]\nmx = 'mx.new.example'", "new: a new receiver needs mx"),
        ("[docomo", "moods.toml: "),
    ],
)
def test_a_wrong_moods_file_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "moods.toml"
    file.write_text(text)
    with pytest.raises(MoodError, match=named):
        read_places(file)


def run_town(*words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "mailer.rehearsal", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_town_is_a_process_that_says_where_it_listens_and_ends_cleanly(tmp_path: Path) -> None:
    with run_town("--journal", str(tmp_path / "journal")) as child:
        assert child.stdout is not None
        ports = json.loads(child.stdout.readline())
        assert set(ports) == {"port", "dns"}
        child.terminate()
        assert child.wait(10) == 0


def test_the_process_refuses_a_wrong_moods_file(tmp_path: Path) -> None:
    file = tmp_path / "moods.toml"
    file.write_text("[docomo]\nopen = 1")
    with run_town("--moods", str(file)) as child:
        _, said = child.communicate(timeout=10)
        assert child.returncode == 2
        assert "docomo: open: unknown key" in said
