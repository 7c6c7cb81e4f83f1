"""Is what was learned of receivers' TLS there after a restart, and gone when it is over?"""

from datetime import UTC, datetime, timedelta

from mailer.smtp.sts import KeptPolicy, read_policy
from mailer.store import tls
from mailer.store.database import Sqlite, transaction

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TEXT = "version: STSv1\nmode: enforce\nmx: *.town.example\nmax_age: 86400\nfuture: yes\n"


def test_a_policy_comes_back_as_it_was_fetched(store: Sqlite) -> None:
    kept = KeptPolicy("town.example", "1", read_policy(TEXT), NOW)
    newer = KeptPolicy("town.example", "2", read_policy(TEXT), NOW + timedelta(hours=1))
    with transaction():
        tls.remember_policy(kept)
        assert tls.policy("town.example") == kept
        tls.remember_policy(newer)
    assert tls.policies() == [newer]
    assert tls.policy("other.example") is None


def test_hosts_and_policies_are_forgotten_when_they_are_over(store: Sqlite) -> None:
    with transaction():
        tls.remember_host("mx.old.example", NOW)
        tls.remember_host("mx.town.example", NOW)
        tls.remember_host("mx.town.example", NOW + timedelta(days=2))
        tls.remember_policy(KeptPolicy("town.example", "1", read_policy(TEXT), NOW))
        tls.forget_before(NOW + timedelta(days=1), NOW + timedelta(hours=23))
        assert tls.policies()
        tls.forget_before(NOW + timedelta(days=1), NOW + timedelta(hours=24))
    assert tls.hosts() == {"mx.town.example"}
    assert tls.policies() == []
