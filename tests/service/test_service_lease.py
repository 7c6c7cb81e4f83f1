"""Do workers together never take more of a site than it likes, and is a dead one's share free?"""

from datetime import datetime, timedelta

from mailer.schedule.site import TAKEN_AGAIN, SiteState
from mailer.service import dispatch, lease
from mailer.service.office import Office
from mailer.store.database import transaction
from tests.conftest import FakeClock

DOCOMO = "docomo"


def renew(*workers: str, now: float = 100.0) -> None:
    with transaction():
        for worker in workers:
            lease.renew(worker, now)


def take(worker: str, most: int, workers: int = 2, now: float = 100.0) -> int:
    with transaction():
        return lease.take(worker, DOCOMO, most, workers, now)[0]


def test_two_workers_share_a_site_evenly(office: Office) -> None:
    renew("w1", "w2")
    assert [take("w1", 20), take("w2", 20)] == [10, 10]
    assert lease.board(office, "w1", 100.0).others == {DOCOMO: 10}
    with transaction():
        assert lease.take("w1", DOCOMO, 20, 2, 100.0) == (10, 10)


def test_an_odd_one_goes_to_who_comes_first_and_a_single_one_to_nobody_else(office: Office) -> None:
    renew("w1", "w2")
    assert [take("w1", 5), take("w2", 5)] == [3, 2]
    with transaction():
        lease.give_up("w2", [DOCOMO])
    assert [take("w1", 1), take("w2", 1)] == [1, 0]


def test_a_share_is_kept_for_a_worker_that_does_not_live_yet(office: Office) -> None:
    renew("w1")
    assert take("w1", 20) == 10


def test_more_workers_than_expected_share_too_once_they_renew(office: Office) -> None:
    renew("w1", "w2", "w3")
    assert take("w1", 20, workers=2) == 7


def test_what_is_given_up_or_of_the_dead_is_free(office: Office) -> None:
    renew("w1", "w2")
    take("w1", 1)
    with transaction():
        lease.give_up("w1", [DOCOMO])
    assert take("w2", 1) == 1
    with transaction():
        dispatch.recover(office, "w2")
    assert take("w1", 1) == 1


def test_a_lease_ends_by_itself_after_its_term(office: Office) -> None:
    renew("w1", "w2")
    take("w1", 1)
    later = 100.0 + lease.TERM_SECONDS + 1
    renew("w2", now=later)
    assert lease.lapsed(later) == ["w1"]
    assert take("w2", 1, now=later) == 1


def test_what_a_site_made_us_learn_is_kept_for_an_hour(office: Office, clock: FakeClock) -> None:
    state = SiteState(DOCOMO, 5, 40, clock.now + timedelta(minutes=5), "421", clock.now)
    with transaction():
        lease.remember(office, state)
    assert list(lease.board(office, "w1", 0.0).states) == [state]
    clock.advance(minutes=61)
    assert list(lease.board(office, "w1", 0.0).states) == []


def test_the_last_lesson_counts(office: Office, clock: FakeClock) -> None:
    with transaction():
        for connections in (5, 2, 3):
            lease.remember(office, SiteState(DOCOMO, connections, 40, None, "421", clock.now))
    (state,) = lease.board(office, "w1", 0.0).states
    assert state.connections == 3


def test_a_rest_is_not_shortened_by_who_had_not_heard_of_it(office: Office, clock: FakeClock) -> None:
    rest = clock.now + timedelta(minutes=5)

    def tell(until: datetime | None, reason: str) -> datetime | None:
        with transaction():
            lease.remember(office, SiteState(DOCOMO, 5, 40, until, reason, clock.now))
        (state,) = lease.board(office, "w1", 0.0).states
        return state.paused_until

    assert tell(rest, "blocked") == rest
    assert tell(None, "session_ended 9") == rest
    assert tell(rest + timedelta(minutes=1), "blocked") == rest + timedelta(minutes=1)
    assert tell(None, TAKEN_AGAIN) is None


def test_the_others_see_to_which_sites_a_worker_speaks(office: Office) -> None:
    renew("w1", "w2")
    take("w1", 20)
    with transaction():
        lease.speak("w1", [DOCOMO], True)
    assert lease.board(office, "w2", 100.0).spoken == {DOCOMO}
    assert lease.board(office, "w1", 100.0).spoken == frozenset()
    assert lease.board(office, "w2", 100.0 + lease.TERM_SECONDS + 1).spoken == frozenset()
    take("w1", 20)
    assert lease.board(office, "w2", 100.0).spoken == {DOCOMO}
    with transaction():
        lease.speak("w1", [DOCOMO], False)
    assert lease.board(office, "w2", 100.0).spoken == frozenset()


def test_a_rest_is_as_long_as_it_was_although_the_clock_is_set(office: Office, clock: FakeClock) -> None:
    rest = timedelta(minutes=5)
    with transaction():
        lease.remember(office, SiteState(DOCOMO, 5, 40, clock.now + rest, "421", clock.now))
        dispatch.set_clock(office, timedelta(days=-400))
    clock.advance(days=-400)
    (state,) = lease.board(office, "w1", 0.0).states
    assert (state.since, state.paused_until) == (clock.now, clock.now + rest)
