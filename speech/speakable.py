"""Written text made speakable: marks of markup fall away, what cannot be said is dropped or named.

Numbers, dates and abbreviations are left to the engines, which know their language.
"""

import re
import unicodedata
from collections.abc import Iterator

LONGEST_PART = 180  # characters of one synthesis; about 12 s, so that a cancel is never far

_FENCE = re.compile(r"(```|~~~).*?(\1|\Z)", re.DOTALL)
# Every repetition is bounded and stops at its own opening mark: a hostile message costs no time.
_SCRIPT = re.compile(r"<(script|style)\b[^<>]{0,200}>.{0,2000}?</\1>", re.DOTALL | re.IGNORECASE)
_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,300})\]\([^()\n]{0,400}(?:\([^()\n]{0,100}\)[^()\n]{0,100})?\)"
)
_URL = re.compile(r"\b(?:https?://|www\.)(?:www\.)?([^\s/?#<>\"')\]]{1,255})[^\s<>\"')\]]*")
_MAIL = re.compile(r"\b([\w.+-]{1,64})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,5})\b")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")
_RULE = re.compile(r"^[ \t|:=*_-]{3,}$", re.M)  # rulers and table borders
_LINE_MARK = re.compile(r"^[ \t]{0,12}(?:#{1,6}|>+|[-*+•]|\d{1,3}[.)])[ \t]+", re.M)
_EMPHASIS = re.compile(r"(?<!\w)(\*{1,3}|_{1,3}|~~)(?=\S)|(?<=\S)(\*{1,3}|_{1,3}|~~)(?!\w)")
_BACKTICKS = re.compile(r"`+")
_EMOTICON = re.compile(r"(?<!\S)[:;=8xX]['’]?-?[()DPpOo3/\\|*]+(?!\S)")
_LINE_END = re.compile(r"[ \t]*([^\s])?[ \t]*(?:\n[ \t]*)+")
_ARROW = re.compile(r"\s[-=]{1,2}>\s")
_STUTTER = re.compile(r"([.!?])\s*[,;:]|[,;:](?:\s*[,;:])+")
_REPEATED = re.compile(r"([^\w\s])\1{1,}")
_LONG_WORD = re.compile(r"\S{60,}")
_NAMED = {"&": " and ", "→": " to ", "≈": " about ", "≤": " at most ", "≥": " at least ",
          "×": " times ", "|": ", ", "—": ", ", "–": "-", "…": "...", "\u00a0": " "}  # fmt: skip
_CLOSERS = re.compile(r"(?<=[.!?;:…。！？])[\"')\]]*\s+|(?<=,)\s+")
_SYMBOLS_SAID = frozenset("&+%=@$€£°")


def speakable(text: str) -> str:
    """One line of plain words and punctuation; "" when nothing can be said."""
    text = _FENCE.sub(" ", text)
    text = _SCRIPT.sub(" ", text)
    text = _LINK.sub(r" \1 ", text)
    text = _MAIL.sub(lambda m: f"{m[1]} at {m[2].replace('.', ' dot ')}", text)
    text = _URL.sub(lambda m: m[1].rstrip(".,;:!?").replace(".", " dot "), text)
    text = _TAG.sub(" ", text)
    text = _RULE.sub("", text)
    text = _LINE_MARK.sub("", text)
    text = _EMOTICON.sub("", text)
    text = _BACKTICKS.sub("", _EMPHASIS.sub("", text))
    text = _LINE_END.sub(_joined_line, text)
    text = _ARROW.sub(" to ", text)
    text = "".join(_NAMED.get(c, c) for c in text)
    text = "".join(c if _is_said(c) else " " for c in text)
    text = _REPEATED.sub(r"\1", text)
    text = _LONG_WORD.sub(lambda m: " ".join(re.findall(r".{1,40}", m[0])), text)
    text = re.sub(r" ([,.;:!?])", r"\1", " ".join(text.split()))
    text = _STUTTER.sub(lambda m: m[1] or ",", text).lstrip(",.;:!? ")
    return text if any(c.isalnum() for c in text) else ""


def parts(text: str) -> Iterator[str]:
    """Cut speakable text into parts of at most LONGEST_PART characters, at the best place."""
    rest = text
    while len(rest) > LONGEST_PART:
        window = rest[: LONGEST_PART + 1]
        marks = [m.end() for m in _CLOSERS.finditer(window) if m.end() >= LONGEST_PART // 4]
        cut = marks[-1] if marks else window.rfind(" ") + 1
        cut = cut or LONGEST_PART
        yield rest[:cut].strip()
        rest = rest[cut:]
    if rest.strip():
        yield rest.strip()


def bare(token: str) -> str:
    """A token without the punctuation around it (itself when there is nothing else)."""
    return token.strip(".,;:!?\"'()[]{}«»“”‘’…–—-¿¡") or token


def is_word(token: str) -> bool:
    """Whether anything of a token is said aloud."""
    return any(c.isalnum() or c in _SYMBOLS_SAID for c in token)


def _joined_line(match: re.Match[str]) -> str:
    """A line break is heard as a stop unless the line already ends in a mark."""
    last = match[1] or ""
    return f"{last} " if not last.isalnum() else f"{last}. "


def _is_said(char: str) -> bool:
    """Whether a character is left for the engine; emoji, controls, surrogates and marks are not."""
    if char in _SYMBOLS_SAID or char in " #'-/":
        return True
    kind = unicodedata.category(char)
    return kind[0] in "LMN" or (kind[0] == "P" and char not in "*_\\~^`") or kind == "Sc"
