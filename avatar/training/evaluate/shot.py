"""What a renderer answers."""

from dataclasses import dataclass

from avatar.training.evaluate.album import Bytes, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """rgb: (H, W, 3) uint8; points: (150, 2) picture shares where the renderer put the landmarks,
    None where it does not know."""

    rgb: Bytes
    points: Floats | None = None
