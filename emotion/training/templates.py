"""Practice sentences made from `templates.yaml`: degree, negation, mixtures, emoji, irony, ...

A sentence that repeats five words in a row of a hard case is never made.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from emotion.training.hard import hard_cases
from emotion.types import EMOTIONS

_HERE = Path(__file__)
_GRAM = 5
# What a denied feeling leaves: how strong, and how surely anything is felt at all.
_DENIED: Mapping[str, Mapping[str, float]] = {
    "happy": {"sad": 0.35},
    "sad": {"happy": 0.15},
    "angry": {"happy": 0.1},
    "fearful": {"happy": 0.2},
    "disgusted": {},
    "surprised": {},
}


@dataclass(frozen=True, slots=True)
class Practice:
    """A sentence with what is felt. strengths: in [0, 1] by emotion; neutral: how surely nothing
    is felt, in [0, 1] (0 and no strengths: it cannot be told)."""

    text: str
    strengths: Mapping[str, float]
    neutral: float
    kind: str


class Templates:
    """Draws practice sentences of all kinds; the same seed gives the same sentences."""

    def __init__(self, seed: int, table: Mapping[str, Any] | None = None) -> None:
        self._random = random.Random(seed)
        text = _HERE.with_name("templates.yaml").read_text("utf-8")
        self._table: Mapping[str, Any] = table or yaml.safe_load(text)
        self._emoji = _emoji_by_feeling()
        self._banned = {gram for case in hard_cases() for gram in grams(case.text)}

    def draw(self, count: int) -> list[Practice]:
        """`count` different sentences, or fewer where the kinds run out of them."""
        kinds = self._kinds()
        names = list(kinds)
        shares = [share for share, _ in kinds.values()]
        made: dict[str, Practice] = {}
        for _ in range(4 * count):
            kind = self._random.choices(names, shares)[0]
            practice = kinds[kind][1]()
            if self._banned.isdisjoint(grams(practice.text)):
                made.setdefault(practice.text, practice)
            if len(made) == count:
                break
        return list(made.values())

    def _kinds(self) -> dict[str, tuple[float, Callable[[], Practice]]]:
        return {
            "felt": (16, self._felt),
            "was": (8, self._was),
            "most": (2, self._most),
            "negation": (14, self._denied),
            "mixed": (12, self._mixed),
            "emotion text": (7, self._named),
            "happens": (8, self._happening),
            "emoji": (10, self._with_emoji),
            "irony": (9, self._ironic),
            "sincere": (5, self._sincere),
            "question": (5, self._question),
            "neutral": (6, self._plain),
            "foreign": (5, self._foreign),
        }

    def _pick(self, name: str) -> Any:
        return self._random.choice(self._table[name])

    def _one_of(self, table: Mapping[float, list[str]]) -> tuple[float, str]:
        strength = self._random.choice(list(table))
        return strength, self._random.choice(table[strength])

    def _feeling(self) -> str:
        return self._random.choice(EMOTIONS)

    def _word(self, emotion: str, kind: str = "feelings") -> tuple[float, str]:
        """A word of the feeling with or without a degree word, and how strong both are."""
        strength, word = self._one_of(self._table[kind][emotion])
        if self._random.random() < 0.45:
            degree, factor = self._random.choice(list(self._table["degrees"].items()))
            strength, word = strength * factor, f"{degree} {word}"
        return min(max(strength, 0.08), 1.0), word

    def _felt(self) -> Practice:
        emotion = self._feeling()
        strength, word = self._word(emotion)
        text = self._pick("felt").format(f=word, topic=self._pick("topics"))
        return self._made(text, {emotion: strength}, "felt")

    def _was(self) -> Practice:
        emotion = self._feeling()
        strength, word = self._word(emotion, "things")
        text = self._pick("was").format(t=word, topic=self._pick("topics"))
        return self._made(text, {emotion: 0.9 * strength}, "was")

    def _most(self) -> Practice:
        emotion = self._feeling()
        _, word = self._one_of(self._table["feelings"][emotion])
        text = self._pick("most").format(a=word, A=word.upper())
        return self._made(text, {emotion: 1.0}, "most")

    def _denied(self) -> Practice:
        topic = self._pick("topics")
        way = self._random.random()
        if way < 0.12:
            text, emotion = self._pick("never_more")
            return self._made(text, {emotion: 0.9}, "negation")
        if way < 0.3:
            return self._liked(topic)
        emotion = self._feeling()
        kind, frames = ("feelings", "not_felt") if way < 0.75 else ("things", "not_was")
        _, word = self._one_of(self._table[kind][emotion])
        text = self._pick(frames).format(a=word, t=word, topic=topic)
        left = _DENIED[emotion]
        sure = 0.35 if emotion == "happy" else 0.8
        return Practice(_sentence(text), left, sure, "negation")

    def _liked(self, topic: str) -> Practice:
        likes = self._random.random() < 0.5
        said, denied, feeling = self._pick("likes" if likes else "dislikes")
        yes = self._random.random() < 0.4
        text = _sentence((said if yes else denied).format(topic=topic))
        if yes:
            return Practice(text, {"happy" if likes else feeling: 0.6}, 0.0, "negation")
        if likes and feeling != "neutral":
            return Practice(text, {feeling: 0.4}, 0.2, "negation")
        return Practice(text, {} if likes else {"happy": 0.15}, 0.8, "negation")

    def _mixed(self) -> Practice:
        one, other = self._random.sample(EMOTIONS, 2)
        if self._random.random() < 0.4:
            first, second = self._pick_event(one), self._pick_event(other)
            joint = self._random.choice([", but ", ". ", ", and then ", ", yet ", "! "])
            return self._made(f"{first}{joint}{second}", {one: 0.5, other: 0.6}, "mixed")
        (a, first), (b, second) = self._word(one), self._word(other)
        frame = self._random.choice(
            [
                "I'm {x} and {y}.", "{x} and {y}", "{x}, {y}", "I'm {x}, but also {y}.",
                "both {x} and {y}", "half {x}, half {y}", "He was {x} and {y} at the same time.",
                "{x}, yet {y}", "I feel {x}, and I'm {y} about {topic}.", "{x} but {y}",
            ]
        )  # fmt: skip
        text = frame.format(x=first, y=second, topic=self._pick("topics"))
        return self._made(text, {one: a, other: b}, "mixed")

    def _named(self) -> Practice:
        """Emotion text as a model writes it beside its clauses."""
        if self._random.random() < 0.35:
            return Practice(self._pick("plain"), {}, 1.0, "emotion text")
        emotion = self._feeling()
        strength, word = self._one_of(self._table["feelings"][emotion])
        how, factor = self._random.choice(list(self._table["voices"].items()))
        if self._random.random() < 0.5:
            strength, word = strength * factor, f"{how} {word}"
        if self._random.random() < 0.3:
            return self._made(f"{self._pick('plain')}, {word}", {emotion: strength}, "emotion text")
        return self._made(word, {emotion: strength}, "emotion text")

    def _happening(self) -> Practice:
        emotion = self._feeling()
        text = self._pick_event(emotion) + self._random.choice([".", "!", "", "..."])
        return self._made(text, {emotion: 0.65}, "happens")

    def _pick_event(self, emotion: str) -> str:
        event: str = self._random.choice(self._table["happens"][emotion])
        return event

    def _with_emoji(self) -> Practice:
        if self._random.random() < 0.12:
            signs = self._random.choice(["😭", "😭😭", "💀", "😭😭😭😭"])
            text = self._pick("sobbing_with_laughter").format(e=signs)
            return self._made(text, {"happy": 0.85}, "emoji")
        emotion = self._feeling()
        strength, sign = self._one_of(self._emoji[emotion])
        before = (
            self._pick("foreign") if self._random.random() < 0.2 else self._pick_event("neutral")
        )
        repeat = self._random.choice([1, 1, 1, 2, 3])
        text = f"{before} {sign * repeat}" if self._random.random() < 0.9 else sign * repeat
        return self._made(text, {emotion: min(strength * (1 + 0.05 * repeat), 1)}, "emoji")

    def _ironic(self) -> Practice:
        text = self._filled("ironic", "bad_deeds", "bad_doings")
        return self._made(text, {"angry": 0.55, "sad": 0.2}, "irony")

    def _sincere(self) -> Practice:
        return self._made(
            self._filled("sincere", "good_deeds", "good_doings"), {"happy": 0.7}, "sincere"
        )

    def _filled(self, frames: str, deeds: str, doings: str) -> str:
        praise = self._pick("praise")
        text: str = self._pick(frames)
        return text.format(
            p=praise, P=praise.capitalize(), bad=self._pick("bad"), good=self._pick("good"),
            deed=self._pick(deeds), doing=self._pick(doings),
        )  # fmt: skip

    def _question(self) -> Practice:
        if self._random.random() < 0.4:
            return Practice(self._pick("ask_neutral"), {}, 1.0, "question")
        emotion = self._feeling()
        return self._made(self._pick(f"ask_{emotion}"), {emotion: 0.55}, "question")

    def _plain(self) -> Practice:
        if self._random.random() < 0.3:
            noun = self._pick("nouns")
            text = self._pick("about").format(noun=noun, Noun=noun.capitalize())
            return Practice(text, {}, 1.0, "neutral")
        first, second = self._pick_event("neutral"), self._pick_event("neutral")
        text = self._random.choice([first, f"{first} and {second}", f"{first}. {second}"])
        return Practice(_sentence(text + "."), {}, 1.0, "neutral")

    def _foreign(self) -> Practice:
        words = self._pick("foreign").split(" ")
        if len(words) > 3 and self._random.random() < 0.5:
            start = self._random.randrange(len(words) - 2)
            words = words[start:]
        return Practice(" ".join(words), {}, 0.0, "foreign")

    def _made(self, text: str, strengths: Mapping[str, float], kind: str) -> Practice:
        spelt = _sentence(text) if self._random.random() < 0.8 else text
        return Practice(spelt, strengths, 0.0, kind)


def grams(text: str) -> Iterator[tuple[str, ...]]:
    """All runs of five words; a shorter text is one run."""
    words = re.findall(r"[\w']+", text.casefold())
    for at in range(max(len(words) - _GRAM, 0) + 1):
        yield tuple(words[at : at + _GRAM])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _emoji_by_feeling() -> dict[str, dict[float, list[str]]]:
    """Emoji that stand for one feeling only, by strength."""
    source = _HERE.parents[1] / "lexicon.yaml"
    table = yaml.safe_load(source.read_text("utf-8"))["emoji"]
    found = {
        emotion: {float(s): names.split() for s, names in levels.items()}
        for emotion, levels in table.items()
    }
    every = [name for levels in found.values() for names in levels.values() for name in names]
    return {
        emotion: {s: [n for n in names if every.count(n) == 1] for s, names in levels.items()}
        for emotion, levels in found.items()
    }
