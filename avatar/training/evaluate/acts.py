"""What somebody says, hears and feels for a while and, where it is known, how the face does it.

Acts come from takes of `limner synthesize performances` (windows of them, with the true rig) or are
spoken anew by the voices of the product. Sound is at FEATURE_RATE. Axis legend: F frames.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.rig import SIZE
from avatar.training.evaluate.album import Floats
from avatar.types import Activity
from emotion.errors import MediaError
from emotion.types import EMOTIONS, EmotionState
from speech.protocols import TextToSpeech
from speech.types import FEATURE_RATE, FPS, PLAY_RATE, PhoneSpan, SpeechChunk

STEP = FEATURE_RATE // FPS  # samples a frame
BEFORE, AFTER = 18, 18  # frames of silence around an act, where there are
APART = 10  # frames without speech between two clauses that make them two utterances


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone; start, end: samples at FEATURE_RATE from the act's first."""

    symbol: str
    start: int
    end: int

    @property
    def frames(self) -> tuple[int, int]:
        """First frame and the one after the last that it touches."""
        return self.start // STEP, max(self.start // STEP + 1, -(-self.end // STEP))


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """A piece of speech in one feeling; start, end: frames."""

    start: int
    end: int
    emotion: EmotionState
    text: str = ""


@dataclass(frozen=True, eq=False)
class Act:
    """pcm, heard: (F * STEP,) float32 in [-1, 1], own speech and that of the user; activity (F,);
    mood: what is felt where no clause says otherwise; neutral, rig: (F, 63) of the truth without
    and with feeling, None where there is none; voice: who speaks."""

    name: str
    pcm: Floats
    heard: Floats
    phones: tuple[Phone, ...]
    clauses: tuple[Clause, ...]
    activity: NDArray[np.uint8]
    mood: EmotionState
    voice: str = ""
    neutral: Floats | None = None
    rig: Floats | None = None

    @property
    def frames(self) -> int:
        """F."""
        return len(self.activity)

    @cached_property
    def spoken(self) -> NDArray[np.bool_]:
        """(F,) whether a phone that is no pause sounds in the frame."""
        out = np.zeros(self.frames, np.bool_)
        for phone in self.phones:
            if phone.symbol != "pau":
                first, last = phone.frames
                out[first:last] = True
        return out

    def felt(self, emotion: EmotionState) -> "Act":
        """The same with another feeling all along; how a take's face would do it is unknown."""
        clauses = tuple(replace(clause, emotion=emotion) for clause in self.clauses)
        neutral = emotion.intensity <= 0
        return replace(
            self, clauses=clauses, mood=emotion, rig=self.neutral if neutral else None,
            name=f"{self.name} {named(emotion)}",
        )  # fmt: skip

    def chunks(self, phones: bool) -> Iterator[tuple[SpeechChunk, EmotionState]]:
        """Speech at PLAY_RATE as engines give it, a chunk for each clause, with or without phones,
        and how it is felt."""
        from speech.pcm import resample

        whole = resample(self.pcm, FEATURE_RATE, PLAY_RATE)
        scale = PLAY_RATE / FEATURE_RATE
        for clause in self.clauses:
            begin = round(clause.start * STEP * scale)
            pcm = whole[begin : round(clause.end * STEP * scale)]
            spans = self._spans(clause, scale) if phones else ()
            yield SpeechChunk(1, pcm, PLAY_RATE, begin, spans), clause.emotion

    def _spans(self, clause: Clause, scale: float) -> tuple[PhoneSpan, ...]:
        low, high = clause.start * STEP, clause.end * STEP
        return tuple(
            PhoneSpan(p.symbol, round((max(p.start, low) - low) * scale),
                      round((min(p.end, high) - low) * scale))
            for p in self.phones if p.start < high and p.end > low
        )  # fmt: skip


def named(emotion: EmotionState) -> str:
    """As people read it: "happy:0.80 surprised:0.40", "neutral"."""
    shown = zip(EMOTIONS, emotion.strengths(), strict=True)
    parts = [f"{name}:{strength:.2f}" for name, strength in shown if strength > 0]
    return " ".join(parts) or "neutral"


def load_take(path: Path) -> Act:
    """A whole take. Raises MediaError for a file that is none."""
    try:
        with np.load(path, allow_pickle=False) as data:
            return _act_of(path, {name: data[name] for name in data.files})
    except (OSError, KeyError, ValueError) as error:
        raise MediaError(
            f"{path} is no take: {error}.", "Make takes: limner synthesize performances."
        ) from error


def _act_of(path: Path, data: dict[str, Any]) -> Act:
    phones = tuple(
        Phone(str(symbol), int(start), int(end))
        for symbol, (start, end) in zip(data["phones"], data["phone_times"], strict=True)
    )
    clauses = tuple(
        Clause(int(c["start"]), int(c["end"]), EmotionState.from_strengths(c["emotions"]),
               str(c["text"]))
        for c in json.loads(str(data["clauses"]))
    )  # fmt: skip
    return Act(
        f"{path.parent.name}/{path.stem}",
        _sound(data["pcm"]), _sound(data["heard"]), phones, clauses,
        np.asarray(data["activity"], np.uint8), EmotionState.neutral(), str(data["voice"]),
        np.asarray(data["neutral"], np.float32), np.asarray(data["rig"], np.float32),
    )  # fmt: skip


def _sound(pcm: NDArray[np.int16]) -> Floats:
    return np.asarray(pcm, np.float32) / np.float32(32768)


def takes(folder: Path) -> list[Path]:
    """Files of takes by name. Raises MediaError where there are none."""
    found = sorted(folder.glob("*.npz"))
    if not found:
        raise MediaError(f"There are no takes in {folder}.", "Make them, or leave --takes out.")
    return found


def utterances(take: Act, longest: int = 110, shortest: int = 60) -> Iterator[Act]:
    """What a take says between silences, each with some of the silence around it."""
    for first, last in _runs(take):
        start, end = max(0, first - BEFORE), min(take.frames, last + AFTER)
        if shortest <= end - start:
            yield window(take, start, min(end, start + longest))


def _runs(take: Act) -> Iterator[tuple[int, int]]:
    at = np.flatnonzero(take.spoken)
    if not len(at):
        return
    cuts = np.flatnonzero(np.diff(at) > APART)
    yield from zip(at[np.r_[0, cuts + 1]], at[np.r_[cuts, len(at) - 1]] + 1, strict=True)


def window(take: Act, start: int, end: int) -> Act:
    """Frames start..end of an act."""
    low, high = start * STEP, end * STEP
    phones = tuple(
        Phone(p.symbol, max(p.start, low) - low, min(p.end, high) - low)
        for p in take.phones if p.start < high and p.end > low
    )  # fmt: skip
    clauses = tuple(
        replace(c, start=max(c.start, start) - start, end=min(c.end, end) - start)
        for c in take.clauses if c.start < end and c.end > start
    )  # fmt: skip
    return replace(
        take, name=f"{take.name}@{start}", phones=phones, clauses=clauses,
        pcm=take.pcm[low:high], heard=take.heard[low:high], activity=take.activity[start:end],
        neutral=None if take.neutral is None else take.neutral[start:end],
        rig=None if take.rig is None else take.rig[start:end],
    )  # fmt: skip


def spoken(voices: TextToSpeech, text: str, voice: str, emotion: EmotionState | None = None) -> Act:
    """A sentence by a voice of the product, in its manner for a feeling, silence around it."""
    from speech.pcm import resample

    felt = emotion or EmotionState.neutral()
    chunks = list(voices.stream(text, voice, felt))
    pcm = resample(np.concatenate([c.pcm for c in chunks]), PLAY_RATE, FEATURE_RATE)
    scale = FEATURE_RATE / PLAY_RATE
    spans = [
        (span.symbol, round((c.start_sample + span.start) * scale),
         round((c.start_sample + span.end) * scale))
        for c in chunks for span in c.phones
    ]  # fmt: skip
    length = -(-len(pcm) // STEP)
    frames = BEFORE + length + AFTER
    sound = np.zeros(frames * STEP, np.float32)
    sound[BEFORE * STEP : BEFORE * STEP + len(pcm)] = pcm
    activity = np.full(frames, Activity.IDLE, np.uint8)
    activity[BEFORE : BEFORE + length] = Activity.SPEAKING
    clause = Clause(BEFORE, BEFORE + length, felt, text)
    # The mood follows the words: a face that is asked to feel does so before and after them too.
    act = Act(f"{voice} {text[:24]}", sound, np.zeros_like(sound), _joined(spans), (clause,),
              activity, felt, voice)  # fmt: skip
    return with_truth(act)


def with_truth(act: Act) -> Act:
    """The same with the true rig that its phones and its feeling call for, the feeling all along.

    As takes are made (`avatar.training.performance`), without their life of head and eyes.
    """
    from avatar.training.performance.felt import felt_rig, shown
    from avatar.training.performance.mouth import mouth_of

    mouth = mouth_of([chunk for chunk, _ in act.chunks(phones=True)], act.frames, 0.0)
    felt = np.repeat(felt_rig(act.mood.strengths())[None], act.frames, 0)
    rig = shown(mouth.rig, felt, mouth.speaking, mouth.contact)
    return replace(act, neutral=mouth.rig, rig=rig)


def _joined(spans: Sequence[tuple[str, int, int]]) -> tuple[Phone, ...]:
    """A phone cut by a chunk's border comes in two pieces; one again, moved behind the silence."""
    out: list[Phone] = []
    for symbol, start, end in spans:
        start, end = start + BEFORE * STEP, end + BEFORE * STEP
        if out and out[-1].symbol == symbol and start - out[-1].end <= 2:
            start = out.pop().start
        out.append(Phone(symbol, start, end))
    return tuple(out)


def still(name: str, frames: int, emotion: EmotionState, activity: Activity) -> Act:
    """Nothing is said."""
    silence = np.zeros(frames * STEP, np.float32)
    return Act(name, silence, silence, (), (), np.full(frames, activity, np.uint8), emotion)


def joined(acts: Sequence[Act], name: str) -> Act:
    """One act after another, without a cut for whoever plays it."""
    starts = np.cumsum([0, *(act.frames for act in acts)])
    phones = [
        Phone(p.symbol, p.start + at * STEP, p.end + at * STEP)
        for act, at in zip(acts, starts, strict=False) for p in act.phones
    ]  # fmt: skip
    clauses = [
        replace(c, start=c.start + int(at), end=c.end + int(at))
        for act, at in zip(acts, starts, strict=False) for c in act.clauses
    ]  # fmt: skip
    rigs, plain = _whole([a.rig for a in acts]), _whole([a.neutral for a in acts])
    return Act(
        name, np.concatenate([a.pcm for a in acts]), np.concatenate([a.heard for a in acts]),
        tuple(phones), tuple(clauses), np.concatenate([a.activity for a in acts]), acts[0].mood,
        neutral=plain, rig=rigs,
    )  # fmt: skip


def _whole(parts: Sequence[Floats | None]) -> Floats | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def shuffled(acts: Sequence[Act]) -> list[Act]:
    """Each act with the sound of the one after it, repeated or cut to its length: a floor."""
    out = []
    for at, act in enumerate(acts):
        other = acts[(at + 1) % len(acts)]
        size = len(act.pcm)
        pcm = np.resize(other.pcm, size)
        out.append(replace(act, pcm=pcm, phones=(), name=f"{act.name} shuffled"))
    return out


def zeros(act: Act) -> Floats:
    """(F, 63) of a face that does nothing."""
    return np.zeros((act.frames, SIZE), np.float32)
