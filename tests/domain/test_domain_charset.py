"""Is a file read as what it was saved as, and never as something else?"""

import pytest

from mailer.domain.charset import NoText, decode

TEXT = "﨑①～－ｶﾞ\r\n学校"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_text_comes_back_as_it_was_saved(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (TEXT.encode("utf-16"), 1),
        (b"PK\x03\x04rest", 1),
        (TEXT.encode()[:-1], 2),
        (b"\xef\xbb\xbf" + TEXT.encode("cp932"), 1),
        (b"one\ntwo\rthree\x81", 3),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(content: bytes, line: int) -> None:
    with pytest.raises(NoText) as caught:
        decode(content)
    assert caught.value.line == line


def test_half_a_character_does_not_turn_the_rest_into_others() -> None:
    assert decode("避難\ud83d してください".encode("utf-8", "surrogatepass")) == "避難\ud83d してください"
