"""Reads feeling from words: lexicon hits with negation, degree, emoji, emphasis and contrast.

The data is `lexicon.yaml`; this module is pure and takes well under a millisecond a clause.
Feelings are (6,) float32 strengths in [0, 1] in the order of `EMOTIONS`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from emotion.types import EMOTIONS

Vector = NDArray[np.float32]

MAX_CHARACTERS = 4_000

# What remains of a negated feeling, and what it turns into ("not happy" is a little sad).
_NEGATED = {
    "happy": {"sad": 0.55},
    "sad": {"happy": 0.25},
    "angry": {"happy": 0.1},
    "fearful": {"happy": 0.2},
}
_NEGATION_REACH = 3  # words
_DEGREE_REACH = 2
_BEFORE_CONTRAST = 0.45  # "nice, but sad" is mostly sad
_MORE_OF_SAME = 0.15  # what each further hit of one emotion adds to its strongest
_LONGEST_NAMING = 14  # words
_FILLER_WORDS = "a an and but with the of in i'm i am feel feeling feels yet at also then"
_FILLERS = frozenset(_FILLER_WORDS.split())
_STRETCHED = re.compile(r"(.)\1{2,}")
_SUFFIXES = ("s", "es", "ed", "d", "ing", "ly", "er", "est", "ness", "ful", "n't")


@dataclass(frozen=True, slots=True)
class Hit:
    """A word, phrase or emoji that moved the reading; strength in [0, 1] after its context."""

    text: str
    emotion: str
    strength: float


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the words say.

    strengths: (6,) float32, with degree words ("slightly") counted. evidence: the same without
    them: how surely the feeling is named, however weak it is.
    plain: a word such as "calm" or "thoughtful" says neutral.
    english: false when the text is in another language (then only emoji counted).
    named: nothing but feelings is said ("quietly amused, a little surprised").
    """

    strengths: Vector
    evidence: Vector
    hits: tuple[Hit, ...]
    plain: bool
    english: bool
    named: bool


@dataclass(frozen=True, slots=True)
class _Token:
    text: str  # lower case, elongation undone
    raw: str
    kind: str  # "word", "emoji", "stop" (ends a phrase) or "mark" (! and ?)


class Lexicon:
    """The tables of one lexicon file, ready to read texts. Immutable once built."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._words = _by_entry(data["words"], str.split)
        self._phrases = _by_entry(data["phrases"], list)
        self._emoji = _by_entry(data["emoji"], str.split)
        self._degree = {w: float(f) for f, ws in data["degree"].items() for w in ws.split()}
        sets = {k: frozenset(data[k].split()) for k in ("negators", "contrast", "plain", "foreign")}
        self._negators, self._contrast = sets["negators"], sets["contrast"]
        self._plain, self._foreign = sets["plain"], sets["foreign"]
        self._starts = _longest_by_first_word(self._phrases)
        self._pattern = _token_pattern(self._emoji)

    def read(self, text: str) -> Reading:
        """The feeling of a text in English; other languages count by emoji only."""
        tokens = self._tokens(text[:MAX_CHARACTERS])
        english = self._is_english(tokens)
        if not english:
            tokens = [token for token in tokens if token.kind == "emoji"]
        found = list(self._found(tokens))
        words = [token.text for token in tokens if token.kind == "word"]
        return Reading(
            strengths=_combined([f.strengths for f in found], _emphasis(tokens)),
            evidence=_combined([f.evidence for f in found], 1.0),
            hits=tuple(hit for one in found for hit in one.hits()),
            plain=not self._plain.isdisjoint(words),
            english=english,
            named=bool(words) and self._names_only(words, found),
        )

    def is_emoji(self, text: str) -> bool:
        """Whether this is one of the emoji or smileys that the lexicon knows."""
        return text in self._emoji

    def degree(self, word: str) -> float:
        """The factor that a word puts on the feeling after it: "very" 1.2, "slightly" 0.55."""
        return self._degree.get(word, 1.0)

    def negates(self, word: str) -> bool:
        """Whether the word denies what follows."""
        return word in self._negators

    def turns(self, word: str) -> bool:
        """Whether the word sets what follows against what went before."""
        return word in self._contrast

    def _names_only(self, words: list[str], found: "list[_Found]") -> bool:
        count = sum(len(one.text.split()) for one in found)
        rest = sum(w in _FILLERS or w in self._degree or w in self._plain for w in words)
        return len(words) <= _LONGEST_NAMING and count + rest >= len(words)

    def _tokens(self, text: str) -> list[_Token]:
        tokens = []
        for match in self._pattern.finditer(text):
            raw = match.group()
            kind = match.lastgroup or "stop"
            if kind == "word":
                tokens.append(_Token(self._plain_spelling(raw), raw, kind))
            elif kind != "skip":
                tokens.append(_Token(raw, raw, kind))
        return tokens

    def _plain_spelling(self, raw: str) -> str:
        """Lower case, straight apostrophes, and "soooo" as "so"."""
        word = raw.casefold().replace("’", "'")
        if word in self._words:
            return word
        for keep in (r"\1\1", r"\1"):
            short = _STRETCHED.sub(keep, word)
            if short in self._words or short in self._degree:
                return short
        return _STRETCHED.sub(r"\1\1", word)

    def _is_english(self, tokens: list[_Token]) -> bool:
        words = [token.text for token in tokens if token.kind == "word"]
        if not words:
            return True
        latin = sum(word[0] < "\u0250" for word in words)
        foreign = sum(word in self._foreign for word in words)
        return latin * 2 >= len(words) and foreign * 6 < len(words)

    def _found(self, tokens: list[_Token]) -> "Iterator[_Found]":
        """Entries in reading order with their strengths in context."""
        contrast = _last_contrast(tokens, self._contrast)
        i = free = 0
        while i < len(tokens):
            length, vector = self._match(tokens, i)
            if vector is not None:
                name = " ".join(token.raw for token in tokens[i : i + length])
                # What a phrase has used up negates nothing more: "can't believe we won".
                before = _words_before(tokens[free:], i - free, _NEGATION_REACH)
                factor, vector = self._in_context(tokens, i, length, vector, before)
                weight = _BEFORE_CONTRAST if i < contrast.get(i, -1) else 1.0
                yield _Found(name, vector * np.float32(weight), factor)
            i += length
            free = i if length > 1 else free

    def _match(self, tokens: list[_Token], i: int) -> tuple[int, Vector | None]:
        """How many tokens the longest entry at `i` takes (at least 1), and its strengths."""
        token = tokens[i]
        if token.kind == "emoji":
            return 1, self._emoji[token.text]
        if token.kind != "word":
            return 1, None
        for length in range(self._starts.get(token.text, 1), 1, -1):
            phrase = " ".join(t.text for t in tokens[i : i + length] if t.kind == "word")
            if phrase in self._phrases:
                return length, self._phrases[phrase]
        return 1, self._word(token.text)

    def _word(self, word: str) -> Vector | None:
        if word in self._negators or word in self._contrast:
            return None
        for form in _forms(word):
            if form in self._words:
                return self._words[form]
        return None

    def _in_context(
        self, tokens: list[_Token], i: int, length: int, vector: Vector, before: list[str]
    ) -> tuple[float, Vector]:
        """The factor that degree words put on the entry at `i`, and the entry, negated if so.

        before: the words right before it that belong to no other entry.
        """
        if tokens[i].kind == "emoji":
            return 1.0, vector
        after = _words_after(tokens, i + length, 2)
        factor = _shouting(tokens[i].raw)
        for word in before[-_DEGREE_REACH:]:
            factor *= self._degree.get(word, 1.0)
        if any(word in self._negators for word in before):
            return max(factor, 1.0) * (1.2 if after == ["at", "all"] else 1.0), _negated(vector)
        return factor, vector


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    text: str
    evidence: Vector
    factor: float

    @property
    def strengths(self) -> Vector:
        strengths: Vector = np.minimum(self.evidence * np.float32(self.factor), np.float32(1))
        return strengths

    def hits(self) -> Iterator[Hit]:
        for emotion, strength in zip(EMOTIONS, self.strengths, strict=True):
            if strength > 0:
                yield Hit(self.text, emotion, round(float(strength), 3))


def load_lexicon(path: Path | None = None) -> Lexicon:
    """Read a lexicon file (default: the one shipped beside this module)."""
    source = path or Path(__file__).with_name("lexicon.yaml")
    return Lexicon(yaml.load(source.read_text("utf-8"), Loader=_loader()))


def _loader() -> type[Any]:
    """LibYAML's safe loader where it is built in: ten times faster."""
    loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return loader


def _by_entry(table: Mapping[str, Mapping[float, Any]], split: Any) -> dict[str, Vector]:
    """emotion -> strength -> entries, turned to entry -> (6,) strengths."""
    entries: dict[str, Vector] = {}
    for emotion, levels in table.items():
        for strength, names in levels.items():
            for name in split(names):
                row = entries.setdefault(str(name), np.zeros(len(EMOTIONS), np.float32))
                index = EMOTIONS.index(emotion)
                row[index] = max(float(row[index]), float(strength))
    return entries


def _longest_by_first_word(phrases: Mapping[str, Vector]) -> dict[str, int]:
    longest: dict[str, int] = {}
    for phrase in phrases:
        words = phrase.split()
        longest[words[0]] = max(longest.get(words[0], 1), len(words))
    return longest


def _token_pattern(emoji: Mapping[str, Vector]) -> re.Pattern[str]:
    def alternation(names: list[str]) -> str:
        return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))

    smileys = alternation([name for name in emoji if name.isascii()])
    pictures = alternation([name for name in emoji if not name.isascii()])
    return re.compile(
        rf"(?P<skip>https?://\S+|www\.\S+|```.*?```)"
        rf"|(?P<emoji>{pictures}|(?<![\w])(?:{smileys})(?!\w))"
        r"|(?P<word>[^\W\d_]+(?:['’\-][^\W\d_]+)*)"
        r"|(?P<mark>[!?]+)|(?P<stop>[.,;:…\n()]+)",
        re.DOTALL,
    )


def _forms(word: str) -> Iterator[str]:
    """The word, then its likely stems: "happily" -> "happy", "hugged" -> "hug"."""
    yield word
    for suffix in _SUFFIXES:
        if not word.endswith(suffix) or len(word) - len(suffix) < 3:
            continue
        stem = word[: -len(suffix)]
        yield stem
        if stem[-1] == "i":
            yield stem[:-1] + "y"
        if stem[-1] == stem[-2]:
            yield stem[:-1]
        if suffix in ("ing", "ed", "er", "est"):
            yield stem + "e"


def _words_before(tokens: list[_Token], i: int, count: int) -> list[str]:
    words: list[str] = []
    for token in reversed(tokens[max(0, i - count) : i]):
        if token.kind != "word":
            break
        words.insert(0, token.text)
    return words


def _words_after(tokens: list[_Token], i: int, count: int) -> list[str]:
    return [token.text for token in tokens[i : i + count] if token.kind == "word"]


def _last_contrast(tokens: list[_Token], contrast: frozenset[str]) -> dict[int, int]:
    """For each token index, where its sentence's last contrast word stands."""
    borders: dict[int, int] = {}
    start = 0
    for i, token in enumerate([*tokens, _Token(".", ".", "mark")]):
        ends = token.kind == "mark" or (token.kind == "stop" and token.text[0] not in ",;:()")
        if ends:
            # Two words must follow: a closing "though" turns nothing.
            turn = next((j for j in range(i - 3, start, -1) if tokens[j].text in contrast), -1)
            borders.update(dict.fromkeys(range(start, i), turn))
            start = i + 1
    return borders


def _negated(vector: Vector) -> Vector:
    result = np.zeros_like(vector)
    for emotion, becomes in _NEGATED.items():
        for target, share in becomes.items():
            result[EMOTIONS.index(target)] += share * vector[EMOTIONS.index(emotion)]
    return result


def _combined(vectors: list[Vector], emphasis: float) -> Vector:
    """Per emotion the strongest hit, and a little for each further one."""
    if not vectors:
        return np.zeros(len(EMOTIONS), np.float32)
    stack = np.stack(vectors)
    top = stack.max(0)
    total = (top + np.float32(_MORE_OF_SAME) * (stack.sum(0) - top)) * np.float32(emphasis)
    bounded: Vector = np.minimum(total, np.float32(1))
    return bounded


def _emphasis(tokens: list[_Token]) -> float:
    marks = sum(token.text.count("!") for token in tokens if token.kind == "mark")
    return 1 + 0.08 * min(marks, 3)


def _shouting(raw: str) -> float:
    """HAPPY and happyyy are more than happy."""
    loud = 1.15 if raw.isupper() and len(raw) > 2 else 1.0
    return loud * (1.15 if _STRETCHED.search(raw) else 1.0)
