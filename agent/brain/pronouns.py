"""Turns "I miss my sister" to "you miss your sister"."""

import re

_TURNED = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "am": "are",
    "i'm": "you're", "i've": "you've", "i'll": "you'll", "i'd": "you'd", "we": "you",
    "our": "your", "us": "you", "you": "me", "your": "my", "yours": "mine", "yourself": "myself",
    "you're": "I'm", "you've": "I've", "you'll": "I'll",
}  # fmt: skip
_WORD = re.compile(r"[\w']+")


def turned(text: str) -> str:
    """First person to second and back; everything else unchanged."""
    plain = text.replace("’", "'")
    plain = re.sub(r"\b(I) was\b", "you were", plain, flags=re.IGNORECASE)
    return _WORD.sub(lambda m: _TURNED.get(m.group().casefold(), m.group()), plain)
