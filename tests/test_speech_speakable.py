import time

import pytest

from speech.speakable import LONGEST_PART, bare, parts, speakable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello **world**!", "Hello world!"),
        ("# Title\n\n- one\n- two", "Title. one. two"),
        ("See [the docs](https://x.org/a_(b)) now", "See the docs now"),
        ("Go to https://www.example.com/a?b=c.", "Go to example dot com"),
        ("Write to bob@mail.org", "Write to bob at mail dot org"),
        ("Before ```python\nprint(1)\n``` after", "Before after"),
        ("Run `make chat` first", "Run make chat first"),
        ("Fun 😀 :-) yes", "Fun yes"),
        ("<script>alert(1)</script>ok <b>bold</b>", "ok bold"),
        ("a\x00b\x07c\u200bd", "a b c d"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Salt & pepper", "Salt and pepper"),
        ("It costs $5.20, about 50%.", "It costs $5.20, about 50%."),
        ("A -> B", "A to B"),
        ("Really?!!!", "Really?!"),
        ("snake_case", "snake case"),
        ("café, naïve, 你好", "café, naïve, 你好"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a, b, 1, 2,"),
    ],
)
def test_markup_and_noise_fall_away(text: str, said: str) -> None:
    assert speakable(text) == said


@pytest.mark.parametrize("text", ["", " \n\t", "...", "😀😀", "```\ncode\n```", "\x00\x01", "---"])
def test_what_cannot_be_said_is_empty(text: str) -> None:
    assert speakable(text) == ""


def test_parts_are_short_and_lose_nothing() -> None:
    text = speakable("Once upon a time, there was a king. He had two sons; one was wise. " * 50)
    cut = list(parts(text))
    assert max(map(len, cut)) <= LONGEST_PART
    assert " ".join(cut) == text
    assert all(part[-1] in ".,;" for part in cut)


def test_a_text_without_spaces_is_cut_too() -> None:
    assert max(map(len, parts(speakable("x" * 100_000)))) <= LONGEST_PART


@pytest.mark.parametrize("unit", ["![a](", "[", "<script>", "```", "a@b.", "_a", "-|", "http://"])
def test_hostile_text_of_100_000_characters_takes_no_time(unit: str) -> None:
    start = time.process_time()
    list(parts(speakable(unit * (100_000 // len(unit)))))
    assert time.process_time() - start < 5


def test_bare_strips_punctuation_only_around_a_word() -> None:
    assert [bare(t) for t in ("“don't,”", "(42)", "...")] == ["don't", "42", "..."]
