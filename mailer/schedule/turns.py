"""Whose mail is signed next, when mail to many domains waits and the cores are short?

A broadcast has arrived when its last mail has, and that is one to the domain with most of them. If every domain had the
same turn, the big ones would wait at first and be left over in the end, over their few connections. So each has as
large a part of the turns as its addresses are of all: they all end together. Turns are counted as in start-time fair
queueing (Goyal, Vin, Cheng 1996): who was away is owed nothing, and no one goes without.
"""

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Turns(Generic[Thing]):
    """Things that wait by owner. `share` tells how large an owner's part is beside others', at least 1.

    The lowest number has the next turn, and each turn raises its owner's by one over the share. `_passed` is the last
    that had its turn; who has nothing waiting leaves its number in `_away`.
    """

    def __init__(self, share: Callable[[str], int]) -> None:
        self._share = share
        self._waiting: dict[str, deque[Thing]] = {}
        self._next: list[tuple[float, int, str]] = []
        self._away: dict[str, float] = {}
        self._passed = 0.0
        self._added = 0
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def add(self, owner: str, thing: Thing) -> None:
        """Put a thing behind those of its owner."""
        if owner not in self._waiting:
            self._waiting[owner] = deque()
            self._enter(owner, max(self._passed, self._away.pop(owner, 0.0)))
        self._waiting[owner].append(thing)
        self._number += 1

    def take_some(self, most: Callable[[Thing], int]) -> list[Thing]:
        """Take things of the owner whose turn it is: as many as `most` says of the first, if there are, at least one.

        Raises IndexError if there is none.
        """
        self._passed, _, owner = heappop(self._next)
        things = self._waiting[owner]
        some = [things.popleft() for _ in range(min(most(things[0]), len(things)))]
        self._number -= len(some)
        after = self._passed + len(some) / self._share(owner)
        if things:
            self._enter(owner, after)
        else:
            del self._waiting[owner]
            self._away[owner] = after
        if not self._waiting:
            self._begin_anew()
        return some

    def withdraw(self, unwanted: Callable[[Thing], bool]) -> list[Thing]:
        """Take what is unwanted; whose turn it is among the others stays."""
        taken: deque[Thing] = deque()
        for owner, things in [*self._waiting.items()]:
            kept: deque[Thing] = deque()
            for thing in things:
                (taken if unwanted(thing) else kept).append(thing)
            self._waiting[owner] = kept
            if not kept:
                del self._waiting[owner]
        self._number -= len(taken)
        self._away.update({owner: turn for turn, _, owner in self._next if owner not in self._waiting})
        self._next = [one for one in self._next if one[2] in self._waiting]
        heapify(self._next)
        if not self._waiting:
            self._begin_anew()
        return [*taken]

    def clear(self) -> list[Thing]:
        """Take all things."""
        taken = [thing for things in self._waiting.values() for thing in things]
        self._waiting.clear()
        self._number = 0
        self._begin_anew()
        return taken

    def _enter(self, owner: str, turn: float) -> None:
        self._added += 1
        heappush(self._next, (turn, self._added, owner))

    def _begin_anew(self) -> None:
        """Forget who had how many turns: nobody waits whom it could matter to."""
        self._next.clear()
        self._away.clear()
        self._passed = 0.0
