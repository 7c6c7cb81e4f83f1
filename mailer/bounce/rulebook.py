"""What do we know of returned mails? The data by which they are read, as one value.

`config.bounces` makes it from `config/bounces` and `config/carriers.toml`.
"""

import re
from dataclasses import dataclass

from mailer.bounce.shape import Shape
from mailer.carrier.group import Carriers
from mailer.carrier.rule import Rule


@dataclass(frozen=True, slots=True, eq=False)
class Rulebook:
    """The carriers with their rules for replies, rules for the words of reports, private formats in their order, the
    lines behind which a copy of the returned mail begins, and in small letters: sentences that tell no reason beside
    others, subjects that returned mails have, phrases that say that a mail waits, was given up, or has arrived, and
    subjects of what servers write of other mails than those that they return.
    """

    carriers: Carriers
    wordings: tuple[Rule, ...]
    shapes: tuple[Shape, ...]
    copies: re.Pattern[str]
    fillers: tuple[str, ...]
    subjects: tuple[str, ...]
    delays: tuple[str, ...]
    failures: tuple[str, ...]
    successes: tuple[str, ...]
    others: tuple[str, ...]
