"""How do several sockets come to share one port number that is free on all of them?"""

from collections.abc import Awaitable, Callable

TRIES = 20


class PortTaken(OSError):
    """The port chosen for the first socket is taken on another; a chosen one may be tried again."""


async def on_one_port(port: int, listen: Callable[[int], Awaitable[int]]) -> int:
    """Call `listen(port)` and return the port it came to listen on.

    With port 0 the system chooses; then PortTaken means "again with another one", up to 20 times.
    A port that was asked for is tried once: PortTaken is raised to the caller.
    """
    for _ in range(TRIES if port == 0 else 1):
        try:
            return await listen(port)
        except PortTaken as error:
            taken = error
    raise taken
