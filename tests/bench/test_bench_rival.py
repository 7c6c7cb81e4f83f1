"""Does the Postfix that the product is compared with really sign what it sends?"""

import asyncio
import base64
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from mailer.clock import system_clock
from mailer.rehearsal.desk import Desk
from mailer.rehearsal.ledger import Ledger
from mailer.rehearsal.moods import Mood
from mailer.rehearsal.receiver import Receiver, Surroundings
from tests.acceptance.jail import need_root
from tests.acceptance.packages import Lacking
from tests.bench import rival

ADDRESS = "127.0.82.2"
DOMAIN = "d01.example"


def started(root: Path, port: int) -> rival.Rival:
    """Start it tuned, or skip with what the machine lacks."""
    try:
        need_root()
        return rival.start(root, {DOMAIN: f"{ADDRESS}:{port}"}, 20, rival.TUNED)
    except Lacking as lacking:
        pytest.skip(f"Postfix and opendkim cannot be run here: {lacking}")


def public_key(one: rival.Rival) -> bytes:
    """Return the record of the key that opendkim signs with."""
    pem = one.opendkim.jail.path("/etc/opendkim/key.pem").read_bytes()
    public = load_pem_private_key(pem, None).public_key()
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


@pytest.mark.timeout(600)
async def test_what_postfix_sends_is_signed_by_opendkim(tmp_path: Path) -> None:
    kept: asyncio.Queue[bytes] = asyncio.Queue()
    surroundings = Surroundings(system_clock, on_kept=(lambda _, content: kept.put_nowait(content),))
    receiver = Receiver(Desk(DOMAIN, Mood(), Ledger(DOMAIN)), surroundings)
    try:
        one = await asyncio.to_thread(started, tmp_path, await receiver.listen([ADDRESS], 0))
        try:
            await asyncio.to_thread(one.send, rival.letters([f"a@{DOMAIN}", f"b@{DOMAIN}"], "本文\n"))
            record = public_key(one)
            for _ in range(2):
                content = await asyncio.wait_for(kept.get(), 20)
                assert dkim.verify(content, dnsfunc=lambda name, timeout=5: record)
        finally:
            await asyncio.to_thread(one.stop)
    finally:
        await receiver.stop()
