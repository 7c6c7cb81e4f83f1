"""How is a hostile input made of what is known?

By small changes (bits, cuts, splices, words of the grammar, other ends of lines), by what the target writes itself, and
by long runs of one thing between two halves of a seed: what is slow for each position of a text shows there.
"""

from collections.abc import Callable, Sequence
from math import exp, log
from random import Random
from typing import TypeVar

from tests.fuzz.target import Target

#: Words of every grammar that mail has.
COMMON = (
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\n.\r\n", b"\n.\r\n", b"\0", b"\x1a", b"\x7f", b"\xff"),
    *(
        b" ",
        b"\t",
        b"\n ",
        b"\n\t",
        b";",
        b":",
        b",",
        b"=",
        b"<",
        b">",
        b"<>",
        b'"',
        b'\\"',
        b"\\",
        b"'",
        b"(",
        b")",
        b"@",
    ),
    *(b"[", b"]", b"{", b"}", b".", b"..", b"-", b"--", b"/", b"%", b"#", b"*", b"&amp;", b"A", b"a.", b"0", b"9"),
    *(b"550 ", b"5.1.1 ", b"421-", b"a@b.example", b"\x1b$B", b"\x1b(B", b"\x1b(I", b"+2AA-", b"\xef\xbb\xbf"),
    *(b"\xe3\x81\x82", b"\x82\xa0", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xe2\x80\xa8", b"\xc2\x85", b"\xc2\xa0"),
    *(b"\xe3\x80\x80", b"\xd9\xa3", b"\xc2\xb2", b"-1", b"1e999", b"99999999999999999999", b"NaN"),
    *(b"=?utf-8?B?44GC?=", b"=?x?q?=00?=", b"=?utf-7?q?+2AA-?="),
)
MOST_CHANGES = 6
SMALL = 4096
RUN_FROM = 512

Thing = TypeVar("Thing")
Change = Callable[["Mutator", bytearray], None]


class Mutator:
    """Makes inputs for one target; the same chance makes the same inputs."""

    def __init__(self, target: Target, chance: Random) -> None:
        self._target = target
        self._seeds = target.seeds
        self._tokens = target.tokens * 3 + COMMON
        self._chance = chance

    def small(self) -> bytes:
        """Return a seed, or what the target writes, after a few changes."""
        content = bytearray(self._begin())
        for _ in range(self.below(MOST_CHANGES)):
            self.of(_CHANGES)(self, content)
        return bytes(content[: self._target.longest])

    def long(self) -> bytes:
        """Return a seed with a long run of one thing, or of several in turn, at some place."""
        seed = self._begin()
        begin = self.below(len(seed) + 1)
        end = begin if self.below(2) else min(len(seed), begin + self.below(20))
        unit = self._unit()
        room = max(RUN_FROM, self._target.longest - len(seed))
        octets = int(exp(log(RUN_FROM) + self._chance.random() * (log(room) - log(RUN_FROM))))
        return (seed[:begin] + unit * (octets // len(unit) + 1) + seed[end:])[: self._target.longest]

    def _unit(self) -> bytes:
        """Return what a run repeats: mostly a word of the grammar, else words that are repeated themselves."""
        if self.below(3):
            return self.token()
        return b"".join(self.token() * (1 if self.below(2) else 1 + self.below(100)) for _ in range(2 + self.below(3)))

    def below(self, number: int) -> int:
        """Return a whole number from 0 up to, but not, this one."""
        return int(self._chance.random() * number)

    def of(self, things: Sequence[Thing]) -> Thing:
        """Return one of several things."""
        return things[self.below(len(things))]

    def token(self) -> bytes:
        """Return a word of the grammar, or a single octet."""
        return self.of(self._tokens) if self.below(5) else bytes([self.below(256)])

    def piece(self, content: bytes | bytearray) -> slice:
        """Return a place in an input: short as a rule, sometimes up to its end."""
        begin = self.below(len(content) + 1)
        return slice(begin, begin + 1 + self.below(8 if self.below(4) else len(content) + 1))

    def seed(self) -> bytes:
        """Return one of the seeds."""
        return self.of(self._seeds)

    def _begin(self) -> bytes:
        if self._target.write is not None and self.below(2):
            return self._target.write(self._chance)
        return self.seed() if self.below(40) else self._chance.randbytes(self.below(64))


def _flip(mutator: Mutator, content: bytearray) -> None:
    if content:
        content[mutator.below(len(content))] ^= 1 << mutator.below(8)


def _cut(mutator: Mutator, content: bytearray) -> None:
    del content[mutator.piece(content)]


def _end(mutator: Mutator, content: bytearray) -> None:
    del content[mutator.below(len(content) + 1) :]


def _insert(mutator: Mutator, content: bytearray) -> None:
    at = mutator.below(len(content) + 1)
    content[at:at] = mutator.token()


def _replace(mutator: Mutator, content: bytearray) -> None:
    content[mutator.piece(content)] = mutator.token()


def _repeat(mutator: Mutator, content: bytearray) -> None:
    place = mutator.piece(content)
    if len(content) < SMALL:
        content[place] = content[place] * (1 + mutator.below(8))


def _run(mutator: Mutator, content: bytearray) -> None:
    at = mutator.below(len(content) + 1)
    content[at:at] = mutator.token() * mutator.below(80)


def _splice(mutator: Mutator, content: bytearray) -> None:
    other = mutator.seed()
    content[mutator.below(len(content) + 1) :] = other[mutator.below(len(other) + 1) :]


def _move(mutator: Mutator, content: bytearray) -> None:
    place = mutator.piece(content)
    taken = content[place]
    del content[place]
    at = mutator.below(len(content) + 1)
    content[at:at] = taken


_OTHER_ENDS = ((b"\n", b"\r\n"), (b"\r\n", b"\n"), (b"\n", b"\r"), (b"\n", b""), (b"\n", b"\n\n"))


def _end_lines(mutator: Mutator, content: bytearray) -> None:
    old, new = mutator.of(_OTHER_ENDS)
    content[:] = content.replace(old, new)


def _change_case(_mutator: Mutator, content: bytearray) -> None:
    content[:] = content.swapcase()


_CHANGES: tuple[Change, ...] = (
    *(_flip, _cut, _end, _insert, _insert, _insert, _replace, _replace, _repeat, _run, _splice, _move),
    *(_end_lines, _change_case),
)
