"""How many mails does one core render and sign in a second?

    python -m tests.bench.render_sign [RECIPIENTS]

Ten thousand recipients of a Japanese text of 2.5 KB, each with its own To, Message-ID and receipt URL, signed with
RSA-2048 and Ed25519. Counts the CPU time of this one process and prints, beside it, what the signatures alone take:
the difference is ours. The median of three interleaved runs, because other processes on the machine share its caches.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from statistics import median
from time import process_time

from mailer.domain.receipt import token, url
from mailer.message.compose import Letter
from mailer.message.keys import generate
from mailer.message.signer import Signer, load_signer
from mailer.smtp.address import parse_address
from tests.message.pen import Pen

DOMAIN = "mail.mimamori-iwamizawa.jp"
TEXT = "本日十五時ごろ、市内で不審者の目撃情報がありました。下校の際は十分にご注意ください。\n" * 20
RUNS = 3


def letter() -> Letter:
    """Return a broadcast with receipts."""
    return Letter(
        announcement_id="B7K3Q9Z1",
        from_name="滝川第一小学校",
        from_address=f"t-daiichi@{DOMAIN}",
        subject="【緊急】不審者情報について（滝川市内）",
        text=TEXT,
        date=datetime(2026, 4, 8, 15, 30, tzinfo=timezone(timedelta(hours=9))),
        domain=DOMAIN,
        receipt=True,
    )


def per_second(count: int, works: Sequence[Callable[[], object]]) -> list[float]:
    """Return how many of `count` pieces of each work one second of CPU time does, the median of interleaved runs."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(RUNS):
        for taken, work in zip(times, works, strict=True):
            start = process_time()
            work()
            taken.append(process_time() - start)
    return [count / median(taken) for taken in times]


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    signers = [load_signer(name, generate(name)[0]) for name in ("rsa", "ed25519")]
    pen = Pen(letter(), signers)
    jobs = [
        (parse_address(f"guardian.{n}@docomo.ne.jp"), f"Q{n:X}.B7K3Q9Z1", url("https://example.jp", token(b"k", n)))
        for n in range(count)
    ]

    def mails() -> object:
        return [len(pen.write(*job)) for job in jobs]

    def signatures(signer: Signer) -> object:
        return [len(signer.sign(bytes(32))) for _ in range(count)]

    whole, rsa, ed25519 = per_second(count, [mails, *(partial(signatures, signer) for signer in signers)])
    signing = 1 / rsa + 1 / ed25519
    print(f"{count} recipients, text of {len(TEXT.encode())} octets, mail of {len(pen.write(*jobs[0]))}")
    print(f"render and sign, RSA and Ed25519  {whole:8.0f}/s")
    print(f"RSA-2048 signatures alone         {rsa:8.0f}/s")
    print(f"Ed25519 signatures alone          {ed25519:8.0f}/s")
    print(f"rendering and hashing             {1e6 * (1 / whole - signing):8.1f} µs a mail")


if __name__ == "__main__":
    main()
