"""Turns "I miss my sister" to "you miss your sister"."""

import re

_TURNED = {
    "i was": "you were", "i am": "you are", "you are": "I am", "you were": "I was",
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "am": "are",
    "i'm": "you're", "i've": "you've", "i'll": "you'll", "i'd": "you'd", "we": "you",
    "our": "your", "us": "you", "you": "me", "your": "my", "yours": "mine", "yourself": "myself",
    "you're": "I'm", "you've": "I've", "you'll": "I'll",
}  # fmt: skip
_WORD = re.compile(r"\b(?:i was|i am|you are|you were)\b|[\w']+", re.IGNORECASE)


def turned(text: str) -> str:
    """First person to second and back; everything else unchanged."""
    return _WORD.sub(
        lambda match: _TURNED.get(match.group().casefold(), match.group()), text.replace("’", "'")
    )
