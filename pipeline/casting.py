"""Who is played: a persona with a face and a voice that suits it."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.persona import Persona
from avatar.portraits import gallery
from avatar.types import Portrait
from emotion.errors import ConfigError
from speech.types import Voice

AUTOMATIC = "auto"


@dataclass(frozen=True, slots=True)
class Cast:
    """portrait: a name or path, or somebody's own; voice: an id, or AUTOMATIC."""

    persona: Persona
    portrait: str | Portrait
    voice: str = AUTOMATIC

    def voice_id(self, voices: Sequence[Voice]) -> str:
        """The voice to use: the one named; else the persona's if it can be used and suits the
        face; else the first that suits the face; else the first.

        Raises ConfigError for a named voice that does not exist.
        """
        if self.voice != AUTOMATIC:
            return _named(self.voice, voices)
        sex = next((entry.sex for entry in gallery() if entry.name == self.portrait), "")
        own = next((v for v in voices if v.id == self.persona.voice), None)
        if own and (self.persona.portrait == self.portrait or sex in ("", own.sex)):
            return own.id
        return next((voice.id for voice in voices if voice.sex == sex), voices[0].id)


def _named(wanted: str, voices: Sequence[Voice]) -> str:
    known = [voice.id for voice in voices]
    if wanted not in known:
        raise ConfigError(f'There is no voice "{wanted}".', f"Known: {', '.join(known)}.")
    return wanted
