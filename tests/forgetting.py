"""How does a test have forgotten what is due?"""

from mailer.domain.retention import Kind
from mailer.service import retention
from mailer.service.office import Office
from mailer.store.database import transaction


def forget(office: Office, kind: Kind) -> int:
    """Forget all of a kind that is due, as the mailer does at night; return how many rows that were."""
    while kind is Kind.BROADCASTS and (found := retention.over(office)):
        with transaction():
            retention.close(office, *found)
    forgotten = 0
    for part in retention.PARTS[kind]:
        while numbers := retention.find(office, kind, part):
            with transaction():
                forgotten += retention.forget(part, numbers)[1]
    return forgotten
