"""How is one receiver spoken to, with all its connections?

A site is a carrier, or the owner of one set of MX hosts. Its doors are the sets of hosts that lead to it, each with
the jobs that wait there. It opens as many connections as its manners allow and the work needs, and gives every free
session the most urgent job within the pace. Nothing here is shared with another site: what one receiver cannot take
delays no other (N3).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from mailer.carrier.group import Carrier
from mailer.carrier.reading import Reading
from mailer.carrier.reason import Reason
from mailer.dispatcher.desk import Desk
from mailer.dispatcher.door import FIRST_JOBS, Door
from mailer.dispatcher.job import CLOSING, MOST_SESSIONS, Job, turn_never_came
from mailer.dispatcher.limits import Lesson, Limits
from mailer.dispatcher.speed import Speed
from mailer.domain.alarm import clean
from mailer.domain.lane import Lane
from mailer.net.dial import NotGreeted
from mailer.net.routes import Route
from mailer.net.transport import Session
from mailer.schedule.site import SESSION_ENDED, TAKEN_AGAIN
from mailer.smtp.envelope import BDAT_REFUSED, Fact, Transaction
from mailer.smtp.reply import Reply, Stage, syntax_refusal, what_came

log = logging.getLogger(__name__)

IDLE_SECONDS = 3.0
#: A receiver counts a connection that we have just left for a moment longer than we do.
BREATH_SECONDS = 0.05
#: A site without mail gives its share of the connections back.
QUIET_SECONDS = 10.0
#: Claiming, committing and signing take a moment: so long before sessions run out the next jobs are asked for.
AHEAD_SECONDS = 0.3
MOST_JOBS = 400


class Site:
    """One receiver's connections and waiting jobs."""

    def __init__(self, name: str, carrier: Carrier | None, limits: Limits, desk: Desk) -> None:
        self.name = name
        self.carrier = carrier
        self.doors: dict[str, Door] = {}
        self.limits = limits
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self._busy_at = self._loop.time()
        self._speed = Speed(self._loop.time())
        self._wanted = limits.jobs()
        self._at: dict[Session, Door] = {}
        self._idle_since: dict[Session, float] = {}
        self._dials: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._stopping = False

    # --- what the dispatcher asks

    def door(self, route: Route) -> Door:
        """Return the door of a route, made if there is none; the route's domain leads there from now on."""
        door = self.doors.setdefault(route.key, Door(self.limits.manners.pause_seconds))
        door.routes[route.domain] = route
        return door

    @property
    def connections(self) -> int:
        """Return how many connections are open or being opened."""
        return len(self._at) + len(self._dials)

    @property
    def speaks(self) -> bool:
        """Tell whether a session is open."""
        return bool(self._at)

    @property
    def waiting(self) -> int:
        """Return how many jobs are in the site's hands, or being written, and not yet in a session's."""
        return sum(door.in_hand() for door in self.doors.values())

    @property
    def is_quiet(self) -> bool:
        """Tell whether the site has had nothing to do for a while."""
        return not self.connections and not self.waiting and self._loop.time() - self._busy_at > QUIET_SECONDS

    def room(self, door: Door, least: Lane) -> int:
        """Return how many jobs more of this lane or a more urgent one are worth claiming for a door.

        In hand should be what the connections need, and what they take until the next claim. What is less urgent takes
        no room; what waits at doors that are not open takes none of the open ones': both may have to wait for long.
        """
        self._wanted = max(self.limits.jobs(), min(MOST_JOBS, self._speed.within(AHEAD_SECONDS)))
        alike = (one for one in self.doors.values() if bool(one.connections) is bool(door.connections))
        room = self._wanted - sum(one.in_hand(least) for one in alike)
        if door.connections:
            return max(0, room)
        # One for each, so that no door stands behind those that nobody opens.
        return max(0, min(FIRST_JOBS - door.in_hand(least), max(room, 1 - door.in_hand(least))))

    def may_try(self, door: Door, lane: Lane) -> bool:
        """Tell whether mail of a lane may go to a door now."""
        now = self._loop.time()
        return self.limits.may_try(lane, now) and door.may_try(lane, now)

    def heed(self, lesson: Lesson) -> None:
        """Take over what another worker, or an earlier process, learned of the site."""
        now = self._loop.time()
        # Who is being served knows better than one who was not.
        self.limits.heed(replace(lesson, rest=self.limits.lesson(now).rest) if self._at else lesson, now)
        self._let_rest()

    def hurry(self, door: Door) -> None:
        """Let mail go to a door now."""
        self.limits.hurry()
        door.hurry()

    def take_in(self, door: Door, jobs: Sequence[Job]) -> None:
        """Put claimed jobs in front of a door."""
        self._busy_at = self._loop.time()
        for job in jobs:
            door.waiting.add(job)
        first = door.waiting.first()
        shut = first is not None and not door.connections and not self.may_try(door, first.claimed.lane)
        if shut and (self._desk.others_speak(self) or self._desk.is_shared(self)):
            self._give_back(door)
        self.stir()

    def stir(self) -> None:
        """Give work to idle sessions and open the connections that the rest needs."""
        for session in list(self._idle_since):
            if session in self._idle_since and self._at[session].waiting:
                session.pump()
        if self._stopping or not self._desk.may_begin():
            return
        for door in self.doors.values():
            self._open_for(door)

    def tidy(self) -> None:
        """End sessions that have had nothing to do for a while, or that stand where another door needs one."""
        now = self._loop.time()
        self._speed.measure(now)
        surplus = self.connections - self.limits.connections
        needed = surplus >= 0 and any(door.is_shut_out for door in self.doors.values())
        idle = [session for session, since in self._idle_since.items() if needed or now - since >= IDLE_SECONDS]
        staying = [session for session in self._at if not session.quitting]
        leaving = len(self._at) - len(staying)
        for session in idle or staying[: max(0, max(surplus, int(needed)) - leaving)]:
            session.quit()
        if any(self._may_not_go(door) for door in self.doors.values()):
            self._let_rest()
        self.doors = {key: door for key, door in self.doors.items() if not door.is_deserted}
        self.stir()

    def give_back(self, unwanted: Callable[[Job], bool]) -> None:
        """Give back the unwanted claims of which nothing was begun."""
        for door in self.doors.values():
            for job in door.waiting.withdraw(unwanted):
                self._desk.unused(job)

    def stop(self) -> list[Job]:
        """Begin nothing more; return the jobs that no session has taken. Sessions end after their mail."""
        self._stopping = True
        for dial in self._dials:
            dial.cancel()
        for session in list(self._at):
            session.quit()
        return [job for door in self.doors.values() for job in door.waiting.clear()]

    async def ended(self) -> None:
        """Return when no connection is left."""
        while self._at:
            await self._changed.wait()
            self._changed.clear()

    def abort(self) -> None:
        """Cut what is still open."""
        for session in list(self._at):
            session.abort("stopped")

    # --- what a session tells (transport.Owner)

    def ready(self, session: Session) -> None:
        """A session is greeted before it becomes ours."""

    def next_transaction(self, session: Session) -> Transaction | None:
        """Return the most urgent job's mail, if the pace, the session's limit and the store allow one now."""
        door = self._at[session]
        if (job := self._first(door)) is None or not self._may_go(session, job):
            self._rests(session)
            return None
        self._speed.took_one()
        if 2 * door.in_hand() < self._wanted:
            self._desk.hungry()
        self._idle_since.pop(session, None)
        job = door.waiting.take()
        job.taken_at = self._loop.time()
        door.began(job.taken_at)
        return self._desk.address(job)

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None:
        """Judge what came of a job, or let it go again where its turn never really came."""
        job, fact = transaction.tag, facts[0]
        assert isinstance(job, Job)
        now = self._loop.time()
        self._at[session].settled(now - job.taken_at, now)
        if self._goes_again(session, job, fact):
            self._desk.again(job, fact, session)
            self._at[session].waiting.put_back(job)
        else:
            session.answered += fact.reply is not None and fact.reply.code != CLOSING
            if fact.accepted:
                self._succeeded(session, job)
            self._learn_of(self._desk.judge(self, job, fact, session))
        self._rests(session)

    def closed(self, session: Session, failure: str, reply: Reply | None) -> None:
        """A connection ended; learn from the way it did."""
        self._at.pop(session).connections -= 1
        idle = self._idle_since.pop(session, None) is not None
        self._changed.set()
        if session.quitting or idle:
            # An idle session that the other side ends says nothing about how much it takes.
            self._loop.call_soon(self.stir)
            return
        breath = self._learn_of_end(session, failure, reply)
        self._loop.call_later(breath, self.stir)

    # --- inside

    def _first(self, door: Door) -> Job | None:
        """Return the job that goes next; what is over, or whose domain leads elsewhere by now, is given back."""
        while (job := door.waiting.first()) is not None and (self._desk.is_over(job) or not door.leads(job)):
            self._desk.unused(door.waiting.take())
        return job

    def _rests(self, session: Session) -> None:
        """Note a session that has nothing to do; it may still wait for an answer after its mail is settled."""
        if session.idle:
            self._idle_since.setdefault(session, self._loop.time())

    def _may_go(self, session: Session, job: Job) -> bool:
        if self._stopping or not self._desk.may_begin():
            return False
        if not self.limits.may_try(job.claimed.lane, self._loop.time()) or self._desk.is_quiet_time(self, job):
            return False
        if session.taken >= self.limits.messages_per_session:
            session.quit()
            return False
        wait = self.limits.take(job.claimed.lane, self._loop.time())
        if wait > 0:
            self._stir_in(wait)
            return False
        return True

    def _stir_in(self, seconds: float) -> None:
        if self._alarm is None:
            self._alarm = self._loop.call_later(seconds, self._stir_now)

    def _stir_now(self) -> None:
        self._alarm = None
        self.stir()

    def _succeeded(self, session: Session, job: Job) -> None:
        if self.limits.succeeded(job.taken_at, self._loop.time()):
            self._tell(TAKEN_AGAIN)
        self._at[session].succeeded(self._loop.time())
        if job.bare:
            self._desk.learned_bare_form(job.claimed.domain)

    def _goes_again(self, session: Session, job: Job, fact: Fact) -> bool:
        if job.address.irregular and not job.bare and fact.reply is not None and fact.stage is Stage.RCPT:
            job.bare = syntax_refusal(fact.reply)
            return job.bare
        if fact.failure == BDAT_REFUSED:  # the next session does without: this turn does not count
            return not self._stopping
        if fact.kept_unknown or job.sessions >= MOST_SESSIONS or self._stopping:
            return False
        job.sessions += 1
        return turn_never_came(fact, session.answered)

    def _open_for(self, door: Door) -> None:
        first = self._first(door)
        if first is None or not self.may_try(door, first.claimed.lane):
            return
        idle = sum(1 for session in self._idle_since if self._at[session] is door)
        now = self._loop.time()
        alone = not any(one.waiting for one in self.doors.values() if one is not door)
        while self.connections < self.limits.connections and door.wants_dial(idle, now, alone=alone):
            door.dialling += 1
            task = self._loop.create_task(self._dial(door, door.routes[first.claimed.domain]))
            self._dials.add(task)
            task.add_done_callback(self._dials.discard)

    async def _dial(self, door: Door, route: Route) -> None:
        try:
            session = await self._desk.dial(route, self)
        except NotGreeted as failed:
            self._not_greeted(door, failed)
            return
        finally:
            door.dialling -= 1
        self._at[session] = door
        now = self._loop.time()
        door.opened(session.age, now)
        self._idle_since[session] = now
        if self._stopping:
            session.quit()
        else:
            session.pump()

    def _not_greeted(self, door: Door, failed: NotGreeted) -> None:
        """While other sessions live, the receiver only wants fewer; else it is out of reach for all who wait.

        Where another worker speaks to it, or for all we know is about to, its connections are the other's, and so is
        the mail.
        """
        log.info("%s: %s at %s", self.name, what_came(failed.failure, failed.reply), failed.peer)
        about_to = not door.has_failed and self._desk.is_shared(self)
        left = not self._at and (about_to or self._desk.others_speak(self))
        if not left:
            self._fewer(what_came(failed.failure, failed.reply))
        if door.connections or door.dialling > 1:
            return
        rests = door.failed(self._loop.time())
        if left:
            self._give_back(door)
        elif rests:
            readings = [self._desk.unreachable(self, job, failed) for job in door.waiting.clear()]
            self._learn_of(readings[0] if readings else None)

    def _give_back(self, door: Door) -> None:
        """Give back what another worker can send sooner."""
        for job in door.waiting.clear():
            self._desk.unused(job)

    # --- what is learned of the receiver

    def _learn_of_end(self, session: Session, failure: str, reply: Reply | None) -> float:
        """Learn from the way a session ended; return how many seconds to wait before the next one is opened."""
        if self._stopping or failure == BDAT_REFUSED or (not failure and reply is None):
            return 0.0
        reading = self._desk.read(self, session, failure, reply)
        if reading.of_reader:
            return BREATH_SECONDS
        if session.answered and (reply is None or reply.code == CLOSING) and failure not in ("reset", "timeout"):
            if self.limits.session_cut(session.answered):
                self._tell(f"{SESSION_ENDED} {session.answered}")
        else:
            self._fewer(what_came(failure, reply))
        self._learn_of(reading)
        return BREATH_SECONDS

    def _learn_of(self, reading: Reading | None) -> None:
        """Rest if a reply asks for it; go slower if it says that we are too fast.

        A receiver that says that we are too fast while it speaks to us, or for the first time, does not block us: it
        wants fewer. What is one reader's matter teaches nothing.
        """
        if reading is None or reading.of_reader:
            return
        now = self._loop.time()
        too_fast = reading.reason is Reason.RATE_LIMITED
        if reading.pause_site and not (too_fast and self._is_only_busy(now)):
            if self.limits.block(now):
                self._tell(reading.reason.value)
            self._let_rest()
        elif too_fast:
            self._fewer(reading.reason.value)

    def _is_only_busy(self, now: float) -> bool:
        doors = self.doors.values()
        return (
            self.speaks
            or any(door.is_lively(now) for door in doors)
            or not any(door.has_failed_again for door in doors)
        )

    def _fewer(self, why: str) -> None:
        if self.limits.refused(len(self._at), self._loop.time()):
            self._tell(why)

    def _tell(self, why: str) -> None:
        lesson, why = self.limits.lesson(self._loop.time()), clean(why)
        learned = (self.name, lesson.connections, lesson.messages_per_session, lesson.rest, why)
        log.info("%s: now %d connections in all, %d mails in each, %.0f s of rest, because: %s", *learned)
        self._desk.learned(self, why)

    def _may_not_go(self, door: Door) -> bool:
        first = door.waiting.first()
        return first is not None and self._desk.is_quiet_time(self, first)

    def _let_rest(self) -> None:
        """Give back the claims on what has to wait for the end of the rest, or for another minute."""
        now, may_try = self._loop.time(), self.limits.may_try
        self.give_back(lambda job: not may_try(job.claimed.lane, now) or self._desk.is_quiet_time(self, job))
