"""Which parsers read what strangers write?"""

from tests.fuzz.mail_targets import MAIL_TARGETS
from tests.fuzz.smtp_targets import SMTP_TARGETS
from tests.fuzz.typed_targets import TYPED_TARGETS

TARGETS = (*SMTP_TARGETS, *TYPED_TARGETS, *MAIL_TARGETS)
