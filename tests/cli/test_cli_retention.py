"""Does an operator see what is kept for how long, and does the one who asks for what is forgotten hear why?"""

from mailer.cli.retention import WORDS
from mailer.clock import system_clock
from mailer.domain.retention import RULES
from mailer.store import accounting, retention
from mailer.store.database import select, transaction
from tests.cli.town import Town


def test_every_kind_has_its_words() -> None:
    assert list(WORDS) == [kind.value for kind in RULES]


def test_what_is_kept_is_shown_with_its_term(town: Town) -> None:
    with town.config.open("a") as config:
        config.write('[retention]\ntranscripts = "45d"\n')
    found = town.json("retention")
    kinds = {one["kind"]: one for one in found["kinds"]}
    assert (kinds["transcripts"]["days"], kinds["transcripts"]["settable"]) == (45, True)
    assert (kinds["refusals"]["days"], kinds["refusals"]["settable"]) == (60, False)
    assert (kinds["audit"]["days"], kinds["audit"]["rows"] > 0, kinds["operation"]["rows"]) == (None, True, None)
    assert found["store"]["octets"] > 0
    shown = town.done("retention")
    assert "45 days" in shown
    assert "(60 days)" in shown
    assert "for good" in shown


def test_who_asks_for_forgotten_recipients_hears_why(town: Town) -> None:
    with town.office(), transaction():
        select("INSERT INTO announcement VALUES ('B0000001', 'broadcast', 1, 's', 't', 0, 'x', 1, 1, 2, NULL, '')")
        retention.close("B0000001", accounting.tally("B0000001"), system_clock())
    for verb in ("recipients", "verify"):
        refused = town.type("broadcast", verb, "B0000001")
        assert refused.exit_code == 1
        assert "The recipients of B0000001 were forgotten on" in refused.stderr
    assert "were forgotten" in town.type("explain", "a@docomo.ne.jp", "--broadcast", "B0000001").stderr
    assert town.json("broadcast", "show", "B0000001")["recipients"] == 0
    assert "recipients forgotten" in town.done("broadcast", "show", "B0000001")
