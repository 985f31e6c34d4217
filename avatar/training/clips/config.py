"""Settings of reading a folder of clips."""

from pydantic import BaseModel, ConfigDict, Field


class Config(BaseModel):
    """Everything that decides what is kept of a clip; written beside the shards."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    longest: float = Field(
        default=600.0, gt=0
    )  # s read of a clip; what follows is left out and said
    widest: int = Field(default=1280, ge=256)  # px; longer sides are scaled down to it
    fastest: float = Field(default=31.0, gt=1)  # frames a second looked at
    # A track ends where the picture as a whole changes by more than this share of full scale
    # between two frames, or the face jumps by this share of its size.
    cut: float = 0.12
    jump: float = 0.35
    pause: float = 0.3  # s until a face is looked for again where there was none
    confident: float = 0.6  # least score of the landmarks
    smallest: float = 64.0  # px from hairline to chin, after scaling down
    most_turned: float = 35.0  # degrees of yaw
    shortest: float = 1.2  # s of good frames that make a track worth keeping
    side: int = Field(default=256, ge=128, le=512)  # px of a crop
    rate: float = 6.0  # frames a second that are kept
    most_frames: int = 600  # of a track
    sources: int = Field(default=3, ge=1, le=8)  # calm frames from which others are reconstructed
    apart: float = 1.0  # s between them
    # Sync: lags looked at (s), how far lips and sound may be apart (s), and the least correlation.
    lags: float = 0.6
    tolerance: float = 0.14
    correlated: float = 0.25
    certain: float = 3.0  # standard deviations of chance that a correlation must exceed
