"""Settings of the motion reasoner's training."""

from pydantic import BaseModel, ConfigDict

from emotion.experts import Parts


class Shape(BaseModel):
    """Size of the net."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = 192
    layers: int = 4
    heads: int = 4
    expert_layers: int = 3  # of the last layers that bear a mixture of experts
    expert_width: int = 48  # of one expert's queries, keys and values
    audio: int = 104
    phones: int = 580
    steps: int = 4  # evaluations of the net that serving affords

    noise: float = 0.7  # deviation of the noise that motion grows from, in whitened units
    smooth: float = 0.6  # share of the noise that neighbouring frames have in common


class Dropped(BaseModel):
    """How often a condition is withheld."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    all_sound: float = 0.1  # audio and phones together: what guidance leads away from
    phones: float = 0.5
    audio: float = 0.1  # of the rest
    cues: float = 0.05
    style: float = 0.1
    heard: float = 0.1
    gate: float = 0.25  # weights of the feeling: the gate has to be predicted
    blur: float = 0.5  # greatest noise on, and share missing of, the learned audio features


class Weights(BaseModel):
    """Of the losses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: float = 0.25  # whitened
    rig: float = 1.0  # in each parameter's own spread
    gap: float = 1.0  # between the lips, of its spread
    lids: float = 0.5
    speed: float = 0.6  # steps between frames, the first from the shown one, in their own spread
    gate: float = 0.05
    mouth: float = 0.15  # share of the mouth that counts in clips of masked noisy sampling


class Config(BaseModel):
    """Everything that decides the result; kept in the checkpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 31
    stage: int = 1
    steps: int = 10_000
    minutes: float | None = None  # instead of steps: so long
    windows: int = 32  # a batch
    chunks: int = 8  # a window
    rate: float = 1.2e-3
    warm_up: int = 150
    weight_decay: float = 0.02
    average: float = 0.998
    context_noise: float = 0.12  # greatest deviation of what is added to half of the contexts
    still: float = 0.04  # share of windows whose context stands still
    felt_base: float = 0.5  # share of stage 1's windows that see faces with feelings
    noisy: float = 0.25  # share of stage 2's windows: masked noisy emotion sampling
    precision: str = "bf16"
    every: float = 240.0  # seconds between held-out figures and checkpoints
    shape: Shape = Shape()
    dropped: Dropped = Dropped()
    weights: Weights = Weights()
    parts: Parts = Parts()
