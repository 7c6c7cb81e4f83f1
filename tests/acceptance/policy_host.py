"""How do MTA-STS policies come over HTTPS from a host of the test?

Python's own web server behind TLS at the port of HTTPS, which takes root; it gives each policy host its text.
"""

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator, Mapping

from mailer.net.https import PORT
from tests.acceptance.packages import Lacking

ADDRESS = "127.0.92.43"
PATH = "/.well-known/mta-sts.txt"


class PolicyHost(http.server.ThreadingHTTPServer):
    """The web server; `texts` by host name, `asked` the hosts in the order in which they were asked for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__((ADDRESS, PORT), _Talk)
        self.texts = texts
        self.asked: list[str] = []


class _Talk(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, PolicyHost)
        host = self.headers["Host"]
        self.server.asked.append(host)
        text = self.server.texts.get(host, "").encode() if self.path == PATH else b""
        self.send_response(200 if text else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""


@contextlib.contextmanager
def policy_host(tls: ssl.SSLContext, texts: Mapping[str, str]) -> Iterator[PolicyHost]:
    """Serve policies in a thread."""
    try:
        server = PolicyHost(texts)
    except OSError as error:
        raise Lacking(f"no web server can listen at {ADDRESS}:{PORT}: {error}") from error
    with server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
