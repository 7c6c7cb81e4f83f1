"""How does the service manager learn that we are up, ending or alive?

The datagrams of sd_notify(3). Without a service manager (no NOTIFY_SOCKET) nothing is sent.
"""

import os
import socket


def notify(state: str) -> None:
    """Send one state such as `READY=1`; a service manager that went away is no error of ours."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        try:
            sending.sendto(state.encode("ascii"), address)
        except OSError:
            return


def watchdog_seconds() -> float | None:
    """Return how often (in seconds) this process must say `WATCHDOG=1`, or None if nobody waits for it."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    meant_for = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdigit() or meant_for != str(os.getpid()):
        return None
    return int(microseconds) / 1_000_000 / 2
