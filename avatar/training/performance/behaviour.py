"""What head, brows and lips do with speech: with the own one, and with another's that is heard.

All of it is part of the performance with and without feeling. Axis legend: F frames, R 63 rig
parameters; radians and cm.
"""

from dataclasses import dataclass

import numpy as np

from avatar.rig import INDEX, POSE_AT, SIZE
from avatar.training.performance.noise import Floats, Rng, bump, follow, smoothed, wander
from avatar.training.performance.prosody import Prosody
from avatar.training.recipes import Recipe, recipe
from avatar.types import Activity
from speech.types import FPS

BROWS_UP = recipe(browInnerUp_=0.75, browOuterUp_=0.9)
FOLLOWS = recipe(browInnerUp_=0.10, browOuterUp_=0.11)  # a listener's brows
PONDERS = recipe(browInnerUp_=0.08, browDown_=0.22, eyeSquint_=0.08)
SMILES = recipe(mouthSmile_=0.75, mouthDimple_=0.15, cheekSquint_=0.35, cheekRaiser_=0.15)
PRESSES = recipe(mouthPress_=0.5, mouthRollLower=0.22, mouthRollUpper=0.18)
# In a listener, how feelings change what a pause is answered with: (nods, smiles, brows).
ATTITUDES = np.array(
    [[1.3, 2.5, 1.2], [0.8, 0.0, 0.6], [0.5, 0.0, 0.4], [0.7, 0.2, 1.2], [0.4, 0.0, 0.4],
     [0.9, 0.7, 2.2]], np.float32,
)  # fmt: skip
_QUICK = np.array([0.35, 0.3, 0.3, 0.3, 0.3, 0.3], np.float32)  # of the slow sway
_SWAY = np.array([1.0, 0.7, 0.6, 5.7, 3.2, 13.0], np.float32) * 0.018
BREATHS = 0.24  # a second
NOD = 0.55  # s


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What goes on: activity (F,); own and heard speech; emotion (F, 6) that is felt; questions:
    frames at which questions end; lively, expressive: style, 1 is usual."""

    activity: np.ndarray[tuple[int], np.dtype[np.uint8]]
    own: Prosody
    heard: Prosody
    emotion: Floats
    questions: tuple[int, ...]
    lively: float
    expressive: float

    def doing(self, activity: Activity) -> Floats:
        """(F,) 1 where it is done, with soft edges."""
        return follow((self.activity == activity).astype(np.float32), 0.12)


def behave(rng: Rng, scene: Scene) -> Floats:
    """(F, 63) to be added to the mouth of the words, cues not included."""
    out = np.zeros((len(scene.activity), SIZE), np.float32)
    _stir(rng, scene, out)
    _speak(rng, scene, out)
    _accent(rng, scene, out)
    _listen(rng, scene, out)
    _add(out, scene.doing(Activity.LISTENING), FOLLOWS)
    _add(out, scene.doing(Activity.THINKING), PONDERS)
    _idle(rng, scene, out)
    _tremble(rng, out)
    return out


def _add(out: Floats, amount: Floats, shape: Recipe) -> None:
    for name, value in shape.items():
        out[:, INDEX[name]] += amount * np.float32(value)


def _stir(rng: Rng, scene: Scene, out: Floats) -> None:
    """Quick sway, and the chest that lifts the head."""
    frames = len(out)
    quick = np.stack([wander(rng, frames, 1.0) for _ in range(6)], 1)
    out[:, POSE_AT] += quick * _QUICK * _SWAY * np.float32(scene.lively)
    slow = np.cumsum(1 + 0.15 * wander(rng, frames, 5.0))
    phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * BREATHS / FPS * slow
    out[:, INDEX["y"]] -= (0.04 * np.sin(phase)).astype(np.float32)
    out[:, INDEX["pitch"]] -= (0.004 * np.sin(phase - 0.5)).astype(np.float32)


def _speak(rng: Rng, scene: Scene, out: Floats) -> None:
    """The head rises with the melody and swings with the loudness of the own voice."""
    frames, lively = len(out), np.float32(scene.lively)
    voice = smoothed(scene.own.level, 4.0)
    out[:, INDEX["pitch"]] -= 0.016 * lively * smoothed(scene.own.melody, 3.5)
    for name, size, seconds in (("yaw", 0.032, 0.7), ("roll", 0.018, 0.6), ("x", 0.10, 0.9)):
        out[:, INDEX[name]] += size * lively * voice * wander(rng, frames, seconds)
    rises = np.maximum(smoothed(scene.own.melody, 3.0), 0)
    amount = 0.10 * np.float32(scene.expressive) * rises
    _add(out, amount, BROWS_UP)


def _accent(rng: Rng, scene: Scene, out: Floats) -> None:
    """Nods and brows on stressed syllables, a settling of the head where a phrase ends."""
    frames, lively = len(out), np.float32(scene.lively)
    for at, strength in scene.own.accents:
        if rng.random() < 0.35 + 0.5 * strength:
            size = rng.uniform(0.016, 0.034) * (0.5 + strength) * lively
            # A little up before, down on the syllable, back.
            nod = bump(frames, at - 3, 4, 0, 8) - 0.35 * bump(frames, at - 8, 5, 0, 5)
            out[:, INDEX["pitch"]] += np.float32(size) * nod
        if rng.random() < 0.12 + 0.45 * strength:
            raised = rng.uniform(0.18, 0.5) * scene.expressive * (0.5 + 0.5 * strength)
            _add(out, bump(frames, at - 4, 5, 2, 9) * np.float32(raised), BROWS_UP)
    for at in scene.own.ends:
        if rng.random() < 0.6:
            depth = np.float32(rng.uniform(0.010, 0.028)) * lively
            out[:, INDEX["pitch"]] += depth * bump(frames, at - 5, 7, 3, 14)
    for at in scene.questions:
        lift = np.float32(rng.uniform(0.25, 0.6) * scene.expressive)
        _add(out, bump(frames, at - 14, 9, 8, 14) * lift, BROWS_UP)
        out[:, INDEX["pitch"]] -= np.float32(0.02) * lively * bump(frames, at - 14, 10, 6, 16)
        tilt = np.float32(rng.choice([-0.02, 0.02])) * lively
        out[:, INDEX["roll"]] += tilt * bump(frames, at - 12, 10, 8, 18)


def _listen(rng: Rng, scene: Scene, out: Floats) -> None:
    """Answers to the other's pauses and stresses: nods, brows, a smile, as the mood allows."""
    free = 0  # frame until which the last nod lasts
    for at, strength in _invitations(scene):
        if scene.activity[min(at, len(out) - 1)] != Activity.LISTENING:
            continue
        nods, smiles, brows = _attitude(scene.emotion[at])
        delay = int(rng.integers(3, 10))
        if at > free and rng.random() < strength * nods:
            free = at + _nod(rng, scene, out, at + delay)
        if rng.random() < 0.45 * strength * smiles:
            size = np.float32(rng.uniform(0.2, 0.5) * scene.expressive)
            _add(out, size * bump(len(out), at + delay, 12, rng.uniform(15, 50), 22), SMILES)
        if rng.random() < 0.5 * strength * brows:
            size = np.float32(rng.uniform(0.25, 0.6) * scene.expressive)
            _add(out, size * bump(len(out), at + delay - 2, 5, rng.uniform(3, 12), 11), BROWS_UP)


def _invitations(scene: Scene) -> list[tuple[int, float]]:
    """(frame, chance that it is answered) of what the other says: phrase ends and stresses."""
    ends = [(at, 0.62) for at in scene.heard.ends]
    stresses = [(at, 0.22 * strength) for at, strength in scene.heard.accents]
    return sorted(ends + stresses)


def _attitude(emotion: Floats) -> Floats:
    """(3,) factors of nods, smiles and brows."""
    total = float(emotion.sum())
    share = min(1.0, 1.5 * total)
    mixed = emotion @ ATTITUDES / max(total, 1e-6)
    return np.asarray(1 + share * (mixed - 1), np.float32)


def _nod(rng: Rng, scene: Scene, out: Floats, at: int) -> int:
    """One nod or a few smaller ones; returns how many frames they take."""
    size, length = rng.uniform(0.035, 0.075) * scene.lively, NOD * FPS * rng.uniform(0.8, 1.3)
    times = int(rng.choice([1, 2, 3], p=[0.55, 0.33, 0.12]))
    for time in range(times):
        start = at + time * 0.85 * length
        out[:, INDEX["pitch"]] += np.float32(size * 0.72**time) * bump(
            len(out), start, 0.45 * length, 0, 0.55 * length
        )
    return int(times * length) + 15


def _idle(rng: Rng, scene: Scene, out: Floats) -> None:
    """Now and then something small happens in a quiet face."""
    frames = len(out)
    still = (Activity.IDLE, Activity.THINKING)
    at = int(rng.integers(20, 150))
    while at < frames - 20:
        if scene.activity[at] in still:
            kind, size = rng.random(), np.float32(rng.uniform(0.3, 0.9) * scene.expressive)
            if kind < 0.4:
                _add(out, size * bump(frames, at, 6, rng.uniform(6, 18), 10), PRESSES)
            elif kind < 0.7:
                _add(out, 0.35 * size * bump(frames, at, 12, rng.uniform(10, 50), 20), SMILES)
            else:
                _add(out, 0.6 * size * bump(frames, at, 6, rng.uniform(5, 20), 12), BROWS_UP)
        at += int(rng.gamma(3.0, 60))


def _tremble(rng: Rng, out: Floats) -> None:
    """Faces are never quite still. The opening of the lips is left alone."""
    for names, size in (
        (("browInnerUp_L", "browInnerUp_R"), 0.022), (("browOuterUp_L", "browOuterUp_R"), 0.02),
        (("browDown_L", "browDown_R"), 0.018), (("eyeSquint_L", "eyeSquint_R"), 0.03),
        (("cheekSquint_L", "cheekSquint_R"), 0.02), (("mouthSmile_L", "mouthSmile_R"), 0.018),
        (("mouthDimple_L",), 0.02), (("mouthDimple_R",), 0.02),
    ):  # fmt: skip
        wave = np.maximum(size * (0.6 + wander(rng, len(out), 0.8)), 0)
        for name in names:
            out[:, INDEX[name]] += wave
