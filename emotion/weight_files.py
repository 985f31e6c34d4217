"""Reading and writing the weights of this package: safetensors with a format and a story."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ConfigError

WEIGHTS = Path(__file__).with_name("weights")
_REMEDY = "Restore the file from the repository, or train it: limner train emotion."


def stored_arrays(path: Path, expected: str) -> dict[str, NDArray[np.generic]]:
    """All arrays of a file of ours; expected: the format that its metadata names.

    Raises ConfigError when the file is missing, broken or of another format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            story = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"The weights {path} cannot be read: {error}.", _REMEDY) from error
    if story.get("format") != expected:
        raise ConfigError(
            f"The weights {path} have the format {story.get('format')!r}, not {expected!r}.",
            "Take the weights that belong to this version of Limner.",
        )
    return arrays


def floats(arrays: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.float32]]:
    """The same arrays in single precision."""
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def write_arrays(
    arrays: dict[str, NDArray[np.generic]], path: Path, kind: str, story: dict[str, object]
) -> None:
    """Write arrays; kind: the format's name; story: configuration and figures, as metadata."""
    from safetensors.numpy import save_file

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(whole, path, {"format": kind, "story": json.dumps(story, sort_keys=True)})
    path.chmod(0o644)  # the library makes files that only their owner reads
