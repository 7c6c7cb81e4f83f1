"""Is it told from a quotation who said what, when, and to its last line?"""

import pytest

from mailer.bounce.quotation import stage_in, whole_reply

_TALK = "... while talking to mx.example.jp.:\n"


@pytest.mark.parametrize(
    ("talk", "stage"),
    [
        (_TALK + "<<< 554 5.7.1 no", "connect"),
        (_TALK + "<<< 421 4.3.2 no", "connect"),
        (_TALK + ">>> DATA\n<<< 554 5.7.1 no", "data"),
        (_TALK + ">>> RCPT To:<a@example.jp>\n<<< 550 5.1.1 no", "rcpt"),
        (_TALK + "<<< 550 5.1.1 User unknown", ""),  # greetings are refused by 554; what was answered here is not told
    ],
)
def test_a_refused_greeting_of_a_dialogue_is_told_from_a_refused_command(talk: str, stage: str) -> None:
    assert stage_in(talk) == stage


def test_a_reply_begun_in_a_field_is_ended_by_the_dialogue() -> None:
    talk = f"{_TALK}>>> DATA\n<<< 554-Transaction failed\n<<< 554 Reject due to policy restrictions.\n554 5.0.0 nix"
    reply = "554-Transaction failed\n<<< 554 Reject due to policy restrictions."
    assert whole_reply("554-Transaction failed", (talk,)) == reply


@pytest.mark.parametrize("said", ["554 Transaction failed", "554-Transaction failed\n554 really", "554-Other"])
def test_a_reply_that_is_whole_or_quoted_nowhere_is_left_as_it_is(said: str) -> None:
    assert whole_reply(said, ("<<< 554-Transaction failed\n<<< 554 Reject",)) == said
