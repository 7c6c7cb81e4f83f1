"""Which receivers can a test run beside the appliance, as a process of their own?

`python -m tests.sinks --domains 40 --journal FILE [--round-trip 0.02]` serves d01.example, d02.example … on loopback,
each with its own address and name server entry; prints one line of JSON with the ports, and stops on SIGTERM.
"""

import argparse
import asyncio
import json
import signal
from dataclasses import replace
from pathlib import Path

from mailer.clock import system_clock
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.dns import DnsServer, Records
from mailer.rehearsal.ledger import Journal, Ledger
from mailer.rehearsal.moods import Mood
from mailer.rehearsal.ports import on_one_port
from mailer.rehearsal.receiver import Receiver, Surroundings


def domain(number: int) -> str:
    """Return the name of a sink."""
    return f"d{number:02}.example"


async def serve(arguments: argparse.Namespace) -> None:
    """Run until SIGTERM."""
    journal = Journal(Path(arguments.journal) if arguments.journal else None)
    offered = tuple(one for one in Mood().capabilities if arguments.chunking or one != "CHUNKING")
    mood = replace(Mood(), round_trip_seconds=arguments.round_trip, capabilities=offered)
    numbers = range(1, arguments.domains + 1)
    sinks = [Receiver(Desk(domain(n), mood, Ledger(domain(n), journal)), Surroundings(system_clock)) for n in numbers]
    addresses = [f"127.0.{arguments.net}.{n}" for n in numbers]

    async def listen(port: int) -> int:
        for sink, address in zip(sinks, addresses, strict=True):
            port = await sink.listen([address], port)
        return port

    port = await on_one_port(0, listen)
    zone: dict[str, Records] = {}
    for number, address in zip(numbers, addresses, strict=True):
        zone[domain(number)] = Records(mx=((10, f"mx.{domain(number)}"),))
        zone[f"mx.{domain(number)}"] = Records(a=(address,))
    dns = DnsServer(zone)
    await dns.start()
    print(json.dumps({"port": port, "dns": dns.port}), flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    for sink in sinks:
        await sink.stop()
    await dns.stop()
    journal.close()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--domains", type=int, default=40)
    parser.add_argument("--journal", default="")
    parser.add_argument("--round-trip", type=float, default=0.0, help="seconds")
    parser.add_argument("--net", type=int, default=81, help="third octet of the loopback addresses")
    parser.add_argument("--chunking", action=argparse.BooleanOptionalAction, default=True)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
