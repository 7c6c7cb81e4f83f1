"""What does a worker send with?"""

from collections.abc import Callable
from dataclasses import dataclass

from mailer.carrier.group import Carriers
from mailer.dispatcher.letters import Letters
from mailer.dispatcher.signing import Signatory
from mailer.net.dial import Dialler
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing
from mailer.service.office import Office
from mailer.store.reader import Reader
from mailer.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Means:
    """What the dispatcher works with; put together by the app.

    `worker` is its name among the `workers` that share the sites; `elapsed` gives seconds since the machine's start;
    `follow_clock` lets the office's clock follow the machine's: small corrections, or any if it is told that the times
    of the queue were set with it. `looks_first` tells whether this worker looks up a domain's way before the others.
    """

    office: Office
    writer: Writer
    reader: Reader
    letters: Letters
    signatory: Signatory
    carriers: Carriers
    resolver: Resolver
    routing: Routing
    dialler: Dialler
    elapsed: Callable[[], float]
    worker: str = "worker-1"
    workers: int = 1
    follow_clock: Callable[[bool], None] = lambda whatever: None
    looks_first: Callable[[str], bool] = lambda domain: True
