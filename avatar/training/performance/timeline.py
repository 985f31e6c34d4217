"""The sound and the clock of a take: beats become stretches of frames with speech in them.

Axis legend: F frames at 25 fps.
"""

from dataclasses import dataclass, field

import numpy as np

from avatar.training.performance.envelope import Felt, Flash
from avatar.training.performance.noise import Floats, Rng
from avatar.training.performance.script import Beat
from avatar.training.performance.speech import Others, Voice, resampled
from avatar.types import Activity
from speech.types import FEATURE_RATE, FPS, PLAY_RATE, SAMPLES_PER_FRAME, PhoneSpan, SpeechChunk

HEARD_FRAME = FEATURE_RATE // FPS
BEFORE, AFTER = (0, 9), (0, 8)  # frames of speaking before and after the sound of a turn
WAITS = (4, 20)  # frames of listening before the other speaks and after
BETWEEN = (0.0, 0.35)  # s added between clauses
LONG = 40  # frames of a clause in which a feeling may change


@dataclass(frozen=True, slots=True)
class Clause:
    """What was said: frames start..end, strengths by name."""

    text: str
    start: int
    end: int
    emotions: dict[str, float]


@dataclass(slots=True, eq=False)
class Timeline:
    """A take in the making; `frame` is its end so far."""

    activity: list[tuple[Activity, int]] = field(default_factory=list)  # until which frame
    speech: list[SpeechChunk] = field(default_factory=list)
    heard: list[tuple[int, Floats]] = field(default_factory=list)  # first sample at FEATURE_RATE
    felt: list[Felt] = field(default_factory=list)
    flashes: list[Flash] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    questions: list[int] = field(default_factory=list)
    frame: int = 0

    def live(self, rng: Rng, beat: Beat, voice: Voice, others: Others) -> None:
        """Add a beat; speech that cannot be said adds nothing."""
        start = self.frame
        if beat.activity == Activity.SPEAKING:
            if not self._speak(rng, beat, voice):
                return
        elif beat.activity == Activity.LISTENING:
            self._listen(rng, beat, others)
        else:
            self.frame += max(6, round(beat.seconds * FPS))
        self._feel(rng, beat, start)
        self.activity.append((beat.activity, self.frame))

    def _speak(self, rng: Rng, beat: Beat, voice: Voice) -> bool:
        said = voice.say(rng, beat.text, beat.feeling)
        if said is None:
            return False
        opens = not self.activity or self.activity[-1][0] != Activity.SPEAKING
        wait = int(rng.integers(*BEFORE)) if opens else 0
        sample = (self.frame + wait) * SAMPLES_PER_FRAME + int(rng.integers(SAMPLES_PER_FRAME))
        self.speech.append(said.chunk(sample))
        end = -(-(sample + len(said.pcm)) // SAMPLES_PER_FRAME)
        self.clauses.append(Clause(said.text, self.frame + wait, end, beat.feeling))
        if said.text.rstrip("\"' ").endswith("?"):
            self.questions.append(end - 6)
        self.frame = end + round(FPS * float(rng.uniform(*BETWEEN)))
        return True

    def _listen(self, rng: Rng, beat: Beat, others: Others) -> None:
        pcm = others.hear(rng, beat.text)
        start = self.frame + int(rng.integers(*WAITS))
        self.heard.append((start * HEARD_FRAME, pcm))
        self.frame = start + -(-len(pcm) // HEARD_FRAME) + int(rng.integers(*WAITS))

    def _feel(self, rng: Rng, beat: Beat, start: int) -> None:
        silent = beat.activity != Activity.SPEAKING
        first = self.clauses[-1].start if not silent else start
        self.felt.append(Felt(first, beat.feeling, startle=silent))
        span = self.frame - first
        if beat.then is not None and span >= LONG:
            self.felt.append(Felt(first + int(span * rng.uniform(0.3, 0.7)), beat.then, quick=True))
        if beat.micro is not None:
            self.flashes.append(Flash(first + int(span * rng.uniform(0.1, 0.8)), beat.micro))

    def doing(self) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """(F,) activity of each frame."""
        out = np.zeros(self.frame, np.uint8)
        start = 0
        for activity, end in self.activity:
            out[start:end] = activity
            start = end
        return out

    def own_sound(self) -> Floats:
        """(F * 640,) the own speech at FEATURE_RATE."""
        whole = np.zeros(self.frame * SAMPLES_PER_FRAME, np.float32)
        for chunk in self.speech:
            at = chunk.start_sample
            whole[at : at + len(chunk.pcm)] += chunk.pcm[: len(whole) - at]
        return resampled(whole)[: self.frame * HEARD_FRAME]

    def heard_sound(self) -> Floats:
        """(F * 640,) what the others say at FEATURE_RATE."""
        whole = np.zeros(self.frame * HEARD_FRAME, np.float32)
        for at, pcm in self.heard:
            whole[at : at + len(pcm)] += pcm[: len(whole) - at]
        return whole

    def phones(self) -> list[PhoneSpan]:
        """All phones of the own speech, in samples at FEATURE_RATE from the take's start."""
        return [
            PhoneSpan(span.symbol, _moved(chunk, span.start), _moved(chunk, span.end))
            for chunk in self.speech
            for span in chunk.phones
        ]


def _moved(chunk: SpeechChunk, sample: int) -> int:
    return round((chunk.start_sample + sample) * FEATURE_RATE / PLAY_RATE)
