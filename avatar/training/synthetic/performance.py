"""Performances: what a face does, frame by frame, whoever's face it is.

Speech is a random sequence of syllables with coarticulation by dominance functions (Cohen and
Massaro 1993); feelings come with onset, apex and offset; eyes jump and rest, lids blink and follow;
the head moves with the speech. Axis legend: F frames, R rig parameters, P phones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, POSE_AT, SIZE, follow_gaze
from avatar.training.recipes import (
    CLOSES,
    COMPOUNDS,
    CONSONANTS,
    EMOTIONS,
    GESTURES,
    PULL,
    VISEMES,
    VOWELS,
    close_lips,
    feeling,
    keep_contact,
    weights,
)

Floats = NDArray[np.float32]
Rng = np.random.Generator

FPS = 25
REACH = (0.075, 0.055)  # s by which a phone's pull fades before and after it
LEAD = 0.06  # s by which the lips are ahead of the sound
MOUTH_KEPT = 0.45  # of a feeling's lip shape while speaking; smiles and frowns stay whole
WHOLE = ("mouthSmile", "mouthFrown", "mouthDimple")
POSE_BOUND = np.array([0.8, 0.5, 0.45, 4.0, 3.0, 4.0], np.float32)
STEADIED = 0.7  # of a random posture that who speaks to the camera takes back
GAZE_BOUND = np.array([0.5, 0.38], np.float32)
BLINK = np.array([0.3, 0.85, 1.03, 1.0, 0.72, 0.4, 0.16, 0.04], np.float32)


@dataclass(frozen=True, slots=True)
class Phone:
    """name: of `VISEMES`; start, end: seconds; stress scales the movement."""

    name: str
    start: float
    end: float
    stress: float


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """rig: (F, 63); emotion: what is felt; strength: (F,) of it; phones of the speech."""

    rig: Floats
    emotion: str
    strength: Floats
    phones: tuple[Phone, ...]


@dataclass(frozen=True, slots=True)
class Manner:
    """What kinds of performances are drawn: shares in 0..1. exercise: single movements at random
    strength, in combinations that neither speech nor feelings bring."""

    speech: float = 0.65
    emotion: float = 0.7
    compound: float = 0.25
    gesture: float = 0.35
    exercise: float = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """What is said and felt instead of something random: phones; shape (F,55) and pose (F,6) are
    added to speech and sway; emotion and its strength (F,) describe them."""

    phones: tuple[Phone, ...]
    shape: Floats
    pose: Floats
    emotion: str
    strength: Floats


def perform(
    seed: int, frames: int, manner: Manner | None = None, script: Script | None = None
) -> Performance:
    """A performance of `frames` frames at 25 fps; the same for the same seed."""
    manner = manner or Manner()
    rng = np.random.default_rng([seed, 5])
    rig = np.zeros((frames, SIZE), np.float32)
    shape = rig[:, : len(EXPRESSIONS)]
    phones = _speech(rng, frames / FPS) if rng.random() < manner.speech else ()
    phones = script.phones if script else phones
    closed = np.zeros(frames, np.float32)
    if phones:
        closed = _articulate(shape, phones, gain=float(rng.uniform(0.6, 1.15)))
    emotion, strength = _feel(rng, shape, manner, speaking=bool(phones))
    if script:
        shape += script.shape
        emotion, strength = script.emotion, script.strength
    if rng.random() < manner.gesture:
        _gesture(rng, shape)
    if rng.random() < manner.exercise:
        _exercise(rng, shape)
    _tremble(rng, shape)
    close_lips(rig, closed)
    loudness = _loudness(phones, frames)
    pose = _pose(rng, frames, loudness)
    if script:
        pose += script.pose - STEADIED * pose.mean(0)
    rig[:, POSE_AT] = pose
    rig[:, GAZE_AT] = _gaze(rng, frames, rig[:, POSE_AT])
    _blink(rng, rig)
    out = follow_gaze(rig)
    keep_contact(out)
    return Performance(out, emotion, strength, phones)


def _speech(rng: Rng, seconds: float) -> tuple[Phone, ...]:
    """Syllables in phrases, pauses between."""
    phones: list[Phone] = []
    at = float(rng.uniform(-0.5, 0.4))
    pace = float(rng.uniform(0.75, 1.3))
    while at < seconds:
        for _ in range(int(rng.integers(3, 14))):
            stress = float(rng.uniform(0.6, 1.2))
            for name, length in _syllable(rng):
                end = at + length / pace
                phones.append(Phone(name, at, end, stress))
                at = end
        pause = float(rng.uniform(0.12, 0.7))
        phones.append(Phone("sil", at, at + pause, 1.0))
        at += pause
    return tuple(phone for phone in phones if phone.end > -0.3)


def _syllable(rng: Rng) -> list[tuple[str, float]]:
    """(phone, seconds) of a syllable: consonants around a vowel."""
    out = []
    if rng.random() < 0.85:
        out.append((str(rng.choice(CONSONANTS)), float(rng.uniform(0.05, 0.11))))
    out.append((str(rng.choice(VOWELS)), float(rng.uniform(0.06, 0.2))))
    if rng.random() < 0.45:
        out.append((str(rng.choice(CONSONANTS)), float(rng.uniform(0.05, 0.1))))
    return out


def _pulls(phones: tuple[Phone, ...], frames: int) -> Floats:
    """(P, F) dominance of each phone."""
    time = np.arange(frames) / FPS + LEAD
    start = np.array([phone.start for phone in phones])[:, None]
    end = np.array([phone.end for phone in phones])[:, None]
    early = np.maximum(start - time, 0) / REACH[0]
    late = np.maximum(time - end, 0) / REACH[1]
    own = np.array([PULL[phone.name] for phone in phones])[:, None]
    return np.asarray(own * np.exp(-early - late), np.float32)


def _articulate(shape: Floats, phones: tuple[Phone, ...], gain: float) -> Floats:
    """Add the speech to (F, 55); returns (F,) how far the lips must be closed."""
    pulls = _pulls(phones, len(shape))
    share = pulls / np.maximum(pulls.sum(0), 0.02)
    targets = np.stack([weights(VISEMES[p.name]) * (p.stress * gain) for p in phones])
    shape += share.T @ targets
    closing = np.array([phone.name in CLOSES for phone in phones])
    if not closing.any():
        return np.zeros(len(shape), np.float32)
    time = np.arange(len(shape)) / FPS + LEAD
    closed = np.zeros(len(shape), np.float32)
    for phone in (p for p in phones if p.name in CLOSES):
        outside = np.maximum(np.maximum(phone.start - time, time - phone.end), 0)
        closed = np.maximum(closed, np.clip(1.25 - outside / 0.045, 0, 1))
    return closed.astype(np.float32)


def _loudness(phones: tuple[Phone, ...], frames: int) -> Floats:
    """(F,) 0..1: vowels carry the voice."""
    out = np.zeros(frames, np.float32)
    for phone in phones:
        if phone.name in VOWELS:
            first, last = int(phone.start * FPS), int(np.ceil(phone.end * FPS))
            out[max(first, 0) : max(last, 0)] = min(phone.stress, 1)
    return _smoothed(out, 2.0)


def _feel(rng: Rng, shape: Floats, manner: Manner, *, speaking: bool) -> tuple[str, Floats]:
    """Add a feeling to (F, 55); returns its name and its strength (F,)."""
    if rng.random() >= manner.emotion:
        return "neutral", np.zeros(len(shape), np.float32)
    if rng.random() < manner.compound:
        name = str(rng.choice(sorted(COMPOUNDS)))
    else:
        name = str(rng.choice([emotion for emotion in EMOTIONS if emotion != "neutral"]))
    strength = _onset_apex_offset(rng, len(shape)) * np.float32(rng.uniform(0.35, 1.1))
    target = feeling(name)
    if rng.random() < 0.4:
        target = target * _lopsided(rng)
    if speaking:
        for at, part in enumerate(EXPRESSIONS):
            if part.startswith(("mouth", "jaw")) and not part.startswith(WHOLE):
                target[at] *= MOUTH_KEPT
    shape += strength[:, None] * target
    return name, strength


def _onset_apex_offset(rng: Rng, frames: int) -> Floats:
    """(F,) 0..1: rises in 0.2 to 0.8 s, holds with small waves, may fade in 0.5 to 2 s."""
    time = np.arange(frames) / FPS
    begin = rng.uniform(-1.5, 0.4 * frames / FPS)
    rise, hold, fall = rng.uniform(0.2, 0.8), rng.uniform(0.6, 4), rng.uniform(0.5, 2)
    up = _ease((time - begin) / rise)
    down = 1 - _ease((time - begin - rise - hold) / fall)
    waves = 1 + 0.08 * _noise(rng, frames, 0.5)
    return np.asarray(up * down * waves, np.float32)


def _ease(x: NDArray[np.floating]) -> Floats:
    t = np.clip(x, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _lopsided(rng: Rng) -> Floats:
    """(55,) gains: one side moves more."""
    tilt = float(rng.normal(0, 0.2))
    sides = {"L": 1 + tilt, "R": 1 - tilt}
    gains = [sides[name[-1]] if name[-2:] in ("_L", "_R") else 1.0 for name in EXPRESSIONS]
    return np.clip(gains, 0.3, 1.5).astype(np.float32)


def _gesture(rng: Rng, shape: Floats) -> None:
    """A small expression for a second or two."""
    name = str(rng.choice(sorted(GESTURES)))
    when = _bump(rng, len(shape), (0.5, 2.0))
    shape += when[:, None] * weights(GESTURES[name]) * np.float32(rng.uniform(0.4, 1.0))


def _bump(rng: Rng, frames: int, seconds: tuple[float, float]) -> Floats:
    """(F,) one rise and fall somewhere."""
    length = rng.uniform(*seconds)
    start = rng.uniform(-0.3 * length, max(frames / FPS - 0.5 * length, 0.01))
    x = (np.arange(frames) / FPS - start) / length
    return np.asarray(_ease(x / 0.3) * (1 - _ease((x - 0.7) / 0.3)), np.float32)


def _exercise(rng: Rng, shape: Floats) -> None:
    """Some movements alone or together, at any strength."""
    free = [name for name in EXPRESSIONS if not name.startswith(("eyeLook", "mouthClose"))]
    for name in rng.choice(free, int(rng.integers(1, 6)), replace=False):
        gain = np.float32(rng.uniform(0.2, 1.0))
        when = _bump(rng, len(shape), (0.4, 2.5)) * gain
        twin = name[:-1] + ("R" if name[-1] == "L" else "L")
        shape[:, INDEX[name]] += when
        if name[-2:] in ("_L", "_R") and rng.random() < 0.7:
            shape[:, INDEX[twin]] += when * np.float32(rng.uniform(0.7, 1.1))


def _tremble(rng: Rng, shape: Floats) -> None:
    """Micro motion: faces are never still."""
    names = [name for name in EXPRESSIONS if name.startswith(("brow", "cheekS", "mouth", "eyeSq"))
             and name != "mouthClose"]  # fmt: skip
    for name in rng.choice(names, 8, replace=False):
        wave = 0.05 * _noise(rng, len(shape), 0.4)
        shape[:, INDEX[name]] += np.maximum(wave, 0)


def _smoothed(values: Floats, sigma: float) -> Floats:
    """Along the first axis by a Gaussian of sigma frames; ends are repeated."""
    radius = max(int(4 * sigma + 0.5), 1)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, (radius, radius), mode="edge")
    return np.convolve(padded, kernel, "valid").astype(np.float32)


def _noise(rng: Rng, frames: int, seconds: float) -> Floats:
    """(F,) smooth noise of unit variance that changes within `seconds`."""
    sigma = max(seconds * FPS / 2, 0.5)
    margin = int(6 * sigma) + 1
    white = rng.normal(0, 1, frames + 2 * margin).astype(np.float32)
    gain = np.float32((2 * sigma * np.sqrt(np.pi)) ** 0.5)
    return _smoothed(white, sigma)[margin : margin + frames] * gain


def _pose(rng: Rng, frames: int, loudness: Floats) -> Floats:
    """(F, 6) yaw, pitch, roll, x, y, z: a posture, sway, and nods with the speech."""
    liveliness = float(rng.uniform(0.3, 1.3))
    posture = rng.normal(0, 1, 6) * [0.24, 0.09, 0.055, 0.6, 0.5, 0.8]
    sway = np.array([0.10, 0.05, 0.04, 0.4, 0.25, 0.4]) * liveliness
    waves = np.stack([_noise(rng, frames, seconds) for seconds in (0.9, 0.8, 1.0, 1.3, 1.3, 1.3)])
    out = posture + waves.T * sway
    out[:, 1] += 0.05 * liveliness * (loudness - 0.4) * (loudness > 0)
    out[:, 2] += 0.03 * liveliness * _noise(rng, frames, 0.4) * loudness
    if rng.random() < 0.2:
        out[:, 0] += rng.choice([-1, 1]) * rng.uniform(0.2, 0.5) * _bump(rng, frames, (0.8, 2.5))
    return np.clip(out, -POSE_BOUND, POSE_BOUND).astype(np.float32)


def _gaze(rng: Rng, frames: int, pose: Floats) -> Floats:
    """(F, 2): rests on the camera or elsewhere, jumps within two frames, drifts a little."""
    out = np.zeros((frames, 2), np.float32)
    at = 0
    while at < frames:
        stop = at + max(int(rng.exponential(0.9) * FPS), 4)
        aside = rng.normal(0, 1, 2) * [0.2, 0.11] * (rng.random() < 0.6)
        # Who looks into the camera looks against the turn of the head.
        kept = -0.85 * pose[at:stop, :2] if rng.random() < 0.6 else 0.0
        out[at:stop] = aside.astype(np.float32) + kept
        at = stop
    for axis in (0, 1):
        out[:, axis] = _smoothed(out[:, axis], 0.55) + 0.006 * _noise(rng, frames, 0.2)
    return np.clip(out, -GAZE_BOUND, GAZE_BOUND)


def _blink(rng: Rng, rig: Floats) -> None:
    """Blinks every few seconds, more often as the gaze jumps; some are half or slow."""
    frames = len(rig)
    at = int(rng.integers(0, 50))
    left, right = INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]
    while at < frames:
        curve = BLINK * np.float32(rng.uniform(0.9, 1.0) if rng.random() < 0.85 else 0.55)
        if rng.random() < 0.12:
            curve = np.insert(curve, 3, [curve[2]] * int(rng.integers(2, 9)))
        stop = min(at + len(curve), frames)
        for side in (left, right):
            rig[at:stop, side] = np.maximum(rig[at:stop, side], curve[: stop - at])
        at += 8 + int(rng.exponential(2.6) * FPS)
