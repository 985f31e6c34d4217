"""Settings of the surface's training."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Everything that decides the result; written beside the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 5
    identity: int = 72  # principal directions of persons
    persons: int = 3000  # drawn for them
    coefficients: int = 72  # expression coefficients, of which the first are linear
    hidden: int = 128
    batch: int = 64
    steps: int = 2_000
    rate: float = 1.5e-3
    noise: float = 0.04  # added to tokens (unit variance) while training
    fine: float = 6.0  # weight of lips and lids in the loss
    probe: float = 0.02  # weight of the rig probe's loss, relative to mm^2
    held_out_seed: int = 99  # of the persons and rigs that figures are taken on
