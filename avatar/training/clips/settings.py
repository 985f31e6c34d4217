"""Settings of fine-tuning on clips."""

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Everything that decides the result; written beside the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 23
    minutes: float = Field(default=8.0, gt=0)
    scenes: int = 4  # sources in a batch
    sources: int = 1  # of a track, from which the others are made
    targets: int = 3  # frames made of each
    rate: float = 2e-4  # of the encoder
    trunk_rate: float = 0.3  # share of it for the convolutions
    surface_rate: float = 1e-4  # of the net from tokens to movements
    basis_rate: float = 2e-5  # of the movements, cm
    hold_token: float = 0.02  # pull of tokens to those of the encoder as it was
    hold_surface: float = 30.0  # pull of movements (cm) to what they were
    hidden: float = 0.3  # share of patches hidden in some of the targets
    hidden_frames: float = 0.25  # share of these targets
    jitter: tuple[float, float] = (0.03, 0.06)  # of squares: sides, log of the size
    finest: tuple[int, int] = (2, 0)  # first level that counts, at the beginning and in the end
    average: float = 0.99
    every: float = 60.0
