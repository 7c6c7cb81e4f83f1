"""How does Postfix come to greylist?

By its policy protocol: a server of the test's own says "later" to every (sender, recipient) that it sees for the
first time, as greylisting does, and lets the second attempt pass.
"""

import contextlib
import socketserver
import threading
from collections.abc import Iterator


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        asked: dict[str, str] = {}
        for line in self.rfile:
            name, _, value = line.decode().strip().partition("=")
            if name:
                asked[name] = value
                continue
            assert isinstance(self.server, Greylist)
            self.wfile.write(f"action={self.server.action(asked['sender'], asked['recipient'])}\n\n".encode())
            asked = {}


class Greylist(socketserver.ThreadingTCPServer):
    """The policy server; `asked` holds each (sender, recipient) as often as it was asked for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.asked: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        """Return where it listens."""
        return f"127.0.0.1:{self.server_address[1]}"

    def action(self, sender: str, recipient: str) -> str:
        """Return what Postfix is to do."""
        known = (sender, recipient) in self.asked
        self.asked.append((sender, recipient))
        return "dunno" if known else "450 4.2.0 Greylisted, see postgrey.schweikert.ch"


@contextlib.contextmanager
def greylist() -> Iterator[Greylist]:
    """Serve the policy protocol in a thread."""
    with Greylist() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
