"""Settings of the motion encoder's training."""

from pydantic import BaseModel, ConfigDict


class Weights(BaseModel):
    """Of the losses. Tokens in their own unit (variance 1), positions in mm, rig parameters in
    shares of how far performances move them, placement in 2 % of the square's side."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: float = 1.0  # distance to the scaffold's token
    position: float = 0.15  # mm^2 of all chart points, lips and lids up-weighted
    posed: float = 0.003  # mm^2 of landmarks after gaze and pose
    rig: float = 2.0
    gap: float = 0.15  # mm of the gaps of lips and lids
    cross: float = 0.3  # two people in one scene: tokens alike
    person: float = 0.5  # what all frames of one person have in common beside their labels
    placement: float = 0.3
    present: float = 0.1


class Config(BaseModel):
    """Everything that decides the result; written beside the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 17
    minutes: float = 35.0
    steps: int | None = None  # instead of minutes: so many
    batch: int = 48
    rate: float = 1.5e-3  # peak
    trunk_rate: float = 0.5  # of that for the warm-started convolutions
    warm_up: int = 100  # steps to the peak
    weight_decay: float = 0.02
    average: float = 0.998  # decay of the moving average of the weights
    width: int = 128
    layers: int = 2
    heads: int = 4
    token: int = 64  # numbers the encoder says; others than 64 pass a projector
    hidden: float = 0.5  # share of patches hidden in a hidden frame
    hidden_frames: tuple[float, float] = (0.3, 0.15)  # share of such frames, first and last
    scaffold: bool = True  # the projector's token as a target and in the encoder's place
    cross_identity: bool = True
    photos: bool = True  # photo-fitted frames among the data
    noise: float = 0.04  # added to tokens before they are decoded
    warm: bool = True  # trunks of the landmark nets
    fine: float = 6.0  # weight of lips and lids among the positions
    absent: float = 0.06  # share of cuts without a face
    every: float = 120.0  # seconds between held-out figures and checkpoints
    weights: Weights = Weights()
