"""Reading and writing the learned surface: one safetensors file, half precision, with its story."""

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.semo.surface import FaceSurface, Mlp, SurfaceWeights
from avatar.semo.types import Chart
from emotion.errors import ConfigError

WEIGHTS = Path(__file__).parents[1] / "weights"
SURFACE = WEIGHTS / "surface.safetensors"
FORMAT = "limner-surface-1"
_CHART = tuple(Chart.__dataclass_fields__)
_ARRAYS = ("mean", "identity", "expression", "limit", "rig_scale")
_NETS = ("encode", "shape", "probe")


def load_surface(path: Path = SURFACE) -> FaceSurface:
    """The learned surface. Raises ConfigError if the file is missing or of another format."""
    return FaceSurface(_weights(stored_arrays(path, FORMAT, "limner train surface")))


def stored_arrays(path: Path, expected: str, trained_by: str) -> dict[str, NDArray[np.generic]]:
    """All arrays of a safetensors file of ours; expected: the format that its metadata names;
    trained_by: the command that makes it. Raises ConfigError if it is missing or another one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            story = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            f"The weights {path} cannot be read: {error}.",
            f"Restore the file from the repository, or train it: {trained_by}.",
        ) from error
    if story.get("format") != expected:
        raise ConfigError(
            f"The weights {path} have the format {story.get('format')!r}, not {expected!r}.",
            "Take the weights that belong to this version of Limner.",
        )
    return arrays


def save_surface(weights: SurfaceWeights, path: Path, story: dict[str, object]) -> None:
    """Write the weights; `story` (configuration, data hash) goes into the file's metadata."""
    from safetensors.numpy import save_file

    arrays = {f"chart.{name}": getattr(weights.chart, name) for name in _CHART}
    arrays |= {name: _half(getattr(weights, name)) for name in ("identity", "expression")}
    arrays |= {name: getattr(weights, name) for name in ("mean", "limit", "rig_scale")}
    for name in _NETS:
        arrays |= {f"{name}.{key}": value for key, value in _layers(getattr(weights, name))}
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    metadata = {"format": FORMAT, "story": json.dumps(story, sort_keys=True)}
    save_file(whole, path, metadata)


def fingerprint(path: Path) -> str:
    """The first 16 hex digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _half(array: NDArray[np.float32]) -> NDArray[np.float16]:
    return array.astype(np.float16)


def _layers(net: Mlp) -> list[tuple[str, NDArray[np.float32]]]:
    named = [("skip", net.skip)]
    for at, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        named += [(f"{at}.weight", weight), (f"{at}.bias", bias)]
    return named


def _weights(arrays: dict[str, NDArray[np.generic]]) -> SurfaceWeights:
    chart = Chart(*(arrays[f"chart.{name}"] for name in _CHART))  # type: ignore[arg-type]
    mean, identity, expression, limit, rig_scale = (
        np.asarray(arrays[name], np.float32) for name in _ARRAYS
    )
    encode, shape, probe = (_net(arrays, name) for name in _NETS)
    return SurfaceWeights(chart, mean, identity, expression, limit, rig_scale, encode, shape, probe)


def _net(arrays: dict[str, NDArray[np.generic]], name: str) -> Mlp:
    count = sum(key.startswith(f"{name}.") and key.endswith(".weight") for key in arrays)
    weights = tuple(np.asarray(arrays[f"{name}.{k}.weight"], np.float32) for k in range(count))
    biases = tuple(np.asarray(arrays[f"{name}.{k}.bias"], np.float32) for k in range(count))
    return Mlp(weights, biases, np.asarray(arrays[f"{name}.skip"], np.float32))
