"""What if a server that nobody here wrote says "later", and takes the mail at the second attempt?"""

import pytest

from tests.acceptance.conftest import Town
from tests.acceptance.jail import wait_until

SCHOOL = "t-daini"
ADDRESSES = ("taro@greylisting.example", "a..b@greylisting.example", "unknown.one@greylisting.example")


@pytest.fixture(scope="module")
def deferred(town: Town) -> str:
    """A broadcast that met greylisting."""
    town.appliance.register({SCHOOL: ADDRESSES})
    # Not urgent: the second attempt comes a minute later, or when it is asked for.
    announcement = town.appliance.send(SCHOOL, "本日は集団下校です。", urgent=False)
    town.appliance.wait(announcement, deferred=len(ADDRESSES))
    return announcement


def test_greylisting_is_met_by_a_second_attempt(town: Town, deferred: str) -> None:
    for line in town.appliance.recipients(deferred).values():
        assert (line["state"], line["evidence"]["code"], line["evidence"]["attempts"]) == ("deferred", 450, 1)
    town.appliance.run("queue", "flush", "--broadcast", deferred)
    town.appliance.wait(deferred, accepted=2, refused=1)
    told = town.appliance.recipients(deferred)
    assert {address: line["evidence"]["attempts"] for address, line in told.items()} == dict.fromkeys(ADDRESSES, 2)
    assert told["unknown.one@greylisting.example"]["evidence"]["code"] == 550
    assert not any(line["possible_duplicate"] for line in told.values())
    assert town.appliance.run("broadcast", "verify", deferred)["ok"]
    _arrived_once(town, deferred)
    # The reverse-path is the same at each attempt, or greylisting would begin anew.
    assert len(town.greylist.asked) == 2 * len(set(town.greylist.asked)) == 2 * len(ADDRESSES)


def _arrived_once(town: Town, announcement: str) -> None:
    for address, mail in town.appliance.rendered(announcement).items():
        content = mail.replace(b"\r\n", b"\n")
        count = 0 if address.startswith("unknown") else 1
        wait_until(lambda: sum(one.endswith(content) for one in town.mails()) == count, 10)  # noqa: B023  # called here
