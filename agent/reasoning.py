"""Reasoning that some local models write before they answer: `<think>...</think> Hello.`

It is neither said nor shown. The tags may be split across tokens in any way.
"""

_OPEN, _CLOSE = "<think>", "</think>"


class Reasoning:
    """Takes the reasoning off the beginning of one reply as its tokens arrive."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "begins"  # then "thinks", then "speaks"

    def feed(self, token: str) -> str:
        """What of the reply is known to be spoken after this token."""
        if self._state == "speaks":
            return token
        self._held += token
        if self._state == "begins":
            start = self._held.lstrip().casefold()
            if _OPEN.startswith(start[: len(_OPEN)]) and len(start) < len(_OPEN):
                return ""  # nothing, or a part of the tag
            self._state = "thinks" if start.startswith(_OPEN) else "speaks"
        if self._state == "speaks":
            return self.finish()
        return self._after_thinking()

    def finish(self) -> str:
        """What was held back, at the end of the stream; reasoning without an end stays unsaid."""
        held, self._held = self._held, ""
        return "" if self._state == "thinks" else held

    def _after_thinking(self) -> str:
        end = self._held.casefold().find(_CLOSE)
        if end < 0:
            return ""
        rest, self._held = self._held[end + len(_CLOSE) :], ""
        self._state = "speaks"
        return rest
