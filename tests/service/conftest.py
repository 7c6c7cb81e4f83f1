"""Which offices answer mail to a school?"""

import pytest

from mailer.domain.answering import Replies, ReplyPolicy
from mailer.service import keys
from mailer.service.office import Office
from mailer.standing.key import KeyState
from tests.service.school_mail import MAILBOX, with_policy


@pytest.fixture
def noticing(office: Office) -> Office:
    """An office whose schools send notices, with a key to sign them."""
    keys.register(office, "rsa1", "rsa", "v=DKIM1", KeyState.ACTIVE, "test")
    return office


@pytest.fixture
def forwarding(office: Office) -> Office:
    """An office whose schools have a mailbox."""
    return with_policy(office, Replies(ReplyPolicy.FORWARD, MAILBOX))
