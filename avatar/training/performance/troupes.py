"""Who plays in which split."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.training.performance.config import Settings
from avatar.training.performance.noise import Rng
from avatar.training.performance.produce import Troupe
from avatar.training.performance.recordings import Recording, of_split, read_recordings
from avatar.training.performance.script import Playwright
from avatar.training.performance.speech import MadeVoice, Others, RecordedVoice, Voice
from avatar.training.performance.texts import read_texts
from avatar.training.performance.voices import Cast, Speakers, cast_of

REAL_HEARD = 0.5  # share of takes in which a recording is heard


@dataclass(frozen=True, slots=True)
class Sources:
    """texts: GoEmotions table; speech: recordings; held: the held-out split; real: of recordings
    themselves."""

    texts: Path
    speech: Path | None
    held: bool
    real: bool


def troupe_of(settings: Settings, sources: Sources, speakers: Speakers, out: Path) -> Troupe:
    """The troupe of the split that the sources name. Raises MediaError for missing sources."""
    texts = read_texts(sources.texts, held=sources.held, one_of=settings.held_sentences)
    playwright = Playwright(settings, texts)
    cast = cast_of(held=sources.held)
    heard = _recordings(settings, sources)
    others = Others(
        lambda rng: MadeVoice(speakers, cast.draw(rng, foreign=False)), heard, REAL_HEARD
    )
    if not sources.real:
        draw = _maker(settings, sources, speakers, cast)
        return Troupe("val" if sources.held else "train", playwright, draw, others)
    return Troupe("real_val" if sources.held else "real_train", playwright,
                  _reader(settings, sources, out), others)  # fmt: skip


def _maker(
    settings: Settings, sources: Sources, speakers: Speakers, cast: Cast
) -> Callable[[Rng], Voice]:
    def draw(rng: Rng) -> Voice:
        foreign = not sources.held and rng.random() < settings.foreign
        return MadeVoice(speakers, cast.draw(rng, foreign=foreign))

    return draw


def _recordings(settings: Settings, sources: Sources) -> list[Recording]:
    if sources.speech is None:
        return []
    known = read_recordings(sources.speech)
    return list(of_split(known, held=sources.held, share=settings.held_speakers))


def _reader(settings: Settings, sources: Sources, out: Path) -> Callable[[Rng], Voice]:
    from avatar.training.performance.aligned import aligned_voices, seconds_of

    voices = aligned_voices(_recordings(settings, sources), out)
    names = sorted(voices)
    # Who has much to say comes more often, yet not as much more often.
    shares = np.sqrt([seconds_of(voices[name]) for name in names])

    def draw(rng: Rng) -> Voice:
        name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        return RecordedVoice(name, voices[name])

    return draw
