"""Checks and rate changes for plain sound arrays."""

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError

RATES = range(4_000, 384_001)  # Hz that make sense for a sound
REMEDY = "Give a one-dimensional float32 array in [-1, 1] and its rate in Hz."


def checked(pcm: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """The same sound as (T,) float32 after checks.

    Raises MediaError when it is no array, not mono, not floating point, empty, or not finite, or
    when the rate makes no sense.
    """
    if not isinstance(pcm, np.ndarray) or not np.issubdtype(pcm.dtype, np.floating):
        kind = getattr(pcm, "dtype", type(pcm).__name__)
        raise MediaError(f"The sound is {kind}, not an array of floats.", REMEDY)
    if pcm.ndim != 1:
        raise MediaError(f"The sound has shape {pcm.shape}; one channel is wanted.", REMEDY)
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or int(rate) not in RATES:
        raise MediaError(f"The sound's rate is {rate!r} Hz, which is impossible.", REMEDY)
    if pcm.size == 0:
        raise MediaError("The sound is empty.", "Record or choose a sound with speech in it.")
    if not bool(np.isfinite(pcm).all()):
        raise MediaError("The sound holds values that are not finite numbers.", REMEDY)
    return pcm.astype(np.float32, copy=False)


def resample(pcm: NDArray[np.float32], rate: int, to_rate: int) -> NDArray[np.float32]:
    """Change the rate of (T,) float32 sound with soxr; the same rate returns it unchanged."""
    if rate == to_rate:
        return pcm
    import soxr

    out: NDArray[np.float32] = soxr.resample(pcm, rate, to_rate, quality="HQ")
    return out.astype(np.float32, copy=False)
