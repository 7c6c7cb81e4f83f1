"""What does each stage of a mail cost, in microseconds of CPU time?

`python -m tests.bench.stages [--recipients 5000] [--plot FILE.svg]`: rendering, both signatures, the SMTP client and
the store's writer alone, each in this process; a session over a socket to lean receivers in another process, of which
the client's own part is taken off: loop and sockets; and the whole mailer in a broadcast, as the system counts the CPU
time of its processes. What is left between that and the sum is everything else: looking, judging, logs, threads.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import process_time

from mailer.message.compose import Frozen
from mailer.message.keys import generate
from mailer.message.sign import KeyName
from mailer.message.signer import Signer, load_signer
from mailer.net.transport import Peer, Session
from mailer.schedule.outcome import Verdict
from mailer.smtp.address import parse_address
from mailer.smtp.client import Client
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply
from mailer.store.database import open_store
from tests.appliance import sinks
from tests.bench import product, smtp_client, store_rows
from tests.bench.broadcast import addresses
from tests.bench.plot import Bar, bars
from tests.bench.product import Receivers
from tests.bench.render_sign import letter
from tests.sinks import loop_factory

RUNS = 3
MICRO = 1e6
RECEIVERS = Receivers(domains=40, round_trip=0.0, connections=20, chunking=True)
REST = "everything else"


class Owner:
    """Gives one session its mails and tells when the last one is settled."""

    def __init__(self, work: Sequence[Transaction]) -> None:
        self._work = iter(work)
        self._left = len(work)
        self.done = asyncio.get_running_loop().create_future()

    def ready(self, session: Session) -> None:
        """Nothing is to be done: the session asks for mails by itself."""

    def next_transaction(self, session: Session) -> Transaction | None:
        """Return the next mail."""
        return next(self._work, None)

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None:
        """Count."""
        assert facts[0].accepted, facts
        self._left -= 1
        if not self._left:
            self.done.set_result(None)

    def closed(self, session: Session, failure: str, reply: Reply | None) -> None:
        """Fail if the work is not done."""
        if not self.done.done():
            self.done.set_exception(AssertionError(failure))


def cost(work: Callable[[], object], mails: int) -> float:
    """Return microseconds of CPU time for each mail, the median of some runs."""
    times = []
    for _ in range(RUNS):
        began = process_time()
        work()
        times.append(process_time() - began)
    return MICRO * median(times) / mails


def rendering(mails: int) -> float:
    """Return the cost of one mail's text, headers and hashes, two signatures of no cost in it."""
    frozen = Frozen(letter(), [KeyName("rsa", "rsa-sha256"), KeyName("ed", "ed25519-sha256")])
    signatures = [b"s" * 256, b"s" * 64]
    urls = [f"https://example.jp/r/{number:032x}" for number in range(mails)]
    jobs = [(parse_address(f"guardian.{n}@docomo.ne.jp"), f"q{n:x}.b", url) for n, url in enumerate(urls)]
    return cost(lambda: [frozen.draft(*job).signed(signatures) for job in jobs], mails)


def signing(algorithm: str, mails: int) -> float:
    """Return the cost of one signature."""
    signer: Signer = load_signer(algorithm, generate(algorithm)[0])
    return cost(lambda: [signer.sign(bytes(32)) for _ in range(mails)], mails)


def speaking(mails: int) -> float:
    """Return the cost of one mail in the client, no socket in it: the best run, because it is timed by the wall."""
    offer, work = smtp_client.OFFERS["PIPELINING CHUNKING"], smtp_client.transactions(mails)
    return MICRO * min(smtp_client.run(offer, work) for _ in range(RUNS)) / mails


def session(mails: int) -> float:
    """Return the cost of one mail in a session over a socket, the client in it."""
    work = smtp_client.transactions(mails)

    async def speak(port: int) -> None:
        owner = Owner(work)
        one = Session(Client("mail.example.jp", starttls=False), Peer("mx", "127.0.81.1", port), owner, None)
        await asyncio.get_running_loop().create_connection(lambda: one, "127.0.81.1", port)
        await owner.done
        one.abort("closed")

    with sinks("--lean", "--domains", "1") as ports, asyncio.Runner(loop_factory=loop_factory()) as runner:
        return cost(lambda: runner.run(speak(ports["port"])), mails)


def writing(mails: int) -> float:
    """Return the cost of claiming one mail's item and settling it."""
    with tempfile.TemporaryDirectory() as directory:
        opened = open_store(f"sqlite:///{directory}/bench.db", create=True)
        office = store_rows.office()
        store_rows.register(mails)
        times = []
        for _ in range(RUNS):
            store_rows.send(office)
            began = process_time()
            store_rows.drain(office, Verdict.ACCEPTED)
            times.append(process_time() - began)
        opened.close()
    return MICRO * median(times) / mails


def whole(mails: int) -> float:
    """Return the cost of one mail in all processes of the mailer, in a real broadcast."""
    with tempfile.TemporaryDirectory() as directory:
        run = product.send(Path(directory), RECEIVERS, addresses(mails, RECEIVERS.domains))
    return MICRO * run.cpu / mails


def measure(mails: int) -> dict[str, float]:
    """Return the cost of each stage."""
    client = speaking(mails)
    stages = {
        "rendering and hashing": rendering(mails),
        "RSA-2048 signature": signing("rsa", mails),
        "Ed25519 signature": signing("ed25519", mails),
        "SMTP client": client,
        "loop and sockets": session(mails) - client,
        "claiming and settling": writing(mails),
    }
    return {**stages, REST: whole(mails) - sum(stages.values())}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipients", type=int, default=5_000)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    given = parser.parse_args()
    stages = measure(given.recipients)
    for stage, micros in stages.items():
        print(f"{stage:24} {micros:8.1f} µs")
    print(f"{'the whole mailer':24} {sum(stages.values()):8.1f} µs a mail")
    if given.plot is not None:
        drawn = [Bar(stage, max(micros, 0), f"{micros:.0f} µs") for stage, micros in stages.items()]
        note = f"Medians of {RUNS} runs, {given.recipients:,} mails; the whole mailer in one broadcast."
        picture = bars("CPU time of one mail by stage", note, [("Microseconds of one core", drawn)])
        given.plot.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
