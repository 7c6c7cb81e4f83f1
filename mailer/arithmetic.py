"""Which of OpenSSL's ways to multiply signs fastest on this processor?

Signatures are most of what a broadcast costs, and an RSA signature is multiplication. Where a processor has ADX,
OpenSSL takes it and never its code for AVX2; on some processors (AMD's Zen 3) that one is faster. Only
OPENSSL_ia32cap(3) can hide ADX, and only before OpenSSL is loaded. So two processes measure, both at once, as all cores
sign in a broadcast; `signing_fast` goes by what they say while its block loads OpenSSL. Whoever sets the variable
decides instead.
"""

import contextlib
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from mailer.serve import child_environment

log = logging.getLogger(__name__)

VARIABLE = "OPENSSL_ia32cap"
#: The second word of the variable is EBX of CPUID's leaf 7, in which bit 19 is ADX.
WITHOUT_ADX = f":~{1 << 19:#x}"
AS_IT_IS = ":~0x0"
#: What is gained must be more than measuring errs.
LEAST_GAIN = 0.03
LONGEST_SECONDS = 5.0
ROUNDS, AT_ONCE = 30, 5


@contextlib.contextmanager
def signing_fast() -> Iterator[None]:
    """Let OpenSSL, if it is loaded within the block, sign as fast as it can; other processes are left alone."""
    if VARIABLE in os.environ or platform.machine() != "x86_64":
        yield
        return
    os.environ[VARIABLE] = fastest(measured)
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def fastest(measure: Callable[[list[str]], list[float]]) -> str:
    """Return the better value of the variable; `measure` gives the seconds of a signature under each, or nothing."""
    times = measure([AS_IT_IS, WITHOUT_ADX])
    if not times:
        return AS_IT_IS
    plain, hidden = times
    log.info("an RSA signature takes %.0f microseconds, without ADX %.0f", plain * 1e6, hidden * 1e6)
    return WITHOUT_ADX if hidden < plain * (1 - LEAST_GAIN) else AS_IT_IS


def measured(values: list[str]) -> list[float]:
    """Return the seconds of CPU time of a signature under each value; nothing where that cannot be found out in time.

    Which way is taken changes nothing but the speed: trouble here must not keep mail from leaving.
    """
    command, environment = (sys.executable, "-P", "-m", "mailer.arithmetic"), child_environment()
    children = [
        subprocess.Popen(command, env={**environment, VARIABLE: value}, stdout=subprocess.PIPE, text=True)
        for value in values
    ]
    try:
        return [float(child.communicate(timeout=LONGEST_SECONDS)[0]) for child in children]
    except (subprocess.TimeoutExpired, ValueError) as error:
        log.warning("how OpenSSL signs fastest is not known: %s", error)
        return []
    finally:
        for child in children:
            child.kill()
            child.communicate()


def signature_seconds() -> float:
    """Return the CPU time of one RSA-2048 signature in this process: the best of some rounds."""
    from mailer.message.keys import generate
    from mailer.message.signer import load_signer

    signer, digest = load_signer("measured", generate("rsa")[0]), bytes(32)
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(AT_ONCE):
            signer.sign(digest)
        times.append(time.process_time() - began)
    return min(times) / AT_ONCE


if __name__ == "__main__":
    print(signature_seconds())
