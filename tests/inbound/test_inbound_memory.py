"""Does the inbound service stay within 256 MiB when very many big mails come at once (attacks A6, P6)?"""

import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bench.intake import TO, ours

PEERS, FROM_EACH_ADDRESS = 480, 20
MOST_KILOBYTES = 256 * 1024
ENVELOPE = f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{TO}>\r\nDATA\r\n".splitlines(keepends=True)


def peer(port: int, number: int) -> socket.socket:
    """Return a connection that has been told to send its content."""
    source = f"127.0.1.{1 + number // FROM_EACH_ADDRESS}"
    made = socket.create_connection(("127.0.0.1", port), 30, source_address=(source, 0))
    assert made.recv(1000).startswith(b"220")
    for line in ENVELOPE:
        made.sendall(line.encode())
        assert made.recv(1000)[:1] in b"23"
    return made


@pytest.mark.long
def test_hundreds_of_big_mails_at_once_do_not_fill_the_memory(tmp_path: Path) -> None:
    line = os.urandom(37).hex().encode() + b"\r\n"
    content = b"Subject: big\r\n\r\n" + line * 2600 + b".\r\n"
    with ours(tmp_path) as (pid, port):
        peers = [peer(port, number) for number in range(PEERS)]
        with ThreadPoolExecutor(PEERS) as threads:
            list(threads.map(lambda one: one.sendall(content), peers))
            assert {reply[:9] for reply in threads.map(lambda one: one.recv(1000), peers)} == {b"250 2.0.0"}
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        for one in peers:
            one.close()
    assert int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) < MOST_KILOBYTES
