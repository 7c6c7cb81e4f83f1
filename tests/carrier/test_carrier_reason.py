"""Does every reason have what the support desk needs?"""

import pytest

from mailer.carrier.reason import MEANINGS, Reason


def test_every_reason_has_a_meaning() -> None:
    assert list(MEANINGS) == list(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_words_for_people(reason: Reason) -> None:
    meaning = reason.meaning
    assert meaning.label
    assert meaning.advice.endswith("。")
    assert meaning.english


def test_the_words_for_a_limit_cover_one_mailbox_and_greylisting() -> None:
    """The queue shows them beside the reply of a server to which we were not too fast."""
    limited = Reason.RATE_LIMITED.meaning
    assert all(word in limited.english for word in ("mailbox", "greylisting"))
    assert all(word in limited.advice for word in ("宛先ひとつ", "グレイリスト"))


@pytest.mark.parametrize("reason", Reason)
def test_only_guardians_reasons_are_hard_and_only_others_faults_are_tried_again(reason: Reason) -> None:
    meaning = reason.meaning
    assert meaning.kind != "hard" or (meaning.acts == "guardian" and meaning.faq_item == 4)
    assert not meaning.tried_again or meaning.acts in ("operator", "remote")


def test_items_of_the_check_list() -> None:
    items = {reason.value: reason.meaning.faq_item for reason in Reason}
    assert items["recipient_filter"] == 1
    assert items["mailbox_full"] == items["expired"] == 3
    assert items["complaint"] == 5
    assert items["delivered"] == items["autoreply"] == 0
    assert all(items[reason.value] == 7 for reason in Reason if reason.meaning.acts in ("operator", "remote"))
