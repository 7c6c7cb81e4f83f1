"""Does a site ask for fewer connections when it is refused, and for more when mail is taken?"""

from mailer.carrier.allowance import GROW_AFTER, Allowance


def allowed(connections: int, share: int | None = None) -> Allowance:
    """Return the allowance of a site, leased as a whole unless a share is given."""
    allowance = Allowance(connections, 100)
    allowance.share = connections if share is None else share
    return allowance


def test_a_refusal_leaves_those_that_live() -> None:
    allowance = allowed(10)
    allowance.refused(alive=4)
    assert allowance.connections == 4


def test_a_refusal_always_lowers_the_number() -> None:
    allowance = allowed(10)
    allowance.refused(alive=10)
    assert allowance.connections == 9


def test_with_none_alive_it_is_halved_and_never_nothing() -> None:
    allowance = allowed(10)
    numbers = []
    for _ in range(6):
        allowance.refused(alive=0)
        numbers.append(allowance.connections)
    assert numbers == [5, 2, 1, 1, 1, 1]


def test_a_row_of_successes_adds_one_up_to_the_manners() -> None:
    allowance = allowed(2)
    allowance.refused(alive=1)
    for _ in range(GROW_AFTER):
        allowance.succeeded()
    assert allowance.connections == 2
    for _ in range(GROW_AFTER * 10):
        allowance.succeeded()
    assert allowance.connections == 2


def test_a_cut_session_teaches_its_length() -> None:
    allowance = allowed(2)
    allowance.session_cut(5)
    allowance.session_cut(8)
    assert allowance.messages_per_session == 5
    for messages in (1, 0):
        allowance.session_cut(messages)
    assert allowance.messages_per_session == 1


def test_a_session_that_ends_after_one_mail_does_not_cost_all_others_theirs() -> None:
    allowance = allowed(10, share=5)
    allowance.session_cut(1)
    assert allowance.messages_per_session == 50
    mails = next(n for n in range(1, 10_000) if allowance.succeeded() and allowance.is_full)
    assert mails <= 4 * GROW_AFTER * 5


def test_nothing_is_allowed_before_it_is_leased() -> None:
    assert Allowance(20, 100).connections == 0


def test_what_one_worker_learns_holds_for_the_share_of_another() -> None:
    one, other = allowed(20, share=10), allowed(20, share=10)
    assert one.refused(alive=4)
    assert (one.connections, one.learned) == (4, 8)
    other.heed(one.learned, one.messages_per_session)
    assert other.connections == 4
    assert other.part == 0.5


def test_growth_is_told_only_where_something_had_been_lost() -> None:
    allowance = allowed(2)
    assert not any(allowance.succeeded() for _ in range(GROW_AFTER * 4))
    allowance.refused(alive=1)
    assert sum(allowance.succeeded() for _ in range(GROW_AFTER * 4)) == 1
