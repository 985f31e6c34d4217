"""Captions show words as they are written."""

import pytest

from pipeline.written_words import WrittenWords
from speech.types import WordSpan


def spans(*words: str) -> tuple[WordSpan, ...]:
    return tuple(WordSpan(w, i, i + 1) for i, w in enumerate(words))


@pytest.mark.parametrize(
    ("text", "spoken", "written"),
    [
        ("I'm Mara, a face.", ("I'm", "Mara", "a", "face"), ["I'm", "Mara,", "a", "face."]),
        ("“Hello,” she said.", ("hello", "she", "said"), ["“Hello,”", "she", "said."]),
        ("It costs 12 euros!", ("It", "costs", "twelve", "euros"),
         ["It", "costs", "twelve", "euros!"]),
        ("a a a", ("a", "a", "a"), ["a", "a", "a"]),
        ("", ("lost",), ["lost"]),
        ("İstanbul is big.", ("istanbul", "is", "big"), ["istanbul", "is", "big."]),
    ],
)  # fmt: skip
def test_words_keep_their_punctuation(
    text: str, spoken: tuple[str, ...], written: list[str]
) -> None:
    assert [w.text for w in WrittenWords(text).align(spans(*spoken))] == written


def test_a_clause_that_comes_in_pieces_goes_on_where_it_was() -> None:
    words = WrittenWords("the cat, the dog.")
    assert [w.text for w in words.align(spans("the", "cat"))] == ["the", "cat,"]
    assert [w.text for w in words.align(spans("the", "dog"))] == ["the", "dog."]
