"""What do the tests of mail to a school do again and again?"""

from dataclasses import replace

from mailer.bounce.event import ReadMail
from mailer.domain.answering import Replies
from mailer.domain.school import Schools
from mailer.mime.correspondence import read_correspondence
from mailer.mime.entity import read_mail
from mailer.service import replies, singles
from mailer.service.office import Office
from mailer.service.replies import Single
from mailer.smtp.address import parse_address
from mailer.smtp.envelope import Fact, ForwardPath
from mailer.smtp.reply import Reply, Stage
from mailer.store import inbound
from mailer.store import singles as store
from mailer.store.database import transaction
from mailer.store.singles import Ended

SENDER = "hanako@docomo.ne.jp"
MAILBOX = "office@city.example.jp"
SCHOOL = "t-daiichi@mail.mimamori-iwamizawa.jp"
OTHER = "t-daini@mail.mimamori-iwamizawa.jp"
TRACE = f"Return-Path: <{SENDER}>\r\nReceived: from x ([192.0.2.1])\r\n\tby y with ESMTP;\r\n\tnow\r\n"
CONTENT = (
    f"{TRACE}From: {SENDER}\r\nTo: {SCHOOL}, {OTHER}\r\nMessage-ID: <1@docomo.ne.jp>\r\n\r\n了解しました\r\n".encode()
)


def with_policy(office: Office, policy: Replies) -> Office:
    """Return the office in which every school has this policy."""
    listed = {one.code: replace(one, replies=policy) for one in office.schools}
    return replace(office, schools=Schools(listed, office.schools.cities))


def arrive(office: Office, *codes: str, content: bytes = CONTENT, sender: str = SENDER) -> list[Single]:
    """Let one mail come to schools; return what it led to."""
    paths = [f"{code}@{office.domain}" for code in codes or ("t-daiichi",)]
    packed = inbound.pack(content)
    mail = inbound.Arrived(office.clock(), sender, ", ".join(paths), "192.0.2.1", b"", packed, None, "mail")
    with transaction():
        number = inbound.add(mail)
        replies.learn(office, number, read_correspondence(read_mail(content)), ReadMail(()))
    return store.of_mail(number)


def due(office: Office) -> list[int]:
    return [one.id for one in singles.due(office, 10)]


def begun(office: Office, number: int) -> Single:
    with transaction():
        single = singles.begin(number)
    assert single is not None
    return single


def ends(office: Office, single: Single, ended: Ended) -> Single:
    with transaction():
        singles.settle(office, single, ended)
    return replies.get(single.id)


def tidied(office: Office, *under_way: int) -> int:
    with transaction():
        return singles.tidy(office, under_way)


def fact(code: int, text: str = "2.0.0 ok", stage: Stage = Stage.EOD, *, failure: str = "", kept: bool = False) -> Fact:
    reply = Reply(code, text) if code else None
    return Fact(ForwardPath(parse_address(SENDER)), stage, reply, failure, kept_unknown=kept)
