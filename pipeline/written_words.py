"""Words as they are written: engines name the words they speak without their punctuation."""

from dataclasses import replace

from speech.types import WordSpan


class WrittenWords:
    """Finds the spoken words of one clause in its text, in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._folded = text.casefold() if len(text.casefold()) == len(text) else text
        self._at = 0

    def align(self, words: tuple[WordSpan, ...]) -> tuple[WordSpan, ...]:
        """The same spans with the text around them up to the blanks, e.g. "Mara,"; a word that
        is not found (a number spoken in full) stays as the engine names it."""
        return tuple(self._written(word) for word in words)

    def _written(self, word: WordSpan) -> WordSpan:
        found = self._folded.find(word.text.casefold(), self._at) if word.text else -1
        if found < 0:
            return word
        start, end = self._at, found + len(word.text)
        while end < len(self._text) and not self._text[end].isspace():
            end += 1
        before = self._text[start:found].split()
        # Only what touches the word belongs to it: an opening quote, not a skipped word.
        lead = before[-1] if before and not self._text[found - 1].isspace() else ""
        self._at = end
        return replace(word, text=lead + self._text[found:end])
