"""Does a mail stay the same, whatever becomes of its school while it waits?"""

from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from mailer.dispatcher import letters
from mailer.dispatcher.job import job_of
from mailer.dispatcher.letters import Letterhead, Letters
from mailer.dispatcher.ways import Way
from mailer.domain.school import Schools
from mailer.message.sign import KeyName
from mailer.service import broadcast, dispatch
from mailer.service.broadcast import BroadcastRequest
from mailer.service.office import Office
from mailer.store.database import change, transaction
from tests.conftest import Register

FROM = "滝川第一小学校 <t-daiichi@mail.mimamori-iwamizawa.jp>"
RENAMED = "新小学校 <t-daiichi@mail.mimamori-iwamizawa.jp>"


def announced(office: Office, register: Register) -> str:
    """Announce to one guardian."""
    register("t-daiichi", "a@docomo.ne.jp")
    return broadcast.send(office, BroadcastRequest(("t-daiichi",), "件名", "本文", True, True, "test")).id


def written(office: Office, announcement: str, schools: Schools) -> bytes:
    """Return the mail without its signatures, written where these are the schools."""
    writing = Letters(Letterhead(office.domain, office.base_url, schools, office.receipt_key, office.verp))
    writing.learn(dispatch.announcement(announcement), [KeyName("rsa", "rsa-sha256")])
    with transaction():
        (claimed,) = dispatch.claim(office, ["docomo.ne.jp"], 1, "w0")
    mail = writing.draft(job_of(claimed, Way(0.0), frozenset())).content
    with transaction():
        dispatch.unclaim(office, [(claimed.item_id, claimed.attempt)])
    return mail


def renamed(office: Office) -> Schools:
    """Return the schools after one got another name."""
    return Schools({"t-daiichi": replace(office.schools.by_code["t-daiichi"], name="新小学校")})


def sender(mail: bytes) -> str:
    """Return the From of a mail as a person sees it."""
    return str(message_from_bytes(mail, policy=default)["From"])


def test_a_school_that_was_renamed_or_taken_out_writes_as_it_did(office: Office, register: Register) -> None:
    announcement = announced(office, register)
    mail = written(office, announcement, office.schools)
    assert sender(mail) == FROM
    assert written(office, announcement, renamed(office)) == mail
    assert written(office, announcement, Schools()) == mail


def test_what_is_about_to_be_written_is_not_forgotten_for_others(
    office: Office, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "MOST_KNOWN", 2)
    known = Letters(Letterhead(office.domain, office.base_url, office.schools, office.receipt_key, office.verp))
    first, second, third = (dispatch.announcement(announced(office, register)) for _ in range(3))
    known.learn(first, [])
    known.learn(second, [])
    assert known.knows(first.id)
    known.learn(third, [])
    assert [known.knows(one.id) for one in (first, second, third)] == [True, False, True]


def test_what_an_older_version_announced_is_written_as_schools_toml_has_it(office: Office, register: Register) -> None:
    announcement = announced(office, register)
    change("UPDATE announcement_school SET name = ''")
    assert sender(written(office, announcement, renamed(office))) == RENAMED
    with pytest.raises(KeyError, match="t-daiichi"):
        written(office, announcement, Schools())
