"""How many RSA-2048 signatures do all cores of this machine make in a second when they do nothing else?

`python -m tests.bench.capacity [SECONDS]`: one process for each core, each with the product's own signer and
arithmetic. The cores of a shared machine are not always equally fast: measure it in the same run as what is compared
with it.
"""

import multiprocessing
import os
import sys
import time

from mailer.arithmetic import signing_fast
from mailer.message.keys import generate
from mailer.message.signer import load_signer

SECONDS = 2.0
AT_ONCE = 50


def signatures_per_second(seconds: float = SECONDS) -> float:
    """Return the sum over all cores."""
    pem = generate("rsa")[0]
    start = multiprocessing.get_context("spawn")
    cores = len(os.sched_getaffinity(0))
    barrier = start.Barrier(cores)
    with signing_fast(), start.Pool(cores, _meet, (barrier,)) as pool:
        return sum(pool.map(_sign, [(pem, seconds)] * cores, chunksize=1))


_barrier: "multiprocessing.synchronize.Barrier"


def _meet(barrier: "multiprocessing.synchronize.Barrier") -> None:
    global _barrier
    _barrier = barrier


def _sign(work: tuple[bytes, float]) -> float:
    """Sign until the time is over, at the same time as the other cores."""
    pem, seconds = work
    signer, digest, count = load_signer("rsa", pem), bytes(32), 0
    _barrier.wait()
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        for _ in range(AT_ONCE):
            signer.sign(digest)
        count += AT_ONCE
    return count / took


if __name__ == "__main__":
    print(f"{signatures_per_second(*map(float, sys.argv[1:2])):,.0f} RSA-2048 signatures a second on all cores")
