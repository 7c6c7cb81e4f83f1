"""What if a server hangs up because too many of our recipients do not exist?

Postfix ends a session with 421 after 20 errors (smtpd_hard_error_limit), and an unknown recipient makes two where
DATA was pipelined behind it. Whoever waited behind the unknown ones must not suffer.
"""

from tests.acceptance.conftest import Town

SCHOOL = "t-nishi"
KNOWN, UNKNOWN = 120, 480


def test_all_recipients_get_their_own_answer_at_once(town: Town) -> None:
    known = [f"taro{number}@data.example" for number in range(KNOWN)]
    unknown = [f"unknown{number}@data.example" for number in range(UNKNOWN)]
    mixed = [address for five in zip(*[iter(unknown)] * 4, known, strict=True) for address in five]
    town.appliance.register({SCHOOL: mixed})
    announcement = town.appliance.send(SCHOOL, "本日は集団下校です。")
    town.appliance.wait(announcement, waiting=0)
    told = town.appliance.recipients(announcement)
    states = {address: (line["state"], line["evidence"]["code"]) for address, line in told.items()}
    assert states == {**dict.fromkeys(known, ("accepted", 250)), **dict.fromkeys(unknown, ("refused", 550))}
    assert {line["evidence"]["attempts"] for line in told.values()} == {1}
