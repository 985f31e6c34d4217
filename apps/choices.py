"""What each page has chosen: persona, portrait and voice, kept by the page's token.

Sessions come and go (a lost connection, a restarted server); a page's choices outlive them.
"""

from dataclasses import dataclass, field, replace

PAGES = 2_000  # the oldest are forgotten beyond this


@dataclass(frozen=True, slots=True)
class Choice:
    """Names; an empty portrait or voice is the persona's own.

    uploaded: it is the user's own picture, whose small face is `own_face` (a data URI).
    """

    persona: str
    portrait: str = ""
    voice: str = ""
    uploaded: bool = False
    own_face: str = ""

    def without_picture(self) -> "Choice":
        """The same without the user's own picture, which is forgotten with its session."""
        return replace(self, uploaded=False, own_face="")

    def wishes(self) -> dict[str, str]:
        """As `SessionRegistry.mint` takes them."""
        named = {"persona": self.persona, "portrait": self.portrait, "voice": self.voice}
        return {key: value for key, value in named.items() if value}


@dataclass(slots=True)
class Choices:
    """The choices of all pages of one server."""

    standard: Choice
    _pages: dict[str, Choice] = field(default_factory=dict)

    def of(self, token: str) -> Choice:
        """What this page has chosen, or the standard."""
        return self._pages.get(token, self.standard)

    def keep(self, token: str, choice: Choice) -> Choice:
        """Remember a page's choice; returns it."""
        self._pages.pop(token, None)
        while len(self._pages) >= PAGES:
            self._pages.pop(next(iter(self._pages)))
        self._pages[token] = choice
        return choice

    def change(self, token: str, **names: str | bool) -> Choice:
        """Remember that some of a page's choices changed; returns the whole."""
        return self.keep(token, replace(self.of(token), **names))  # type: ignore[arg-type]

    def forget(self, token: str) -> None:
        """Remember nothing of this page."""
        self._pages.pop(token, None)
