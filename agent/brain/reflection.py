"""Meets feelings and stories: says what it understood, asks back."""

import re

from agent.brain.book import Book, Meeting
from agent.brain.conversation import Conversation, Thought, is_question
from agent.brain.pronouns import turned
from emotion.lexicon import Lexicon
from emotion.types import EMOTIONS

# Intensity from which a message is met as a feeling; "I want ..." is not yet happiness.
_FELT = {"happy": 0.5, "surprised": 0.65}
_FELT_ELSE = 0.35
_MILD = 0.56
_PAINFUL = ("sad", "angry", "fearful")
_SHORT = 6  # words
_PERSONAL = re.compile(r"\b(?:i|i'm|im|i've|me|my|mine|we|our|us|myself|i'd|i'll)\b", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:he|she|they|him|her|them)\b", re.IGNORECASE)
_CRISIS = re.compile(
    r"\b(?:suicid\w*|kill(?:ing)? myself|end (?:it all|my life)|want to die|wanna die|hurt myself|"
    r"self[- ]harm\w*|don't want to live|no reason to live|better off dead|cut myself)\b",
    re.IGNORECASE,
)
_ECHO_WORDS = 9


class Mirror:
    """Finds the meeting for a message. Immutable; the chat is given with each call."""

    def __init__(self, book: Book, lexicon: Lexicon) -> None:
        self._book = book
        self._lexicon = lexicon

    def crisis(self, conversation: Conversation) -> Thought | None:
        """An answer that points to help, where somebody speaks of dying or self-harm."""
        said = [text.replace("’", "'") for text in conversation.said[-2:]]
        if said and _CRISIS.search(said[-1]):
            return self.meet("crisis", conversation)
        if any(_CRISIS.search(text) for text in said) and len(said[-1].split()) <= _SHORT:
            return self._met("crisis", conversation, again=True)
        return None

    def feeling(self, conversation: Conversation) -> Thought | None:
        """An answer to a feeling that the user states about their own life."""
        text = conversation.text
        wordless = not re.search(r"[^\W_]", text)
        if is_question(text) or not (wordless or self._is_personal(conversation)):
            return None
        kind = self._felt(text)
        if kind is None:
            return None
        return self._met(kind, conversation, again=self._felt_before(conversation) == kind)

    def hurts(self, text: str) -> bool:
        """Whether a message names a painful feeling."""
        return self._felt(text) in _PAINFUL

    def _is_personal(self, conversation: Conversation) -> bool:
        """About the user: said so, or a short word after a painful one ("it is hard")."""
        if _PERSONAL.search(conversation.text):
            return True
        if _OTHERS.search(conversation.text) and self.hurts(conversation.text):
            return True
        short = len(conversation.text.split()) <= _SHORT
        return short and self._felt_before(conversation) in _PAINFUL

    def pleases(self, text: str) -> bool:
        """Whether a message names a happy feeling."""
        return self._felt(text) == "happy"

    def lingering(self, conversation: Conversation) -> Thought | None:
        """An answer to a plain statement that goes on from a painful one."""
        kind = self._felt_before(conversation)
        goes_on = kind in _PAINFUL or conversation.text.casefold().startswith("because")
        if kind is None or not goes_on or is_question(conversation.text):
            return None
        return self._met(kind, conversation, again=True)

    def statement(self, conversation: Conversation) -> Thought | None:
        """A question back to a statement of a known form."""
        text = conversation.text.replace("’", "'")
        if is_question(text):
            return None
        if text.casefold().startswith("because") and self._felt_before(conversation):
            return self.lingering(conversation)
        for pattern in self._book.patterns:
            match = re.search(pattern.match, text[:400], re.IGNORECASE)
            if match:
                it = turned(match.group(1)) if match.groups() else ""
                said = conversation.pick([line.replace("{it}", it) for line in pattern.say])
                return Thought(said, pattern.feel)
        return None

    def unknown(self, conversation: Conversation) -> Thought:
        """An honest answer where nothing else fits."""
        kind = "unknown_question" if is_question(conversation.text) else "unknown_statement"
        return self.meet(kind, conversation)

    def meet(self, kind: str, conversation: Conversation) -> Thought:
        """A plain line of one kind."""
        meeting = self._book.meetings[kind]
        return Thought(conversation.pick(meeting.say), meeting.feel)

    def _felt(self, text: str) -> str | None:
        named = self._lexicon.read(text).evidence  # "a bit nervous" is nervous all the same
        kind = EMOTIONS[int(named.argmax())]
        return kind if float(named.max()) >= _FELT.get(kind, _FELT_ELSE) else None

    def _felt_before(self, conversation: Conversation) -> str | None:
        return self._felt(conversation.said[-2]) if len(conversation.said) > 1 else None

    def _met(self, kind: str, conversation: Conversation, again: bool) -> Thought:
        meeting = self._book.meetings[kind]
        mildly = float(self._lexicon.read(conversation.text).strengths.max()) < _MILD
        if again and meeting.again:
            options = list(meeting.again)
        elif mildly and meeting.mild:
            options = list(meeting.mild)
        else:
            options = [*meeting.say, *_echoes(meeting, conversation.text)]
        return Thought(conversation.pick(options), meeting.feel)


def _echoes(meeting: Meeting, text: str) -> list[str]:
    """Lines that repeat a short message turned to "you"."""
    sentence = re.split(r"[.!?;]", text.strip())[0].strip()
    simple = re.match(r"(?:i|my|i'm|i've|we)\b(?!.*\bsorry\b)", sentence, re.IGNORECASE)
    if not simple or not 3 <= len(sentence.split()) <= _ECHO_WORDS:
        return []
    echo = turned(sentence)
    return [line.replace("{echo}", echo[0].upper() + echo[1:]) for line in meeting.echo]
