"""IPA to lower-case ARPAbet: what espeak-ng says, in the phone set of the rest of the house.

Sounds that English lacks map to the English sound with the most similar mouth.
"""

PHONES = frozenset({
    "aa", "ae", "ah", "ao", "aw", "ax", "ay", "b", "ch", "d", "dh", "eh", "er", "ey", "f", "g",
    "hh", "ih", "iy", "jh", "k", "l", "m", "n", "ng", "ow", "oy", "p", "pau", "r", "s", "sh", "t",
    "th", "uh", "uw", "v", "w", "y", "z", "zh",
})  # fmt: skip

# Longest match first; a value may be several phones in a row.
_IPA = {
    # diphthongs and affricates
    "aɪ": "ay", "aʊ": "aw", "ɔɪ": "oy", "eɪ": "ey", "oʊ": "ow", "əʊ": "ow", "ɛɪ": "ey",
    "ɔø": "oy", "ɔʏ": "oy", "aj": "ay", "aw": "aw", "œy": "oy", "ʌu": "ow", "ɪə": "ih ax",
    "eə": "eh ax", "ʊə": "uh ax", "iə": "iy ax", "ei": "ey", "ai": "ay", "au": "aw", "ou": "ow",
    "oi": "oy", "ɑu": "aw", "tʃ": "ch", "dʒ": "jh", "tɕ": "ch", "dʑ": "jh", "ʈʂ": "ch", "tʂ": "ch",
    "ts": "t s", "dz": "d z", "pf": "p f", "ks": "k s",
    # vowels
    "i": "iy", "ɪ": "ih", "e": "ey", "ɛ": "eh", "æ": "ae", "a": "aa", "ɑ": "aa", "ɐ": "ah",
    "ʌ": "ah", "ɒ": "ao", "ɔ": "ao", "o": "ow", "ʊ": "uh", "u": "uw", "ə": "ax", "ɜ": "er",
    "ɚ": "er", "ɝ": "er", "ɵ": "uh", "ɘ": "ax", "ᵻ": "ih", "ɨ": "ih", "ʉ": "uw", "ɯ": "uw",
    "ɤ": "ah", "y": "uw", "ʏ": "uh", "ø": "er", "œ": "er", "ɶ": "aa", "ɞ": "er",
    # consonants
    "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "g": "g", "ɡ": "g", "c": "k", "ɟ": "g",
    "q": "k", "ɢ": "g", "ʔ": "t", "ʈ": "t", "ɖ": "d", "m": "m", "ɱ": "m", "n": "n", "ɳ": "n",
    "ɲ": "n", "ŋ": "ng", "ɴ": "ng", "f": "f", "v": "v", "ɸ": "f", "β": "v", "θ": "th", "ð": "dh",
    "s": "s", "z": "z", "ʃ": "sh", "ʒ": "zh", "ʂ": "sh", "ʐ": "zh", "ɕ": "sh", "ʑ": "zh",
    "ç": "sh", "ʝ": "y", "x": "hh", "ɣ": "g", "χ": "hh", "ʁ": "r", "ħ": "hh", "ʕ": "hh",
    "h": "hh", "ɦ": "hh", "r": "r", "ɹ": "r", "ɾ": "r", "ɽ": "r", "ɻ": "r", "ʀ": "r", "l": "l",
    "ɫ": "l", "ɬ": "l", "ɭ": "l", "ʎ": "l", "ɮ": "l", "ʋ": "v", "j": "y", "ɥ": "w", "w": "w",
    "ʍ": "w", "ɰ": "w", "ɧ": "sh",
}  # fmt: skip
_LONGEST = max(len(key) for key in _IPA)


def from_ipa(ipa: str) -> tuple[str, ...]:
    """The ARPAbet phones of one IPA string; () where it holds no sound (stress, length, tones).

    Unknown letters are passed over: a gap in the mouth's motion is better than a wrong shape.
    """
    found: list[str] = []
    at = 0
    while at < len(ipa):
        for size in range(_LONGEST, 0, -1):
            phones = _IPA.get(ipa[at : at + size])
            if phones is not None:
                found += phones.split()
                at += size
                break
        else:
            at += 1
    return tuple(found)
