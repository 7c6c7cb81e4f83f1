"""Is an operator told what a suspension takes the place of, what it keeps, and that it may be a mistake?"""

from tests.cli.town import Town


def test_who_suspends_again_is_told_the_end_of_before(town: Town) -> None:
    first = town.json("queue", "suspend", "--domain", "gmail.com", "--for", "30m", "--reason", "工事")
    result = town.type("queue", "suspend", "--domain", "gmail.com", "--for", "10m")
    end = first["until"][:19].replace("T", " ")
    assert f"It was suspended before: until {end} Japan time. That no longer holds." in result.stderr
    assert "suspended before" not in town.type("queue", "suspend", "--school", "t-daini", "--for", "10m").stderr
    before = town.json("queue", "suspend", "--school", "t-daini")["before"]
    assert (before["until"] is not None, before["reason"]) == (True, "")


def test_who_suspends_what_nobody_has_an_address_at_is_asked_whether_that_is_meant(town: Town) -> None:
    words = "No address is registered there and no mail waits there. Is the name right?"
    for option in ("--domain", "--site"):
        result = town.type("queue", "suspend", option, "nai.example.jp")
        assert (result.exit_code, words in result.stderr) == (0, True)
        assert words not in town.type("queue", "suspend", option, "gmail.com").stderr
    for place in (("--carrier", "docomo"), ("--school", "t-toei")):
        assert words not in town.type("queue", "suspend", *place).stderr
    assert town.json("queue", "suspend", "--domain", "nai.example.jp")["empty"] is True


def test_who_forgets_what_is_meant_is_told_of_all(town: Town) -> None:
    for verb in ("resume", "hold", "release"):
        result = town.type("queue", verb)
        assert (result.exit_code, "--all" in result.stderr.splitlines()[-1]) == (2, True), verb
    for verb in ("suspend", "remove", "requeue"):
        assert "--all" not in town.type("queue", verb).stderr, verb


def test_who_flushes_is_told_what_a_suspension_keeps(town: Town, broadcast: str) -> None:
    words = ("--all", "--subject", "x", "--text-file", "-", "--at", "2099-01-01T08:00")
    town.done("broadcast", "send", *words, stdin="x")
    town.done("queue", "suspend", "--school", "t-daiichi")
    town.done("queue", "suspend", "--domain", "gmail.com")
    result = town.type("queue", "flush")
    assert result.stdout == "Items that are tried now: 0\n"
    assert "Suspended, and not tried before that ends: 2. “mimamori queue suspended” shows" in result.stderr
    assert town.json("queue", "flush", "Q1") == {"items": 1, "suspended": 1}
    town.done("queue", "resume", "--school", "t-daiichi")
    assert town.json("queue", "flush") == {"items": 2, "suspended": 1}
    town.done("queue", "resume", "--all")
    result = town.type("queue", "flush")
    assert (result.stdout, result.stderr) == ("Items that are tried now: 2\n", "")
