import random

import pytest

from agent.feeling_tags import Feeling, FeelingTags, Words


def read(text: str, seed: int = 0) -> tuple[str, list[str]]:
    """Words and feelings of `text`, fed in random pieces."""
    tags, pieces, rng, at = FeelingTags(), [], random.Random(seed), 0
    while at < len(text):
        step = rng.randint(1, 6)
        pieces += tags.feed(text[at : at + step])
        at += step
    pieces += tags.finish()
    words = "".join(p.text for p in pieces if isinstance(p, Words))
    return words, [p.text for p in pieces if isinstance(p, Feeling)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("text", "words", "feelings"),
    [
        ("<feel>warm</feel>Hi.", "Hi.", ["warm"]),
        ("Hi.<feel>warm</feel> You.<FEEL> sad,\tshy </FEEL>", "Hi. You.", ["warm", "sad, shy"]),
        ("< feel >warm</ feel >Hi", "Hi", ["warm"]),
        ("no tags at all, 1 < 2 > 0", "no tags at all, 1 < 2 > 0", []),
        ("<b>bold</b> <script>x</script>", "<b>bold</b> <script>x</script>", []),
        ("<feel>never closed, and a reply", "never closed, and a reply", []),
        ("<feel>warm\nHi there</feel> you", "warm\nHi there you", []),
        ("<feel>one<feel>two</feel> Hi", "one Hi", ["two"]),
        ("stray</feel> close", "stray close", []),
        ("<feel></feel>Hi", "Hi", []),
        ("cut at <fee", "cut at <fee", []),
        ("cut at <", "cut at <", []),
        ("", "", []),
        ("<feel>" + "long " * 60 + "</feel>end", "long " * 60 + "end", []),
    ],
)
def test_reads(text, words, feelings, seed):
    assert read(text, seed) == (words, feelings)


def test_words_do_not_wait_without_reason():
    tags = FeelingTags()
    assert tags.feed("Hello ") == [Words("Hello ")]
    assert tags.feed("a < b") == [Words("a "), Words("<"), Words(" b")]


def test_unclosed_tag_holds_back_only_so_much():
    tags = FeelingTags()
    held = 0
    for _ in range(100):
        if tags.feed("word "):
            break
        held += 5
    tags.feed("<feel>")
    given: list[Words | Feeling] = []
    for _ in range(100):
        given += tags.feed("word ")
    assert sum(len(piece.text) for piece in given) >= 350


def test_hostile_tags():
    words, feelings = read("<feel>" * 5_000 + "hello")
    assert words == "hello" and feelings == []
    assert read("<" * 20_000)[0] == "<" * 20_000
