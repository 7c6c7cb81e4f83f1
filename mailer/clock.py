"""What time is it? The one place of the product that asks the machine.

Everything else takes a `Clock` and calls it; stored and compared times are aware and UTC.
Japan time appears only on pages, in mail text and in what people type.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from mailer.domain.moment import JAPAN as JAPAN

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the machine's time: aware, UTC."""
    return datetime.now(UTC)
