"""What may clerks' files, returned reverse-paths and visitors' URLs hold?"""

from functools import cache

from config import Settings
from config.schools import load_schools
from mailer.domain.answering import REASONS as ANSWERING
from mailer.domain.answering import Arrival, is_machine, why_not_noticed
from mailer.domain.moment import MomentError, parse_moment, written
from mailer.domain.receipt import token, token_hash, url
from mailer.domain.roster import HEADER, REASONS, read_roster, write_roster
from mailer.domain.school import Schools
from mailer.message.verp import Verp
from tests.fuzz.target import MAIL, Target, storable

KEY = bytes(range(32))
ITEM = 0x2F
VERP = Verp(KEY, "mail.example.jp")
SINGLES = VERP.of_singles()


@cache
def _schools() -> Schools:
    return load_schools(Settings.model_validate({}))


def _verp(content: bytes) -> None:
    """Only what we made names an item; of that nothing but the case of letters may have changed."""
    text = content.decode("utf-8", "replace")
    found = VERP.read(text)
    assert found is None or text.lower() == VERP.local_part(found)
    single = SINGLES.read(text)
    assert single is None or text.lower() == SINGLES.local_part(single)
    assert found is None or single is None


def _token(content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    assert len(token_hash(text)) == 32
    assert (token_hash(text) == token_hash(token(KEY, ITEM))) is (text == token(KEY, ITEM))
    url("https://a.example/", text)


def _answering(content: bytes) -> None:
    text = content.decode("utf-8", "replace")[:254]
    arrival = Arrival(text, automatic=False, addressed=True, returned=False, been_here=False, octets=len(content))
    why = why_not_noticed(arrival, "mail.example.jp")
    assert not why or why in ANSWERING
    assert why or not is_machine(text)


def _moment(content: bytes) -> None:
    assert written(parse_moment(content.decode("utf-8", "replace")))


def _roster(content: bytes) -> None:
    roster = read_roster(content, _schools())
    for problem in roster.problems:
        assert problem.reason in REASONS, problem.reason
        assert problem.line > 0
    for _line, entry in roster.entries:
        storable(entry.school, entry.child, entry.guardian, entry.login, *entry.addresses.values())
    entries = [entry for _line, entry in roster.entries]
    if entries and roster.readable:
        again = read_roster("".join(write_roster(entries)).encode(), _schools())
        assert [entry for _line, entry in again.entries] == entries, "written and read again it differs"


HEADER_LINE = ",".join(HEADER).encode() + b"\r\n"
_ROSTERS = (
    HEADER_LINE + "t-daiichi,1,2組,岩見沢 太郎,岩見沢 花子,1001,taro..@docomo.ne.jp,,,,1\r\n".encode(),
    HEADER_LINE + 't-daiichi,1,"2\n組",太郎,,1002,"\'-a@ezweb.ne.jp",b@x.example,,,0\r\n'.encode("cp932"),
)

TYPED_TARGETS = (
    Target(
        "verp",
        _verp,
        (VERP.local_part(ITEM).encode(), SINGLES.local_part(2**64 - 1).encode()),
        (b"b-", b"s-", b"-", b"0", b"f"),
        weight=8,
    ),
    Target(
        "receipt",
        _token,
        (token(KEY, ITEM).encode(), b"AAAAAAAAAAAAAAAAAAAAAA"),
        (b"/", b"%00", b"=", b"-", b"_"),
        weight=6,
    ),
    Target(
        "answering",
        _answering,
        (b"taro@docomo.ne.jp", b"owner-list@x.example", b"no-reply@x.example", b"a-bounces+b=c@x.example"),
        (b"no", b"reply", b"bounce", b"-", b"_", b"notification", b"do_not"),
        weight=3,
    ),
    Target(
        "moment",
        _moment,
        (b"2026-04-01T08:00", b"9999-12-31T23:59:59-14:00", b"0001-01-01t00:00:00.5z"),
        (b"+24:00", b"-00:60", b"0000"),
        (MomentError,),
        weight=4,
    ),
    Target(
        "roster",
        _roster,
        _ROSTERS,
        (b",", b'"', b'""', b"'", b"=1+1", b"\r\n", b"t-daiichi", HEADER_LINE),
        weight=3,
        longest=MAIL,
    ),
)
