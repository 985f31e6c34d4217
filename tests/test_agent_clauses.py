import random
import re
import time

import pytest

from agent.clauses import MAX_CHARACTERS, ClauseSplitter


def split(text: str, seed: int = 0) -> list[str]:
    """Feed `text` in random pieces."""
    splitter, clauses, rng, at = ClauseSplitter(), [], random.Random(seed), 0
    while at < len(text):
        step = rng.randint(1, 9)
        clauses += splitter.feed(text[at : at + step])
        at += step
    return clauses + splitter.finish()


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


CASES = {
    "first at a comma": (
        "Well, I was hoping for that, and here you are at last. Come in!",
        ["Well, I was hoping for that,", "and here you are at last.", "Come in!"],
    ),
    "abbreviations": (
        "Dr. Smith and Mrs. Jones met at 10 a.m. in St. Ives. They left, e.g. by train.",
        ["Dr. Smith and Mrs. Jones met at 10 a.m. in St. Ives.", "They left, e.g. by train."],
    ),
    "decimals and money": (
        "It costs 3.50 or 1,000.25 today. Really!",
        ["It costs 3.50 or 1,000.25 today.", "Really!"],
    ),
    "addresses": (
        "See https://a.example/b,c.d?e=1. Then write to x.y@z.org please.",
        ["See https://a.example/b,c.d?e=1.", "Then write to x.y@z.org please."],
    ),
    "ellipsis": (
        "I thought... maybe not today. All right... Let us go then.",
        ["I thought... maybe not today.", "All right... Let us go then."],
    ),
    "emoji stay with their sentence": (
        "That is great! 😀👍🏽 I am so glad.",
        ["That is great! 😀👍🏽", "I am so glad."],
    ),
    "list": (
        "1. Buy the milk today\n2. Call your old mother\n- Sleep well tonight please",
        ["1. Buy the milk today", "2. Call your old mother", "- Sleep well tonight please"],
    ),
    "Chinese": (
        "今天天气很好。我们去公园散步吧,好吗?",
        ["今天天气很好。", "我们去公园散步吧,好吗?"],
    ),
    "Arabic": (
        "مرحبا بك يا صديقي، كيف حالك أنت هذا اليوم؟ أنا بخير والحمد لله.",
        ["مرحبا بك يا صديقي،", "كيف حالك أنت هذا اليوم؟", "أنا بخير والحمد لله."],
    ),
    "quotes": (
        'He said "No way." Then he left the room.',
        ['He said "No way."', "Then he left the room."],
    ),
    "short sentences join": (
        "I see how it is. Yes. No. Well then. Let us go on with it.",
        ["I see how it is.", "Yes. No. Well then.", "Let us go on with it."],
    ),
    "nothing": ("", []),
    "blanks": (" \n\t ", []),
    "one word": ("Hello", ["Hello"]),
}


@pytest.mark.parametrize(("text", "clauses"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_cuts(text, clauses, seed):
    assert split(text, seed) == clauses


def test_first_clause_needs_no_full_stop():
    splitter = ClauseSplitter()
    words = "so this is a very long opening that goes on and on without any mark at all".split()
    given = [clause for word in words for clause in splitter.feed(word + " ")]
    assert len(given) == 1
    assert 6 <= len(given[0].split()) <= 12


def test_long_sentences_are_cut_at_their_joints():
    text = (
        "Yes. " + "we walked along the river and talked about the old days, " * 6 + "and went home."
    )
    clauses = split(text)
    assert all(len(clause.split()) <= 28 for clause in clauses)
    assert all(clause.endswith((",", ".")) for clause in clauses)


PIECES = [
    *["word", "a", "I", "Dr.", "3.5", "e.g.", "well,", "end.", "what?!", "...", "—", "\n", "😀"],
    *["👩\u200d👩\u200d👧", "。", "今天", "、", "سلام،", "؟", "`x = 1;`", "https://a.b/c.", "\t"],
    *['"quoted."', "(aside)", "x" * 300, "e\u0301", "1.", "- item", "<b>", "  "],
]


@pytest.mark.parametrize("seed", range(150))
def test_no_character_is_lost_or_doubled(seed):
    rng = random.Random(seed)
    text = "".join(rng.choice(PIECES) + rng.choice([" ", " ", "", "\n"]) for _ in range(60))
    clauses = split(text, seed)
    assert squeezed("".join(clauses)) == squeezed(text)
    assert all(clause == clause.strip() != "" for clause in clauses)


@pytest.mark.parametrize("seed", range(20))
def test_cuts_do_not_depend_on_the_tokens(seed):
    text = "Well, hello there! I'm glad that you came. Dr. Who paid 3.50, I think... or so. Fine."
    assert split(text, seed) == split(text, 99)


@pytest.mark.parametrize("text", ["x" * 10_000, "漢" * 10_000, "👩‍👩‍👧" * 3_000, "e\u0301" * 5_000])
def test_a_run_without_marks_is_cut_between_characters(text):
    clauses = split(text)
    assert "".join(clauses) == text
    assert all(len(clause) <= MAX_CHARACTERS + 10 for clause in clauses)
    assert not any(clause[0] in "\u0301\u200d" for clause in clauses)


def test_everything_given_out_early_is_followed_by_something():
    splitter = ClauseSplitter()
    assert splitter.feed("Hello there. ") == []
    assert splitter.pending == "Hello there. "
    assert splitter.feed("I") == ["Hello there."]
    assert splitter.finish() == ["I"]


def test_a_hundred_thousand_characters_take_moments():
    splitter, start = ClauseSplitter(), time.perf_counter()
    for _ in range(1_000):
        splitter.feed("lorem ipsum dolor sit amet, " * 4)
    assert time.perf_counter() - start < 5
