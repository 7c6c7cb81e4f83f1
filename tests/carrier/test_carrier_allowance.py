"""Does a site ask for fewer connections when it is refused, and for more when mail is taken?"""

from mailer.carrier.allowance import GROW_AFTER, Allowance


def test_a_refusal_leaves_those_that_live() -> None:
    allowance = Allowance(10, 100)
    allowance.refused(alive=4)
    assert allowance.connections == 4


def test_a_refusal_always_lowers_the_number() -> None:
    allowance = Allowance(10, 100)
    allowance.refused(alive=10)
    assert allowance.connections == 9


def test_with_none_alive_it_is_halved_and_never_nothing() -> None:
    allowance = Allowance(10, 100)
    numbers = []
    for _ in range(6):
        allowance.refused(alive=0)
        numbers.append(allowance.connections)
    assert numbers == [5, 2, 1, 1, 1, 1]


def test_a_row_of_successes_adds_one_up_to_the_manners() -> None:
    allowance = Allowance(2, 100)
    allowance.refused(alive=1)
    for _ in range(GROW_AFTER):
        allowance.succeeded()
    assert allowance.connections == 2
    for _ in range(GROW_AFTER * 10):
        allowance.succeeded()
    assert allowance.connections == 2


def test_a_cut_session_teaches_its_length() -> None:
    allowance = Allowance(2, 100)
    allowance.session_cut(5)
    allowance.session_cut(8)
    assert allowance.messages_per_session == 5
    allowance.session_cut(0)
    assert allowance.messages_per_session == 1
