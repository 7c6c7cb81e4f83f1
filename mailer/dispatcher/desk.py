"""What does a site need from the dispatcher?"""

from typing import TYPE_CHECKING, Protocol

from mailer.carrier.reading import Reading
from mailer.dispatcher.job import Job
from mailer.net.dial import NotGreeted
from mailer.net.routes import Route
from mailer.net.transport import Owner, Session
from mailer.smtp.envelope import Fact, Transaction
from mailer.smtp.reply import Reply

if TYPE_CHECKING:
    from mailer.dispatcher.site import Site


class Desk(Protocol):
    """What a site needs from the dispatcher."""

    def others_speak(self, site: "Site") -> bool:
        """Another worker has sessions with the site."""

    def is_shared(self, site: "Site") -> bool:
        """Another worker has a share of the site, whether it has sessions yet or not."""

    def is_quiet_time(self, site: "Site", job: Job) -> bool:
        """The carrier wants no mail but urgent one in this minute of the hour."""

    def is_over(self, job: Job) -> bool:
        """The time given to a job is over, or somebody wants it stopped."""

    def unused(self, job: Job) -> None:
        """Nothing was sent of this job, and nothing will be."""

    async def dial(self, route: Route, owner: Owner) -> Session:
        """Open a session; raise NotGreeted."""

    def address(self, job: Job) -> Transaction:
        """Put the written mail of a job into its envelope."""

    def may_begin(self) -> bool:
        """False while nothing may be begun, because its end could not be written down."""

    def judge(self, site: "Site", job: Job, fact: Fact, session: Session) -> Reading | None:
        """Write down what a fact means for a job; return the reading of what was no acceptance."""

    def again(self, job: Job, fact: Fact, session: Session) -> None:
        """A job goes again within its attempt."""

    def read(self, site: "Site", session: Session, failure: str, reply: Reply | None) -> Reading:
        """Return what the end of a session means."""

    def learned(self, site: "Site", reason: str) -> None:
        """Tell the other workers and the next start what a site made us learn."""

    def unreachable(self, site: "Site", job: Job, failed: NotGreeted) -> Reading:
        """Write down that no host could be spoken to; return what that means."""

    def learned_bare_form(self, domain: str) -> None:
        """A domain refused the quoted form of an irregular address and took the bare one."""

    def hungry(self) -> None:
        """A site could do with more jobs."""
