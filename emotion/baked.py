"""Embeddings of fixed texts, computed ahead and shipped, so that no start waits for them.

A file is used only while it was baked from exactly the texts asked for; else they are computed.
Bake again after editing such texts: `python -m emotion.baked` and `python -m agent.brain.baked`.
"""

import hashlib
import logging
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)


def digest(texts: Sequence[str]) -> str:
    """Identifies a list of texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def read_baked(path: Path, texts: Sequence[str]) -> NDArray[np.float32] | None:
    """(N, 384) float32 rows of length 1, or None where the file is missing or of other texts."""
    try:
        with np.load(path, allow_pickle=False) as data:
            fresh = str(data["digest"]) == digest(texts)
            rows = np.asarray(data["rows"], np.float32)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        logger.warning("no baked embeddings in %s (%s): computing them", path.name, error)
        return None
    if not fresh or len(rows) != len(texts):
        logger.warning("%s was baked from other texts: computing them", path.name)
        return None
    normalised: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normalised


def write_baked(path: Path, texts: Sequence[str], rows: NDArray[np.float32]) -> None:
    """Store rows as float16; half a thousandth of precision is plenty for a cosine."""
    np.savez_compressed(path, digest=np.array(digest(texts)), rows=rows.astype(np.float16))


if __name__ == "__main__":
    from emotion.text_reading import bake_prototypes

    bake_prototypes()
