"""One take: a minute of somebody who idles, listens, thinks and speaks, with and without feeling.

Axis legend: F frames at 25 fps, R 63 rig parameters, P phones, C 9 cues (`avatar.life`).
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.life import BLINK_CUE, GAZE_CUE, HEAD_CUE, LifeCues, blink_of
from avatar.rig import GAZE_AT, INDEX, POSE_AT, follow_gaze
from avatar.training.performance.behaviour import Scene, behave
from avatar.training.performance.envelope import envelope
from avatar.training.performance.felt import STEADY, felt_rig, lopsided, shown
from avatar.training.performance.mouth import Mouth, mouth_of
from avatar.training.performance.noise import Floats, Rng
from avatar.training.performance.prosody import prosody_of
from avatar.training.performance.speech import room_noise
from avatar.training.performance.timeline import Timeline
from avatar.training.recipes import keep_contact
from avatar.types import Activity

STYLES = 4  # articulation, liveliness, expressivity, lopsidedness
LIVELY, EXPRESSIVE, LOPSIDED = 0.28, 0.28, 0.10  # per unit of style, in logarithm and in gain
SACCADE, FASTEST = 0.65, np.array([0.168, 0.12], np.float32)  # share and radians a frame
_LIDS = [INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """pcm, heard: (F * 640,) int16 at 16 kHz; phones (P,) symbols with phone_times (P, 2) in those
    samples; neutral, rig: (F, 63) float16; emotion: (F, 6) float16 strengths that show; activity:
    (F,) uint8; style: (4,) float32; cues: (F, 9) float16; clauses: JSON of what was said."""

    pcm: NDArray[np.int16]
    heard: NDArray[np.int16]
    phones: NDArray[np.str_]
    phone_times: NDArray[np.int32]
    neutral: NDArray[np.float16]
    rig: NDArray[np.float16]
    emotion: NDArray[np.float16]
    activity: NDArray[np.uint8]
    style: Floats
    cues: NDArray[np.float16]
    clauses: str
    voice: str
    split: str


def perform(rng: Rng, timeline: Timeline, voice: str, split: str) -> Take:
    """Everything that the face does during a timeline."""
    style = rng.standard_normal(STYLES).clip(-2.2, 2.2).astype(np.float32)
    own, heard = timeline.own_sound(), timeline.heard_sound()
    activity = timeline.doing()
    emotion = envelope(rng, timeline.frame, timeline.felt, timeline.flashes)
    lively, expressive = float(np.exp(LIVELY * style[1])), float(np.exp(EXPRESSIVE * style[2]))
    mouth = mouth_of(timeline.speech, timeline.frame, float(style[0]))
    questions = tuple(timeline.questions)
    scene = Scene(
        activity, prosody_of(own), prosody_of(heard), emotion, questions, lively, expressive
    )
    cues = cues_of(int(rng.integers(2**31)), activity, lively)
    neutral = _living(mouth, behave(rng, scene), cues)
    felt = felt_rig(emotion) * lopsided(LOPSIDED * float(style[3]))
    rig = follow_gaze(shown(neutral, felt, mouth.speaking, mouth.contact))
    keep_contact(rig)
    if len(heard) and rng.random() < 0.7:
        heard = heard + room_noise(rng, len(heard))
    phones = timeline.phones()
    return Take(
        pcm=_int16(own),
        heard=_int16(heard),
        phones=np.array([span.symbol for span in phones]),
        phone_times=np.array([(span.start, span.end) for span in phones], np.int32).reshape(-1, 2),
        neutral=neutral.astype(np.float16),
        rig=rig.astype(np.float16),
        emotion=emotion.astype(np.float16),
        activity=activity,
        style=style,
        cues=cues.astype(np.float16),
        clauses=json.dumps([{**asdict(clause), "voice": voice} for clause in timeline.clauses]),
        voice=voice,
        split=split,
    )


def cues_of(seed: int, activity: NDArray[np.uint8], lively: float) -> Floats:
    """(F, 9) of a session that does `activity` (F,)."""
    life = LifeCues(seed, lively)
    return np.stack([life.step(Activity(doing)) for doing in activity])


def _living(mouth: Mouth, behaviour: Floats, cues: Floats) -> Floats:
    """(F, 63): words, behaviour and life together."""
    out = mouth.rig + behaviour
    out[:, POSE_AT] += cues[:, HEAD_CUE]
    out[:, GAZE_AT] += gaze_of(cues[:, GAZE_CUE]) - np.float32(STEADY) * out[:, POSE_AT][:, :2]
    out[:, _LIDS] = blink_of(cues[:, BLINK_CUE])[:, None]
    # Words move corners as behaviour does; rounded lips do not smile.
    keep_contact(out)
    return follow_gaze(out)


def gaze_of(targets: Floats) -> Floats:
    """(F, 2) fixation targets to where the eyes are: a saccade takes one to three frames."""
    out = np.empty_like(targets)
    now = targets[0] if len(targets) else None
    for frame, target in enumerate(targets):
        now = now + (np.float32(SACCADE) * (target - now)).clip(-FASTEST, FASTEST)
        out[frame] = now
    return out


def _int16(pcm: Floats) -> NDArray[np.int16]:
    return np.asarray(np.rint(pcm.clip(-1, 1) * 32767), np.int16)


def save_take(path: Path, take: Take) -> None:
    """Write NNNNN.npz; it appears whole or not at all."""
    fields = {name: getattr(take, name) for name in Take.__dataclass_fields__}
    partial = path.with_name(f".{path.stem}.partial.npz")
    np.savez_compressed(partial, **fields)
    partial.replace(path)


def load_take(path: Path) -> Take:
    """Read what `save_take` wrote."""
    with np.load(path) as file:
        values = {name: file[name] for name in Take.__dataclass_fields__}
    texts = {name: str(values[name]) for name in ("clauses", "voice", "split")}
    return Take(**(values | texts))
