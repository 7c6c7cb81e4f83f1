"""Which bytes does the appliance make for each recipient of a broadcast?

    python -m tests.acceptance.render CONFIGURATION ID    →    a JSON object: address → mail in base64

Renders anew from the store and the keys, in a process of its own, what the mailer handed over. It is how a test
knows what should have arrived.
"""

import base64
import json
import sys
from functools import partial
from pathlib import Path

from config import load, read_dkim_key
from mailer.appliance import open_office
from mailer.dispatcher.job import job_of
from mailer.dispatcher.letters import Letterhead, Letters
from mailer.dispatcher.ways import Way
from mailer.keyring import Keyring
from mailer.schedule.claim import Claimed
from mailer.schedule.queued import QueuedItem
from mailer.service import dispatch
from mailer.store import accounting


def main(configuration: str, announcement_id: str) -> None:
    """Print every mail of a broadcast."""
    settings = load(Path(configuration))
    office = open_office(settings)
    keyring = Keyring(partial(read_dkim_key, settings))
    letters = Letters(Letterhead(office.domain, office.base_url, office.schools, office.receipt_key, office.verp))
    announcement = dispatch.announcement(announcement_id)
    letters.learn(announcement, dispatch.key_names(announcement.selectors))
    mails = {one.item.address: mail(letters, keyring, one.item) for one in accounting.items(announcement_id)}
    json.dump({address: base64.b64encode(content).decode() for address, content in mails.items()}, sys.stdout)


def mail(letters: Letters, keyring: Keyring, item: QueuedItem) -> bytes:
    """Return the mail that this item becomes."""
    claimed = Claimed(
        item_id=item.id,
        announcement_id=item.announcement_id,
        school=item.school,
        address=item.address,
        domain=item.domain,
        lane=item.lane,
        attempt=1,
        expires_at=item.expires_at,
        possible_duplicate=False,
    )
    job = job_of(claimed, Way(0.0), frozenset())
    draft = letters.draft(job)
    return draft.signed([keyring.sign(*one) for one in zip(letters.selectors(job), draft.digests, strict=True)])


if __name__ == "__main__":
    main(*sys.argv[1:])
