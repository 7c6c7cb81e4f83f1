"""How much is claimed at once, and for whom?"""

import math
from collections import Counter
from dataclasses import dataclass, field

from mailer.dispatcher.ways import Way
from mailer.domain.lane import Lane

NO_ROUTE_BATCH = 500


@dataclass(slots=True)
class Order:
    """A claim to be made: at most `limit` items of these domains in these lanes, or `urgent` of the safety lane."""

    way: Way
    limit: int
    urgent: int = 0
    domains: list[str] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)

    @property
    def takes_any(self) -> bool:
        """Tell whether there is room for what it asks for."""
        return self.limit > 0 or (self.urgent > 0 and Lane.SAFETY in self.lanes)


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
