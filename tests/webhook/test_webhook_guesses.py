"""Are wrong tokens counted by the minute and by the network, in bounded memory?"""

from webhook import guesses
from webhook.guesses import ALLOWED, REMEMBERED, SECONDS, Guesses


def test_twenty_within_a_minute_are_allowed_and_time_forgives() -> None:
    wrong = Guesses()
    assert [wrong.too_many("192.0.2.1", 0.0) for _ in range(ALLOWED + 1)] == [False] * ALLOWED + [True]
    assert not wrong.too_many("192.0.2.2", 0.0)
    assert not wrong.too_many("192.0.2.1", SECONDS)


def test_a_steady_guesser_stays_refused() -> None:
    wrong = Guesses()
    answers = [wrong.too_many("192.0.2.1", float(second)) for second in range(120)]
    assert answers[ALLOWED:] == [True] * (120 - ALLOWED)


def test_a_whole_ipv6_network_counts_as_one() -> None:
    wrong = Guesses()
    assert any(wrong.too_many(f"2001:db8::{host:x}", 0.0) for host in range(ALLOWED + 1))


def test_ipv4_peers_of_a_socket_for_both_families_count_each_for_itself() -> None:
    wrong = Guesses()
    assert not any(wrong.too_many(f"::ffff:192.0.2.{host}", 0.0) for host in range(ALLOWED + 1))
    assert [wrong.too_many("::ffff:192.0.2.1", 0.0) for _ in range(ALLOWED)] == [False] * (ALLOWED - 1) + [True]


def test_what_is_remembered_is_bounded() -> None:
    wrong = Guesses()
    for number in range(REMEMBERED + 100):
        wrong.too_many(f"host{number}", 0.0)
    assert len(wrong._at) == guesses.REMEMBERED
