"""Is a host that offered TLS known for some months and then a stranger?"""

from dataclasses import replace
from datetime import timedelta

from mailer.service import tls
from mailer.service.office import Office
from mailer.store.database import transaction


def test_a_host_is_known_until_it_was_not_spoken_to_for_months(office: Office) -> None:
    _remember(office, 0, "mx.old.example")
    _remember(office, 89, "mx.town.example")
    assert tls.hosts_with_tls() == {"mx.old.example", "mx.town.example"}
    _remember(office, 91, "mx.town.example")
    assert tls.hosts_with_tls() == {"mx.town.example"}


def _remember(office: Office, days: int, host: str) -> None:
    later = office.clock() + timedelta(days=days)
    with transaction():
        tls.remember_host(replace(office, clock=lambda: later), host)
