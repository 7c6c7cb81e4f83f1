"""How are many mails kept by few commits?

The writer shares a commit among all that wait for it, but each of them wakes its thread and is woken by it. Mails that
come in while a commit runs are handed over together instead, as one piece of work. One that cannot be kept takes down
nobody else: what failed together is tried one by one.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from mailer.service.bounce import Packed
from mailer.store.writer import Writer

#: What keeps a mail and returns its number, in a transaction.
Keep = Callable[[Packed], int]


class Handfuls:
    """Where mails wait for the commit before theirs."""

    def __init__(self, writer: Writer, keep: Keep) -> None:
        self._writer = writer
        self._keep = keep
        self._waiting: list[tuple[Packed, asyncio.Future[int]]] = []
        self._task: asyncio.Task[None] | None = None

    async def keep(self, mail: Packed) -> int:
        """Return the number of a mail once it is kept. A caller who goes away does not undo it."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((mail, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._hand_over())
        return await future

    async def _hand_over(self) -> None:
        while self._waiting:
            handful, self._waiting = self._waiting, []
            mails = [mail for mail, _ in handful]
            try:
                numbers: Sequence[int | BaseException] = await self._writer.do(partial(self._keep_all, mails))
            except Exception as error:
                numbers = [error] if len(mails) == 1 else await self._one_by_one(mails)
            for (_, future), number in zip(handful, numbers, strict=True):
                _settle(future, number)

    def _keep_all(self, mails: Sequence[Packed]) -> list[int]:
        return [self._keep(mail) for mail in mails]

    async def _one_by_one(self, mails: Sequence[Packed]) -> list[int | BaseException]:
        return await asyncio.gather(
            *(self._writer.do(partial(self._keep, mail)) for mail in mails), return_exceptions=True
        )


def _settle(future: "asyncio.Future[int]", number: int | BaseException) -> None:
    if future.done():  # nobody waits any more
        return
    if isinstance(number, BaseException):
        future.set_exception(number)
    else:
        future.set_result(number)
