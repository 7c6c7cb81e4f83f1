"""Does a domain take one single mail, handed over without the queue?

For what the appliance itself writes to strangers: one route, one session, one transaction, and a deadline for all of
it. Whoever wants it tried again does so.

Raises `NotHandedOver`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mailer.net.dial import Dialler, NotGreeted
from mailer.net.resolver import Resolver
from mailer.net.routes import Routing, find_route
from mailer.net.transport import Session
from mailer.smtp.address import Address
from mailer.smtp.envelope import Envelope, Fact, ForwardPath, ReversePath, Transaction
from mailer.smtp.reply import Reply
from mailer.smtp.route import NoRoute

ALL_SECONDS = 300.0
LONGEST = 200


class NotHandedOver(Exception):
    """Nobody took the mail; says who and why. `permanent`: nobody will, as far as the DNS says."""

    def __init__(self, words: str, *, permanent: bool = False) -> None:
        super().__init__(words[:LONGEST])
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Messenger:
    """Hands single mails over."""

    resolver: Resolver
    routing: Routing
    dialler: Dialler

    async def hand_over(self, reverse_path: Address, to: Address, content: bytes) -> None:
        """Return once the mail is taken; raise NotHandedOver otherwise."""
        fact, _ = await self.offer(Envelope(ReversePath(reverse_path), (ForwardPath(to),)), content, ALL_SECONDS)
        if not fact.accepted:
            raise NotHandedOver(words(fact))

    async def offer(self, envelope: Envelope, content: bytes, seconds: float) -> tuple[Fact, str]:
        """Offer a mail to its one forward-path; return what came of it, and the server as `host[address]:port`.

        Raises NotHandedOver where no server could be spoken to.
        """
        (to,) = envelope.forward_paths
        owner = _Errand(Transaction(envelope, content, alone=True))
        until = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(until):
                route = await find_route(to.address.key.rpartition("@")[2], self.resolver, self.routing)
                session = await self.dialler.dial(route, owner)
        except TimeoutError:
            raise NotHandedOver(f"no answer within {seconds:g} s") from None
        except NoRoute as trouble:
            raise NotHandedOver(str(trouble), permanent=trouble.permanent) from trouble
        except NotGreeted as trouble:
            raise NotHandedOver(str(trouble)) from trouble
        try:
            return await _fact(session, owner, until), str(session.peer)
        except NotGreeted as trouble:
            raise NotHandedOver(str(trouble)) from trouble


async def _fact(session: Session, owner: "_Errand", until: float) -> Fact:
    """Return what came of the mail. When the time is over the session tells by itself how far it has come."""
    bell = asyncio.get_running_loop().call_at(until, session.abort, "timeout")
    try:
        session.pump()
        return await owner.answered
    finally:
        bell.cancel()
        if owner.answered.done() and not owner.answered.cancelled():
            session.quit()
        else:
            session.abort("cancelled")


def words(fact: Fact) -> str:
    """Return in one line what came of a mail."""
    reply = fact.reply
    said = "" if reply is None else f"{reply.code} {' '.join(reply.text.split())}"
    return " ".join(filter(None, (f"{fact.stage.value}:", fact.failure, said)))


class _Errand:
    """The owner of a session that has one mail to hand over."""

    def __init__(self, transaction: Transaction) -> None:
        self.answered: asyncio.Future[Fact] = asyncio.get_running_loop().create_future()
        self._left: Transaction | None = transaction

    def ready(self, session: Session) -> None:
        """It is known to be."""

    def next_transaction(self, session: Session) -> Transaction | None:
        left, self._left = self._left, None
        return left

    def settled(self, session: Session, transaction: Transaction, facts: Sequence[Fact]) -> None:
        if not self.answered.done():
            self.answered.set_result(facts[0])

    def closed(self, session: Session, failure: str, reply: Reply | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(NotGreeted(str(session.peer), session.stage, failure, reply, session))
