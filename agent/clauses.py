"""Cuts a token stream into speakable clauses as soon as they are certain.

The first clause is cut early (at a comma, or after a dozen words), so that sound starts soon;
then whole sentences up to `MAX_WORDS`. A clause is given out only when something follows it, so
what `finish` gives is always the last one. No character is lost or doubled: the clauses joined
are the input, blanks between clauses aside.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

FIRST_MIN_WORDS = 3  # before a comma may end the first clause
FIRST_MAX_WORDS = 12
MIN_WORDS = 4  # shorter sentences join the next one
MAX_WORDS = 25
MAX_CHARACTERS = 240  # for runs without blanks

_SLACK = 3  # words: a sentence about to end is not cut just before its end
_WINDOW = 640  # characters looked at for one clause; bounds the work on endless input

_BOUNDARY = re.compile(
    r"""
    (?P<hard> [.!?…‽]+ ["'”’»)\]*_]* (?=\s) | [。！？｡]+ ["'”’」』）]* | [؟۔।]+ (?=\s) | \n )
  | (?P<soft> [,;:]["'”’)]* (?=\s) | [，、；：] | [،؛] (?=\s) | [—–]+ | (?<=\s)-+(?=\s) )
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“])(?:Mr|Mrs|Ms|Dr|Prof|Sr|Jr|St|Mt|vs|e\.g|i\.e|cf|approx|No|Fig|Vol|al|Inc|Ltd|Co"
    r"|a\.m|p\.m|U\.S|U\.K|[A-Z])\.$"
)
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*(?:\d{1,3}|[a-z])\.$")
_CONJUNCTION = re.compile(r"\s(?=(?:and|but|because|which|when|while|so|or|if|that|who)\s)")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# Pictures that belong to the sentence before them, with their joiners and variation marks.
_EMOJI_TAIL = re.compile(
    r"(?:[^\S\n]*[\u2600-\u27bf\u2b50\U0001f000-\U0001faff][\ufe0f\u200d\U0001f3fb-\U0001f3ff]*)+"
)
_GLUE = re.compile(r"[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")


@dataclass(frozen=True, slots=True)
class _Mark:
    end: int
    hard: bool
    words: float


class ClauseSplitter:
    """Collects tokens, gives out clauses. One object per reply."""

    def __init__(self) -> None:
        self._buffer = ""
        self._first = True

    @property
    def pending(self) -> str:
        """What came but is not given out yet."""
        return self._buffer

    def feed(self, token: str) -> list[str]:
        """The clauses that are certain after this token, stripped, in order."""
        self._buffer += token
        return list(self._cut())

    def finish(self) -> list[str]:
        """The rest, at the end of the stream: cut as before, the last item is the last clause."""
        clauses = [*self._cut(), self._buffer.strip()]
        self._buffer = ""
        return [clause for clause in clauses if clause]

    def _cut(self) -> Iterator[str]:
        while True:
            self._buffer = self._buffer.lstrip()
            end = _find_end(self._buffer[:_WINDOW], self._first)
            if end is None or not self._buffer[end:].strip():
                return
            clause, self._buffer = self._buffer[:end].strip(), self._buffer[end:]
            self._first = False
            yield clause


def _find_end(text: str, first: bool) -> int | None:
    """Where the first clause of `text` ends, or None while that is not certain."""
    longest = FIRST_MAX_WORDS if first else MAX_WORDS
    best: _Mark | None = None
    for mark in _marks(text):
        if mark.words > longest + _SLACK or mark.end > MAX_CHARACTERS:
            break
        if _ends_clause(mark, first):
            return mark.end
        best = mark
    return _forced_end(text, best, longest)


def _ends_clause(mark: _Mark, first: bool) -> bool:
    if first:
        return mark.words >= (1 if mark.hard else FIRST_MIN_WORDS)
    return mark.hard and mark.words >= MIN_WORDS


def _forced_end(text: str, best: _Mark | None, longest: int) -> int | None:
    """The best place inside a clause that is already too long; None if it is not."""
    blanks = [match.start() for match in re.finditer(r"\s+", text)]
    if _count_words(text) <= longest + _SLACK and len(text) <= MAX_CHARACTERS:
        return None
    if best is not None and best.words >= MIN_WORDS:
        return best.end
    limit = _limit(text, blanks, longest)
    joints = [m.start() for m in _CONJUNCTION.finditer(text, 0, limit)]
    roomy = [at for at in joints if _count_words(text[:at]) >= longest / 2]
    return roomy[-1] if roomy else limit


def _limit(text: str, blanks: list[int], longest: int) -> int:
    """The last blank within the allowed length, or a place between characters where none is."""
    fitting = [at for at in blanks[:longest] if 0 < at <= MAX_CHARACTERS]
    if fitting and _count_words(text[: fitting[-1]]) <= longest:
        return fitting[-1]
    at = 2 * longest if _CJK.match(text) else MAX_CHARACTERS
    at = min(at, len(text) - 1)
    while at < len(text) - 1 and (_GLUE.match(text[at]) or text[at - 1] == "\u200d"):
        at += 1
    return at


def _marks(text: str) -> Iterator[_Mark]:
    """Places where `text` may be cut, with the words before each."""
    for match in _BOUNDARY.finditer(text):
        end, hard = match.end(), match.lastgroup == "hard"
        if hard and _is_inside_sentence(text, end):
            if not match.group().startswith(("..", "…")):
                continue
            hard = False
        if hard:
            tail = _EMOJI_TAIL.match(text, end)
            end = tail.end() if tail else end
        yield _Mark(end, hard, _count_words(text[:end]))


def _is_inside_sentence(text: str, end: int) -> bool:
    """Whether the stop at `end` is an abbreviation's, a list number's, or goes on in lower case."""
    before = text[:end]
    if before[-1:] == "\n":
        return False
    if _ABBREVIATION.search(before) or _LIST_NUMBER.search(before):
        return True
    follows = text[end:].lstrip()[:1]
    return before.endswith(("..", "…")) and follows.islower()


def _count_words(text: str) -> float:
    """Words as an ear counts them; two CJK characters are about one."""
    ideographs = len(_CJK.findall(text))
    return sum(any(c.isalnum() for c in w) for w in _CJK.sub(" ", text).split()) + ideographs / 2
