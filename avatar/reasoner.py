"""Speech, feeling and life become motion: five frames at a time, in tokens of the face's surface.

The reasoner is a flow-matching transformer with a mixture of emotion experts, trained in
`avatar.training.reasoner`; this is the serving side, numpy and ONNX. What it knows of the past is a
value that the caller keeps. Noise comes from the seed and the frame's number: the same inputs give
the same motion. Axis legend: L 5 frames, W audio features, K phone features, N x E emotion latent.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.anchor import anchors_of, moved, without_anchor
from avatar.mouth_gate import MouthGate
from avatar.phone_features import WIDTH as PHONES
from avatar.rig import SIZE
from avatar.semo.loading import load_surface
from avatar.types import Activity
from emotion.errors import ConfigError
from speech.onnx import session

Floats = NDArray[np.float32]
CHUNK, CONTEXT, TOKEN = 5, 10, 64
AUDIO, STYLE, CUES = 104, 4, 9
LATENT = (4, 64)
WEIGHTS = Path(__file__).parent / "weights" / "reasoner.onnx"
FELT = 0.02  # strength from which a feeling is worth an evaluation of its own


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What the next five frames answer to.

    audio, heard: (5, W) features of the avatar's and of the user's voice, silence's where there is
    none; phones: (5, K) by `phone_features`, of no account unless `phones_known`; activity: (5,)
    `Activity` numbers; emotion: (5, 6) strengths in [0, 1] in the order of `EMOTIONS`; NaN lets the
    gate read them from the latent; latent: (4, 64), of no account without a feeling; style: (4,);
    cues: (5, 9) by `avatar.life.LifeCues`.
    """

    audio: Floats
    heard: Floats
    phones: Floats
    phones_known: bool
    activity: NDArray[np.integer]
    emotion: Floats
    latent: Floats
    style: Floats
    cues: Floats

    def check(self) -> None:
        """Raises ValueError for an array of another shape, or for an unknown activity."""
        wanted = {
            "audio": (CHUNK, AUDIO), "heard": (CHUNK, AUDIO), "phones": (CHUNK, PHONES),
            "activity": (CHUNK,), "emotion": (CHUNK, 6), "latent": LATENT, "style": (STYLE,),
            "cues": (CHUNK, CUES),
        }  # fmt: skip
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {shape}, not {getattr(self, name).shape}")
        if self.activity.min() < 0 or self.activity.max() >= len(Activity):
            raise ValueError(f"unknown activity in {self.activity}")


@dataclass(frozen=True, slots=True, eq=False)
class ReasonerState:
    """What a stream has shown. context: (10, 64) its last tokens, oldest first; frame: number of
    the next frame; seed: of its noise, >= 0."""

    context: Floats
    frame: int
    seed: int

    def having_shown(self, tokens: Floats) -> "ReasonerState":
        """The state after the tokens (F, 64), F >= 0, were shown; F may be less than a chunk."""
        context = np.concatenate([self.context, np.asarray(tokens, np.float32)])[-CONTEXT:]
        return ReasonerState(context, self.frame + len(tokens), self.seed)


@dataclass(frozen=True, slots=True)
class Guidance:
    """How far beyond what it learned the motion follows the sound (where no phones are known, which
    need no stress) and the feeling; 1 is not at all."""

    sound: float = 1.5
    feeling: float = 1.1


@dataclass(slots=True)
class _Rows:
    """Evaluations side by side: which know the sound, which the feeling; their weights."""

    sound: list[float] = field(default_factory=lambda: [1.0])
    feeling: list[float] = field(default_factory=lambda: [1.0])
    weight: list[float] = field(default_factory=lambda: [1.0])

    def without(self, what: str, guidance: float) -> None:
        """Add a row that knows nothing of it, for that guidance."""
        self.sound.append(float(what != "sound"))
        self.feeling.append(float(what != "feeling"))
        self.weight.append(1 - guidance)
        self.weight[0] += guidance - 1


class MotionReasoner:
    """The trained reasoner. Holds nothing that changes."""

    def __init__(self, model: bytes | Path = WEIGHTS, guidance: Guidance = Guidance()) -> None:
        """model: the ONNX file or its bytes. Raises ConfigError if the file is missing."""
        if isinstance(model, Path) and not model.is_file():
            raise ConfigError(
                f"The motion reasoner's {model} is missing.",
                "Restore the file from the repository, or train it: limner train reasoner.",
            )
        self._session = session(model)
        self._surface = load_surface()
        self._rest = self._surface.rig_to_token(np.zeros(SIZE, np.float32))
        self._gate = MouthGate(self._surface)
        self.guidance = guidance

    def start(self, seed: int, style: Floats | None = None) -> ReasonerState:
        """A stream whose face is at rest. style: (4,), only checked; each chunk is told its own.

        Raises ValueError for a negative seed or a style of another shape.
        """
        if seed < 0 or (style is not None and style.shape != (STYLE,)):
            raise ValueError(f"seed >= 0 and style ({STYLE},), not {seed} and {style}")
        return ReasonerState(np.tile(self._rest, (CONTEXT, 1)), 0, seed)

    def step(self, state: ReasonerState, conditions: Conditions) -> tuple[Floats, ReasonerState]:
        """The next (5, 64) canonical tokens, and the state once they have been shown.

        Raises ValueError for conditions of another shape.
        """
        conditions.check()
        anchors, before = anchors_of(conditions.cues, CONTEXT)
        seen = replace(state, context=moved(self._surface, state.context, -before))
        asked = replace(conditions, cues=without_anchor(conditions.cues))
        said = self._session.run(["tokens_out"], self._feed(seen, asked))[0]
        tokens = moved(self._surface, np.asarray(said, np.float32)[0], anchors)
        tokens = self._gate(tokens, conditions)
        return tokens, state.having_shown(tokens)

    def _feed(self, state: ReasonerState, given: Conditions) -> dict[str, NDArray[np.generic]]:
        known = not bool(np.isnan(given.emotion).any())
        strengths = given.emotion if known else np.zeros_like(given.emotion)
        rows = self._rows(given, not known or float(strengths.max()) > FELT)
        noise = np.random.default_rng([state.seed, state.frame])
        white = noise.standard_normal((CHUNK, TOKEN), np.float32)
        has = np.array([1, 1, given.phones_known, 1, 1], np.float32)
        one: dict[str, NDArray[np.generic]] = {
            "tokens": state.context, "white": white, "audio": given.audio, "heard": given.heard,
            "phones": given.phones, "activity": given.activity.astype(np.int64),
            "style": given.style, "cues": given.cues, "has": has, "latent": given.latent,
            "strengths": strengths,
        }  # fmt: skip
        several = {"sound": rows.sound, "feeling": rows.feeling, "weight": rows.weight}
        feed: dict[str, NDArray[np.generic]] = {name: array[None] for name, array in one.items()}
        feed |= {name: np.array(values, np.float32) for name, values in several.items()}
        feed["known"] = np.array([known], np.float32)
        return feed

    def _rows(self, given: Conditions, feels: bool) -> _Rows:
        rows = _Rows()
        speaking = bool((given.activity == Activity.SPEAKING).any())
        if self.guidance.sound != 1 and speaking and not given.phones_known:
            rows.without("sound", self.guidance.sound)
        if self.guidance.feeling != 1 and feels:
            rows.without("feeling", self.guidance.feeling)
        return rows
