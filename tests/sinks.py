"""Which receivers can a test run beside the appliance, as a process of their own?

`python -m tests.sinks --domains 40 --journal FILE [--round-trip 0.02]` serves d01.example, d02.example … on loopback,
each with its own address and name server entry; prints one line of JSON with the ports, and stops on SIGTERM.

`--lean` takes mail for much less CPU time and looks at none of it (`tests.bench.receiver`); `--bad 2=silent` makes one
of them bad in one of the ways of `BAD`, whatever the others are. The last line of
their journal tells how much CPU time they took since they listened.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailer.clock import system_clock
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.dns import DnsServer, Records
from mailer.rehearsal.ledger import Journal, Ledger
from mailer.rehearsal.moods import Fault, Greeting, Mood, Trouble
from mailer.rehearsal.ports import on_one_port
from mailer.rehearsal.receiver import Receiver, Surroundings
from tests.bench.receiver import Book, Distance, LeanReceiver

#: Ways to be bad: never greets; says 421 to everyone; breaks off; answers each line after seconds; refuses for now.
#: `refuse` is a mixture, as a provider in trouble does it: some of its addresses meet a 4xx, some a RST, some a wait.
BAD: Mapping[str, Mapping[str, Any]] = {
    "silent": {"greeting": Greeting.SILENT},
    "throttle": {"greeting": Greeting.THROTTLE},
    "reset": {"greeting": Greeting.RESET},
    "tarpit": {"reply_seconds": 5.0},
    "tempfail": {"shares": ((Trouble(Fault.TEMPFAIL), 1.0),)},
    "refuse": {
        "connections": 4,
        "shares": ((Trouble(Fault.TEMPFAIL), 0.6), (Trouble(Fault.RESET), 0.2), (Trouble(Fault.SLOW), 0.2)),
    },
}


def domain(number: int) -> str:
    """Return the name of a sink."""
    return f"d{number:02}.example"


def receivers(arguments: argparse.Namespace, journal: Journal, book: Book) -> list[Receiver | LeanReceiver]:
    """Return the receiver of each domain."""
    offered = tuple(one for one in Mood().capabilities if arguments.chunking or one != "CHUNKING")
    mood = replace(Mood(), round_trip_seconds=arguments.round_trip, capabilities=offered)
    distance = Distance(arguments.round_trip)
    bad = dict(arguments.bad)

    def one(number: int) -> Receiver | LeanReceiver:
        name = domain(number)
        if arguments.lean and number not in bad:
            return LeanReceiver(name, book, distance, chunking=arguments.chunking)
        own = replace(mood, **BAD[bad[number]]) if number in bad else mood
        return Receiver(Desk(name, own, Ledger(name, journal)), Surroundings(system_clock))

    return [one(number) for number in range(1, arguments.domains + 1)]


async def serve(arguments: argparse.Namespace) -> None:
    """Run until SIGTERM."""
    path = Path(arguments.journal) if arguments.journal else None
    journal, book = Journal(path), Book(path)
    sinks = receivers(arguments, journal, book)
    addresses = [f"127.0.{arguments.net}.{number}" for number in range(1, len(sinks) + 1)]

    async def listen(port: int) -> int:
        for sink, address in zip(sinks, addresses, strict=True):
            port = await sink.listen([address], port)
        return port

    port = await on_one_port(0, listen)
    dns = DnsServer(zone(addresses))
    await dns.start()
    print(json.dumps({"port": port, "dns": dns.port}), flush=True)
    stop, starting = asyncio.Event(), time.process_time()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    for sink in sinks:
        await sink.stop()
    await dns.stop()
    journal.close()
    if arguments.lean:
        book.count(cpu=time.process_time() - starting)
    book.close()


def zone(addresses: list[str]) -> dict[str, Records]:
    """Return what the name server knows: one MX host for each domain."""
    records: dict[str, Records] = {}
    for number, address in enumerate(addresses, 1):
        records[domain(number)] = Records(mx=((10, f"mx.{domain(number)}"),))
        records[f"mx.{domain(number)}"] = Records(a=(address,))
    return records


def badly(text: str) -> tuple[int, str]:
    """Read NUMBER=WAY."""
    number, _, way = text.partition("=")
    if not number.isdigit() or way not in BAD:
        raise argparse.ArgumentTypeError(f"{text!r}: write NUMBER=WAY; the ways are {', '.join(BAD)}")
    return int(number), way


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the maker of the faster loop where it is installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def main(arguments: list[str]) -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--domains", type=int, default=40)
    parser.add_argument("--journal", default="")
    parser.add_argument("--round-trip", type=float, default=0.0, help="seconds")
    parser.add_argument("--net", type=int, default=81, help="third octet of the loopback addresses")
    parser.add_argument("--chunking", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--lean", action="store_true", help="take mail for little CPU time and look at none of it")
    parser.add_argument("--bad", type=badly, action="append", default=[], metavar="NUMBER=WAY")
    given = parser.parse_args(arguments)
    with asyncio.Runner(loop_factory=loop_factory() if given.lean else None) as runner:
        runner.run(serve(given))


if __name__ == "__main__":
    main(sys.argv[1:])
