"""Does a parser keep its promises for one input: a value or its own error, in bounded time and memory?"""

import signal
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import thread_time

from tests.fuzz.target import Target

#: CPU seconds for any input, and more for each octet of it.
SECONDS, SECONDS_AN_OCTET = 0.2, 2e-6
#: Octets of memory for any input, and more for each octet of it.
MEMORY, MEMORY_AN_OCTET = 8 * 1024 * 1024, 60
#: Where not even the limit ends a call, it is cut off.
HUNG_SECONDS = 20.0
SHRINKING_SECONDS = 10.0


class Hung(BaseException):
    """A call did not come back; no `except Exception` of a parser may catch this."""


@dataclass(frozen=True)
class Failure:
    """A promise was broken: what for, and why (the kind of fault, then its words)."""

    target: Target
    content: bytes
    kind: str
    words: str


@dataclass
class Watch:
    """When the call under way began, in CPU seconds; 0 where there is none."""

    began: float = 0.0

    def look(self, _number: int, _frame: object) -> None:
        """Cut off what hangs."""
        if self.began and thread_time() - self.began > HUNG_SECONDS:
            self.began = 0.0
            raise Hung(f"cut off after {HUNG_SECONDS:g} s")


WATCH = Watch()


@contextmanager
def watched(every: float = 1.0) -> Iterator[None]:
    """Cut off calls that hang, as long as this lasts (regular expressions look at signals while they search)."""
    before = signal.signal(signal.SIGPROF, WATCH.look)
    signal.setitimer(signal.ITIMER_PROF, every, every)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def seconds_for(content: bytes) -> float:
    """Return how long an input may take."""
    return SECONDS + SECONDS_AN_OCTET * len(content)


def probe(target: Target, content: bytes) -> tuple[float, Failure | None]:
    """Return how long a parser took for an input (CPU), and what went wrong."""
    took, failure = _once(target, content)
    if failure is None and took > seconds_for(content):
        # Others work on this machine: what is slow is slow three times.
        took = min(took, *(_once(target, content)[0] for _ in range(2)))
        if took > seconds_for(content):
            failure = Failure(target, content, "slow", f"{took:.2f} s for {len(content)} octets")
    return took, failure


def _once(target: Target, content: bytes) -> tuple[float, Failure | None]:
    failure = None
    WATCH.began = began = thread_time()
    try:
        target.read(content)
    except target.errors:
        pass
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it is: that is the question
        failure = Failure(target, content, type(error).__name__, str(error)[:300])
    took = thread_time() - began
    WATCH.began = 0.0
    return took, failure


def memory(target: Target, content: bytes) -> tuple[int, Failure | None]:
    """Return how much memory an input takes at most, and whether that is too much. Slow: every allocation is told."""
    tracemalloc.start()
    try:
        _once(target, content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if peak <= MEMORY + MEMORY_AN_OCTET * len(content):
        return peak, None
    return peak, Failure(target, content, "big", f"{peak / 1e6:.1f} MB for {len(content)} octets")


def shrunk(failure: Failure) -> Failure:
    """Return a failure of the same kind with a smaller input, as far as cutting pieces out finds one in time."""
    check = memory if failure.kind == "big" else probe
    end = thread_time() + SHRINKING_SECONDS
    size = len(failure.content) // 2
    while size and thread_time() < end:
        rests = (failure.content[:at] + failure.content[at + size :] for at in range(0, len(failure.content), size))
        found = (check(failure.target, rest)[1] for rest in rests if thread_time() < end)
        smaller = next((other for other in found if other is not None and other.kind == failure.kind), None)
        failure, size = (failure, size // 2) if smaller is None else (smaller, min(size, len(smaller.content) // 2))
    return failure
