"""A camera's picture as it comes from the page: a small JPEG, read with care."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError

LARGEST = 1280  # px a side; more is never of use
MAX_BYTES = 400_000


def picture_of(jpeg: bytes) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 sRGB of a JPEG of 32 to 1280 px a side. Raises MediaError for any other."""
    import cv2
    from PIL import Image

    try:
        with Image.open(BytesIO(jpeg), formats=("JPEG",)) as head:  # only the header is read
            small, large = min(head.size), max(head.size)
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable() from error
    if not 32 <= small <= large <= LARGEST:
        raise MediaError(
            f"The camera's picture has {small} x {large} pixels.", f"Send up to {LARGEST} a side."
        )
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise _unreadable()
    return np.ascontiguousarray(bgr[:, :, ::-1])


def _unreadable() -> MediaError:
    return MediaError("The camera's picture cannot be read.", "Send a JPEG picture.")
