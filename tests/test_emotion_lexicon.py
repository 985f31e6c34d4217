import time

import pytest

from emotion.lexicon import load_lexicon
from emotion.types import EMOTIONS

LEXICON = load_lexicon()


def strength(text: str, emotion: str) -> float:
    return float(LEXICON.read(text).strengths[EMOTIONS.index(emotion)])


def dominant(text: str) -> str:
    strengths = LEXICON.read(text).strengths
    return EMOTIONS[int(strengths.argmax())] if strengths.any() else "neutral"


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("I am so happy", "happy"),
        ("not happy at all", "sad"),
        ("I don't feel happy", "sad"),
        ("furious", "angry"),
        ("That is disgusting", "disgusted"),
        ("I'm terrified of it", "fearful"),
        ("I can't believe it", "surprised"),
        ("I got promoted today", "happy"),
        ("😭", "sad"),
        ("what a day :)", "happy"),
        ("that was nice, but now I am sad", "sad"),
        ("I'm not afraid", "happy"),
        ("The train leaves at four.", "neutral"),
        ("http://happy.example/sad", "neutral"),
        ("", "neutral"),
    ],
)
def test_reads_feeling(text, emotion):
    assert dominant(text) == emotion


def test_a_negator_inside_a_phrase_negates_nothing_after_it():
    strengths = LEXICON.read("I can't believe we won!").strengths
    felt = {name for name, value in zip(EMOTIONS, strengths, strict=True) if value > 0}
    assert felt == {"happy", "surprised"}
    assert dominant("Can't believe it, but I'm not happy at all") == "sad"


def test_degree_is_monotone():
    ladder = ["slightly annoyed", "annoyed", "very annoyed", "extremely annoyed"]
    strengths = [strength(text, "angry") for text in ladder]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == len(strengths)


def test_degree_changes_strength_but_not_evidence():
    plain, slight = LEXICON.read("I am sad"), LEXICON.read("I am slightly sad")
    assert slight.strengths[1] < plain.strengths[1]
    assert slight.evidence[1] == plain.evidence[1]


def test_emphasis_raises():
    assert strength("good!!!", "happy") > strength("good", "happy")
    assert strength("soooo GREAT", "happy") > strength("great", "happy")


def test_closing_though_turns_nothing():
    assert strength("I'm nervous though", "fearful") == strength("I'm nervous", "fearful")


def test_feeling_phrase_shows_all_its_parts():
    reading = LEXICON.read("quietly amused, a little surprised")
    assert reading.named
    assert strength("quietly amused, a little surprised", "happy") > 0.3
    assert 0.2 < strength("quietly amused, a little surprised", "surprised") < 0.5


@pytest.mark.parametrize(
    "text",
    ["Je suis très triste et content", "今日はとても良い天気", "Ich bin nicht sad", "Я очень рад"],
)
def test_other_languages_are_neutral_but_for_emoji(text):
    assert dominant(text) == "neutral"
    assert dominant(f"{text} 😡") == "angry"


def test_hits_tell_what_moved_the_reading():
    hits = LEXICON.read("I love this, but I'm worried 😢").hits
    assert [hit.text for hit in hits] == ["I love", "worried", "😢"]
    assert [hit.emotion for hit in hits] == ["happy", "fearful", "sad"]


def test_hostile_length_is_bounded():
    start = time.perf_counter()
    LEXICON.read("happy " * 100_000)
    assert time.perf_counter() - start < 0.5


def test_strengths_stay_in_range():
    text = "ecstatic overjoyed THRILLED extremely incredibly happyyyy!!! 😂😂😂 " * 20
    assert 0.99 <= float(LEXICON.read(text).strengths.max()) <= 1.0
