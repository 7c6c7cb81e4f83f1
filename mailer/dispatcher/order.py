"""How much is claimed at once, and for whom?"""

import math
from collections import Counter, deque
from dataclasses import dataclass, field

from mailer.dispatcher.ways import Way
from mailer.domain.lane import Lane
from mailer.schedule.fairness import LaneTurns

NO_ROUTE_BATCH = 500


@dataclass(slots=True)
class Order:
    """A claim to be made: at most `limit` items, or `urgent` of the safety lane; `due` are the domains by lane."""

    way: Way
    limit: int
    urgent: int = 0
    due: dict[Lane, list[str]] = field(default_factory=dict)

    @property
    def takes_any(self) -> bool:
        """Tell whether there is room for what it asks for."""
        return self.limit > 0 or (self.urgent > 0 and Lane.SAFETY in self.due)

    @property
    def lanes(self) -> list[Lane]:
        """Return the lanes in which something is due, the most urgent first."""
        return sorted(self.due)

    @property
    def domains(self) -> list[str]:
        """Return the domains in the order in which they are asked, as the lanes have their turns.

        Where there are more than room the last are not asked: notices to domains without other mail would wait for all.
        """
        turns, names = LaneTurns(), {lane: deque(self.due[lane]) for lane in self.lanes}
        asked: list[str] = []
        while waiting := [lane for lane in names if names[lane]]:
            lane = turns.next(waiting)
            asked.append(names[lane].popleft())
            turns.went(lane)
        return [*dict.fromkeys(asked)]


def order_of(way: Way) -> Order:
    """Return the claim for which there is room on a way."""
    if way.site is None or way.door is None:
        return Order(way, NO_ROUTE_BATCH)
    return Order(way, way.site.room(way.door, Lane.NOTICE), way.site.room(way.door, Lane.SAFETY))


def share_out(orders: list[Order]) -> list[Order]:
    """Share the room of each site among the orders for its doors: together they take no more than it has."""
    doors = Counter(order.way.site for order in orders)
    for order in orders:
        if order.way.site is not None:
            order.limit = math.ceil(order.limit / doors[order.way.site])
            order.urgent = math.ceil(order.urgent / doors[order.way.site])
    return orders
