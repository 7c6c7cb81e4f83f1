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
    """Nobody took the mail; says who and why."""


@dataclass(frozen=True, slots=True)
class Messenger:
    """Hands single mails over."""

    resolver: Resolver
    routing: Routing
    dialler: Dialler

    async def hand_over(self, reverse_path: Address, to: Address, content: bytes) -> None:
        """Return once the mail is taken; raise NotHandedOver otherwise."""
        envelope = Envelope(ReversePath(reverse_path), (ForwardPath(to),))
        owner = _Errand(Transaction(envelope, content))
        try:
            async with asyncio.timeout(ALL_SECONDS):
                fact = await self._fact(to.key.rpartition("@")[2], owner)
        except TimeoutError:
            raise NotHandedOver(f"no answer within {ALL_SECONDS:g} s") from None
        except (NoRoute, NotGreeted) as trouble:
            raise NotHandedOver(str(trouble)[:LONGEST]) from trouble
        if not fact.accepted:
            raise NotHandedOver(_words(fact)[:LONGEST])

    async def _fact(self, domain: str, owner: "_Errand") -> Fact:
        route = await find_route(domain, self.resolver, self.routing)
        session = await self.dialler.dial(route, owner)
        try:
            session.pump()
            return await owner.answered
        finally:
            if owner.answered.done() and not owner.answered.cancelled():
                session.quit()
            else:
                session.abort("cancelled")


def _words(fact: Fact) -> str:
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
