"""Who speaks: every voice that can be made here, divided into known and held-out ones.

A voice is named "engine/name", for espeak-ng "espeak/accent+variant@pitch,rate" with ratios of its
own. Held out are flite's awb, festival's kal, and five espeak-ng variants in every accent.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avatar.training.performance.festival import Festival
from avatar.training.performance.noise import Rng
from speech import espeak_library
from speech.engine import SpokenPiece
from speech.espeak import manner_of, timeline_of
from speech.flite import Flite
from speech.prosody import Prosody
from speech.tts import EmbeddedVoices
from speech.types import Voice

ACCENTS = (
    "en-us", "en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd",
    "en-us-nyc", "en-029",
)  # fmt: skip
FOREIGN = ("de", "fr", "es", "it", "pt-br", "nl", "pl", "sv", "tr")
HELD_VARIANTS = ("f4", "m7", "linda", "zac", "adam")
# Machines, whispers and jokes: not voices that anybody would give a face.
UNUSED = (
    "robosoft", "UniRobot", "anikaRobot", "Demonic", "croak", "whisper", "fast", "Tweaky", "Storm",
    "Mr serious", "AnxiousAndy", "announcer",
)  # fmt: skip
_KNOWN = (("flite/slt", 0.20), ("flite/rms", 0.16), ("flite/kal16", 0.05), ("festival/slt", 0.10))
_HELD = (("flite/awb", 0.4), ("festival/kal", 0.2))
PITCH, PACE = (0.82, 1.25), (0.85, 1.18)


class EspeakVariants:
    """Every variant of espeak-ng in every accent; see `speech.engine.VoiceEngine`."""

    name = "espeak"

    def __init__(self, voices: Sequence[str]) -> None:
        self._voices = tuple(voices)

    def available(self) -> bool:
        """Whether the wheel is installed."""
        return espeak_library.installed()

    def voices(self) -> Sequence[Voice]:
        """Those that it was made for."""
        return tuple(Voice(f"espeak/{v}", v, "en", "neutral", "espeak-ng") for v in self._voices)

    def speak(
        self, text: str, voice: str, prosody: Prosody, stop: threading.Event
    ) -> Iterator[SpokenPiece]:
        """One piece with the whole utterance."""
        code, _, own = voice.partition("@")
        pitch, rate = (float(x) for x in own.split(",")) if own else (1.0, 1.0)
        asked = replace(prosody, pitch=prosody.pitch * pitch, rate=prosody.rate * rate)
        recording = espeak_library.record(text, code, manner_of(asked), stop)
        timeline = timeline_of(recording, text)
        if recording.pcm.size and any(phone.symbol != "pau" for phone in timeline.phones):
            yield SpokenPiece(timeline, recording.pcm)


@dataclass(frozen=True, slots=True)
class Cast:
    """The voices of one split and how likely each is to be drawn."""

    named: tuple[tuple[str, float], ...]
    variants: tuple[str, ...]

    def draw(self, rng: Rng, *, foreign: bool) -> str:
        """The id of a voice; foreign: one of another language."""
        shares = [share for _, share in self.named]
        chosen = float(rng.random())
        if not foreign:
            for (name, _), upto in zip(self.named, _running(shares), strict=True):
                if chosen < upto:
                    return name
        accents = FOREIGN if foreign else ACCENTS
        accent = accents[int(rng.integers(len(accents)))]
        variant = self.variants[int(rng.integers(len(self.variants)))]
        pitch, pace = float(rng.uniform(*PITCH)), float(rng.uniform(*PACE))
        return f"espeak/{accent}+{variant}@{pitch:.2f},{pace:.2f}"


def _running(shares: Sequence[float]) -> Iterator[float]:
    total = 0.0
    for share in shares:
        total += share
        yield total


def cast_of(*, held: bool) -> Cast:
    """The voices of the held-out split, or the known ones, as far as this machine has them."""
    here = {voice.id for engine in (Flite(), Festival()) for voice in engine.voices()}
    named = tuple((name, share) for name, share in (_HELD if held else _KNOWN) if name in here)
    variants = HELD_VARIANTS if held else known_variants()
    return Cast(named, variants)


def known_variants() -> tuple[str, ...]:
    """espeak-ng's variants that are not held out."""
    import espeakng_loader

    folder = Path(espeakng_loader.get_data_path()) / "voices" / "!v"
    names = sorted(path.name for path in folder.iterdir())
    return tuple(
        name for name in names if not name.startswith(UNUSED) and name not in HELD_VARIANTS
    )


class Speakers:
    """Speaks with any voice id of a `Cast`; a context manager, for festival is a process."""

    def __init__(self) -> None:
        self._festival = Festival()
        self._flite = Flite()

    def __enter__(self) -> "Speakers":
        return self

    def __exit__(self, *exception: object) -> None:
        self._festival.close()

    def voices(self, voice: str) -> EmbeddedVoices:
        """An engine room that has this voice."""
        name = voice.partition("/")[2]
        return EmbeddedVoices((self._flite, EspeakVariants([name]), self._festival))
