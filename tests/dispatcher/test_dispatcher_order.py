"""Which domains does a claim ask where there are more than room?"""

import pytest

from mailer.dispatcher.order import Order
from mailer.dispatcher.ways import Way
from mailer.domain.lane import Lane

ORDINARY = [f"ordinary{number}.jp" for number in range(30)]
NOTICES = [f"notice{number}.jp" for number in range(3)]


def test_notices_to_domains_without_other_mail_have_their_turn_too() -> None:
    order = Order(Way(0.0), 20, due={Lane.NOTICE: NOTICES, Lane.ORDINARY: ORDINARY})
    assert [name for name in order.domains[:20] if name in NOTICES] == NOTICES[:2]
    assert sorted(order.domains) == sorted(ORDINARY + NOTICES)


def test_safety_mail_is_asked_for_first_and_each_domain_once() -> None:
    order = Order(Way(0.0), 20, due={Lane.ORDINARY: ["a.jp", "b.jp"], Lane.SAFETY: ["c.jp", "b.jp"]})
    assert order.domains == ["c.jp", "b.jp", "a.jp"]
    assert order.lanes == [Lane.SAFETY, Lane.ORDINARY]


@pytest.mark.parametrize(("lane", "takes"), [(Lane.SAFETY, True), (Lane.ORDINARY, False)])
def test_without_room_only_safety_mail_is_asked_for(lane: Lane, takes: bool) -> None:
    assert Order(Way(0.0), 0, 3, {lane: ["a.jp"]}).takes_any is takes
