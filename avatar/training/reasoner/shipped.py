"""The shipped reasoner, gates and all, playing takes in closed loop.

Axis legend: F frames, L 5 frames.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avatar.life import LifeCues
from avatar.phone_features import one_hot
from avatar.reasoner import CHUNK, CONTEXT, LATENT, STYLE, Conditions, MotionReasoner, ReasonerState
from avatar.training.reasoner.takes import Takes
from avatar.types import Activity
from emotion.latent_space import LatentSpace
from emotion.types import EMOTIONS

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What is played: the frames of `takes`; sound: take whose sound is played instead of its own;
    phones: whether they are known; feeling: whether it is given; named: whether by its strengths,
    else the gate reads it from the latent."""

    takes: Takes
    sound: Takes
    phones: bool = True
    feeling: bool = False
    named: bool = True


def conditions_of(source: Source, space: LatentSpace, span: slice) -> Conditions:
    """The conditions of five frames."""
    own, takes = source.sound, source.takes
    strengths = takes.emotion[span].astype(np.float32) * np.float32(source.feeling)
    latent = space.label_latents(strengths.max(0)[None])[0]
    if source.feeling and not source.named:
        strengths = np.full_like(strengths, np.nan)
    floats = (own.audio[span], takes.heard[span], one_hot(own.bins[span]), takes.cues[span])
    audio, heard, phones, cues = (array.astype(np.float32) for array in floats)
    return Conditions(
        audio=audio,
        heard=heard,
        phones=phones,
        phones_known=source.phones,
        activity=takes.activity[span],
        emotion=strengths,
        latent=latent,
        style=takes.style[0],
        cues=cues,
    )


def play_take(reasoner: MotionReasoner, source: Source, space: LatentSpace, frames: int) -> Floats:
    """(F,64) tokens of the take's frames from the tenth on, in closed loop, F <= frames."""
    takes = source.takes
    shown = (takes.rig if source.feeling else takes.neutral)[:CONTEXT].astype(np.float32)
    state, parts = ReasonerState(shown, CONTEXT, 1), []
    end = min(len(takes.rig), len(source.sound.rig), CONTEXT + frames)
    for start in range(CONTEXT, end - CHUNK + 1, CHUNK):
        given = conditions_of(source, space, slice(start, start + CHUNK))
        tokens, state = reasoner.step(state, given)
        parts.append(tokens)
    return np.concatenate(parts)


def felt_by(given: Conditions, space: LatentSpace, strengths: dict[str, float]) -> Conditions:
    """The same conditions with a feeling, by its name and strength."""
    row = np.array([strengths.get(name, 0.0) for name in EMOTIONS], np.float32)
    latent = space.label_latents(row[None])[0]
    return replace(given, emotion=np.tile(row, (CHUNK, 1)), latent=latent)


def resting(silence: Floats) -> Conditions:
    """Somebody who idles in silence without a cue; silence: (W,) features."""
    still = np.tile(silence, (CHUNK, 1)).astype(np.float32)
    return Conditions(
        audio=still,
        heard=still,
        phones=one_hot(np.zeros((CHUNK, 20), np.uint8)),
        phones_known=False,
        activity=np.full(CHUNK, int(Activity.IDLE)),
        emotion=np.zeros((CHUNK, len(EMOTIONS)), np.float32),
        latent=np.zeros(LATENT, np.float32),
        style=np.zeros(STYLE, np.float32),
        cues=np.zeros((CHUNK, 9), np.float32),
    )


def idle(reasoner: MotionReasoner, silence: Floats, frames: int, seed: int) -> Iterator[Floats]:
    """Chunks (5,64) of somebody who idles."""
    life, state, still = LifeCues(seed), reasoner.start(seed), resting(silence)
    for _ in range(frames // CHUNK):
        cues = np.stack([life.step(Activity.IDLE) for _ in range(CHUNK)])
        tokens, state = reasoner.step(state, replace(still, cues=cues))
        yield tokens


def talk_on(
    reasoner: MotionReasoner, takes: Takes, space: LatentSpace, frames: int
) -> Iterator[Floats]:
    """Chunks (5,64) of one stream that plays take after take, feelings and all."""
    state, shown = reasoner.start(2), 0
    while True:
        for at in range(len(takes)):
            one = takes.take(at)
            source = Source(one, one, feeling=True)
            for start in range(0, len(one.rig) - CHUNK + 1, CHUNK):
                given = conditions_of(source, space, slice(start, start + CHUNK))
                tokens, state = reasoner.step(state, given)
                yield tokens
                shown += CHUNK
                if shown >= frames:
                    return
