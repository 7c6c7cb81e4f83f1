"""Who could live in the town? A roster of fictional households, always the same for the same seed.

Names are put together from common ones, addresses are spread over receivers as they are in Japan; nobody real is meant.
The result is the CSV that `households import` takes, with what a real roster has: siblings with one address, households
that switched the option off, addresses in slots 3 and 4, and the irregular local parts of old docomo and au addresses.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from mailer.domain.household import Entry
from mailer.domain.roster import write_roster
from mailer.domain.school import School

# fmt: off
FAMILIES = (
    "佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山田", "佐々木",
    "髙木", "松本", "井上", "木村", "林", "斎藤", "清水", "山﨑", "森", "池田",
)
CHILDREN = (
    "陽葵", "凛", "結菜", "芽依", "紬", "葵", "さくら", "心春", "陽菜", "美咲", "蓮", "陽翔", "湊", "蒼", "樹",
    "大翔", "悠真", "律", "朝陽", "颯太", "大和", "陸",
)
GUARDIANS = (
    "健太", "大輔", "直樹", "誠", "隆", "和也", "久美子", "裕子", "恵", "由美", "智子", "真由美", "香織",
    "明美", "美穂", "浩二",
)
SYLLABLES = (
    "ka", "ki", "ku", "ko", "sa", "shi", "su", "so", "ta", "chi", "to", "na", "ni", "no", "ha", "hi", "fu",
    "ho", "ma", "mi", "mu", "mo", "ya", "yu", "yo", "ra", "ri", "ru", "wa",
)
# fmt: on
#: Mail domains and their share in percent.
SHARES = {
    "docomo.ne.jp": 28,
    "ezweb.ne.jp": 13,
    "au.com": 7,
    "softbank.ne.jp": 9,
    "i.softbank.jp": 3,
    "gmail.com": 20,
    "icloud.com": 6,
    "yahoo.co.jp": 6,
    "ymobile.ne.jp": 2,
    "rakumail.jp": 1,
    "outlook.jp": 1,
}
WORKPLACES = tuple(
    f"{name}.example.jp"
    for name in ("sorachi", "nogyo", "kensetsu", "byoin", "yakuba", "shoten", "unyu", "seika", "kogyo")
)
OLD_FORMS = ("docomo.ne.jp", "ezweb.ne.jp")
SECOND_SLOT, THIRD_SLOT, OPTION_OFF, SIBLING, IRREGULAR = 0.6, 0.15, 0.03, 0.08, 0.01


def roster(households: int, schools: Iterable[School], seed: int) -> str:
    """Return the CSV text for so many households, spread over the schools."""
    return "".join(write_roster(entries(households, tuple(schools), random.Random(seed))))


def entries(households: int, schools: Sequence[School], chance: random.Random) -> Iterator[Entry]:
    """Yield the households; a sibling has the addresses and the guardian of the one before."""
    before: Entry | None = None
    for number in range(1, households + 1):
        school = schools[number % len(schools)]
        if before is not None and chance.random() < SIBLING:
            addresses, guardian = before.addresses, before.guardian
        else:
            addresses, guardian = _addresses(number, chance), _name(chance.choice(FAMILIES), chance, GUARDIANS)
        before = Entry(
            school=school.code,
            grade=str(chance.randint(1, 6 if school.kind == "elementary" else 3)),
            class_name=str(chance.randint(1, 3)),
            child=_name(guardian.partition(" ")[0], chance, CHILDREN),
            guardian=guardian,
            login=f"m{number:05}",
            addresses=addresses,
            receives_broadcasts=chance.random() >= OPTION_OFF,
        )
        yield before


def _name(family: str, chance: random.Random, given: Sequence[str]) -> str:
    return f"{family} {chance.choice(given)}"


def _addresses(number: int, chance: random.Random) -> dict[int, str]:
    wanted = [1]
    wanted += [2] if chance.random() < SECOND_SLOT else []
    wanted += [3] if chance.random() < THIRD_SLOT else []
    return {slot: f"{_local(number, slot, chance)}@{_domain(chance)}" for slot in wanted} | _old_form(number, chance)


def _old_form(number: int, chance: random.Random) -> dict[int, str]:
    """Now and then the first address is one that docomo and au gave out before 2009."""
    if chance.random() >= IRREGULAR:
        return {}
    form = chance.choice(("{0}..{1}", "{0}{1}.", ".{0}{1}", "-{0}{1}"))
    return {1: f"{form.format(chance.choice(SYLLABLES), number)}@{chance.choice(OLD_FORMS)}"}


def _local(number: int, slot: int, chance: random.Random) -> str:
    word = "".join(chance.choice(SYLLABLES) for _ in range(3))
    return f"{word}{chance.choice(('.', '_', ''))}{number}{'' if slot == 1 else 'abcd'[slot - 1]}"


def _domain(chance: random.Random) -> str:
    place = chance.uniform(0, 100)
    for domain, share in SHARES.items():
        place -= share
        if place < 0:
            return domain
    return chance.choice(WORKPLACES)
