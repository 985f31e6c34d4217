"""Folds, wrinkles and shading that come and go with the expression.

A net reads the portrait's own face once and gives K maps of folds; per frame a small net says how
strong each is. The portrait's pixels are multiplied by exp(sum of (strength now - strength in the
portrait) x map) before they are moved, so that folds follow the skin, the portrait itself is
untouched, and what changes slowly changes slowly in the picture, too. Axis legend: N chart points,
K folds, M side of the flat face, S of the frame, D of the dense portrait, g h of the grid on which
strengths are told.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatar.rig import Vector
from avatar.semo.face_map import face_map
from avatar.semo.loading import stored_arrays
from avatar.semo.pixels import DENSITY
from avatar.semo.raster import OPTIONS, Seen, rasterise
from avatar.semo.stage import Posed
from avatar.semo.surface import FaceSurface, Mlp
from avatar.semo.types import Appearance, Floats, Ints, Region
from avatar.semo.window import Window
from speech.onnx import session

FORMAT = "limner-folds-1"
CHANNELS = 5  # red, green, blue in 0..1, known, inside the face
_MOST = np.float32(0.75)  # of the logarithm of a change of light
_LEAST = 0.004  # changes that nobody sees
_FINEST = 200  # cells of the longer side of the grid
_RIM = 3  # cells over which folds fade towards lids and lips
_NO_MAP: Any = None  # both coordinates are in the first map
_f = np.float32


@dataclass(frozen=True, slots=True, eq=False)
class Strengths:
    """From a rig vector to how strong each fold is. net: (2 R,) to (K,); scale: (R,) divides the
    rig; bound: no strength is larger, before all are multiplied by gain. tint: (3,) powers of the
    change for red, green, blue."""

    net: Mlp
    scale: Floats
    bound: float
    gain: float
    tint: Floats

    def __call__(self, rig: Vector) -> Floats:
        """(63,) to (K,)."""
        bounded = self.bound * np.tanh(self.net(self.features(rig)) / self.bound)
        return np.asarray(self.gain * bounded, np.float32)

    def features(self, rigs: Vector) -> Floats:
        """(..., R) to (..., 2 R): scaled, and their squares."""
        scaled = (rigs / self.scale).clip(-3, 3)
        return np.asarray(np.concatenate([scaled, scaled**2], -1), np.float32)


class FoldNet:
    """Loaded once, used for any number of portraits."""

    def __init__(self, model: bytes | Path, strengths: Strengths) -> None:
        """model: the ONNX file or its bytes. Raises OSError or onnxruntime's errors if unusable."""
        self._session = session(model)
        self.strengths = strengths

    def maps(self, face: Floats) -> Floats:
        """(CHANNELS, M, M) as `net_input` gives it to (K, M, M)."""
        return np.asarray(self._session.run(None, {"face": face[None]})[0][0], np.float32)


def net_input(rgb: np.ndarray, known: Floats, inside: Floats) -> Floats:
    """(CHANNELS, M, M) of a flat face (M, M, 3), how far it is known (M, M), and `FaceMap.inside`.

    Colours are brought to a common brightness: how dark the camera saw it does not matter.
    """
    rgb = rgb * np.float32(1 / 255)
    weight = known * inside
    mean = float((rgb.mean(-1) * weight).sum() / max(float(weight.sum()), 1.0))
    even = np.clip(rgb * (0.5 / max(mean, 0.05)), 0, 1.6) * (known > 0)[..., None]
    return np.ascontiguousarray(
        np.concatenate([even.transpose(2, 0, 1), known[None], inside[None]]), np.float32
    )


def load_folds(folder: Path) -> FoldNet:
    """`folds.onnx` and `folds.safetensors` of a folder. Raises ConfigError if there are none."""
    path = folder / "folds.safetensors"
    arrays = stored_arrays(path, FORMAT, "limner train completion")
    count = sum(name.endswith(".weight") for name in arrays)
    layers = [
        tuple(np.asarray(arrays[f"{k}.{part}"], np.float32) for k in range(count))
        for part in ("weight", "bias")
    ]
    net = Mlp(layers[0], layers[1], np.asarray(arrays["skip"], np.float32))
    scale, tint = (np.asarray(arrays[name], np.float32) for name in ("scale", "tint"))
    bound, gain = (float(arrays[name][0]) for name in ("bound", "gain"))
    strengths = Strengths(net, scale, bound, gain, tint)
    return FoldNet(folder / "folds.onnx", strengths)


class Folds:
    """The folds of one portrait at one size. Keeps scratch memory: one thread at a time."""

    def __init__(
        self,
        net: FoldNet,
        surface: FaceSurface,
        appearance: Appearance,
        rest: Posed,
        portrait: tuple[np.ndarray, NDArray[np.uint32]],
    ) -> None:
        """portrait: (S, S, 3) uint8 and the same dense (D, D), both as `MotionDecoder` draws."""
        base, dense = portrait
        self._strengths, self._dense = net.strengths, dense
        self._own = net.strengths(rest.rig)
        self._front = dense.copy()
        maps = net.maps(flat_face(surface, appearance, base))
        weight = _weight(surface, appearance)
        self._box, at, share = _on_portrait(surface, weight, rest, base.shape[0])
        rows = [cv2.remap(one, at, _NO_MAP, cv2.INTER_LINEAR) * share for one in maps]
        self._maps = np.ascontiguousarray(np.stack(rows, -1).reshape(-1, len(rows)), np.float32)
        self._grid, self._touched = share.shape, False
        self.rows = self._reached(base.shape[0])

    @property
    def front(self) -> NDArray[np.uint32]:
        """The dense portrait (D, D) with the folds of the frame that `shade` saw last."""
        return self._front

    def shade(self, posed: Posed) -> bool:
        """Bring `front` to a frame's folds; whether it has any."""
        change = self._strengths(posed.rig) - self._own
        log = np.clip(self._maps @ change, -_MOST, _MOST)
        active = bool(np.abs(log).max(initial=0) > _LEAST)
        if active or self._touched:
            box = self._box
            high, wide = DENSITY * (box.bottom - box.top), DENSITY * (box.right - box.left)
            gain = np.exp(log.reshape(self._grid)) - _f(1)
            large = cv2.resize(gain, (wide, high), interpolation=cv2.INTER_LINEAR)
            corner = DENSITY * box.corner()
            _multiply(self._dense, large, self._strengths.tint, corner, self._front)
        self._touched = active
        return active

    def _reached(self, size: int) -> Ints:
        """(S, 2) first and last + 1 pixel of each row that folds can change."""
        out = np.zeros((size, 2), np.int32)
        out[self._box.top : self._box.bottom] = self._box.left, self._box.right
        return out


def flat_face(surface: FaceSurface, appearance: Appearance, rgb: np.ndarray) -> Floats:
    """(CHANNELS, M, M): what the net sees of a portrait rgb (S, S, 3)."""
    flat = face_map(surface)
    face = flat.unwrapped(rgb, flat.spread(appearance.source))
    known = flat.spread(appearance.seen[:, None])[..., 0]
    return net_input(face, known, flat.inside)


def united(spans: Ints, others: Ints) -> Ints:
    """Spans (S, 2) of rows that cover both; equal ends cover nothing."""
    empty, without = spans[:, 1] <= spans[:, 0], others[:, 1] <= others[:, 0]
    low = np.minimum(spans[:, 0], others[:, 0])
    high = np.maximum(spans[:, 1], others[:, 1])
    both = np.stack([low, high], 1)
    out = np.where(empty[:, None], others, np.where(without[:, None], spans, both))
    return np.ascontiguousarray(out, np.int32)


def _weight(surface: FaceSurface, appearance: Appearance) -> Floats:
    """(N,) how far folds show: on skin that the portrait shows and that moves it. Closing lids are
    painted anew and know no folds."""
    skin = surface.chart.point_region == Region.SKIN
    lids = 1 - appearance.lid_weight.max(0)
    return np.asarray(skin * appearance.hold * appearance.seen * lids, np.float32)


def _on_portrait(
    surface: FaceSurface, weight: Floats, rest: Posed, size: int
) -> tuple[Window, Floats, Floats]:
    """The box of the frame that folds reach; on a grid over it, where each cell lies in the flat
    face (g, h, 2), pixels of cv2.remap, and how far folds show there (g, h)."""
    flat = face_map(surface)
    own = cv2.remap(flat.inside, flat.at[:, None] - _f(0.5), _NO_MAP, cv2.INTER_LINEAR)[:, 0]
    reached = rest.screen[(weight * own) > 0.01, :2]
    box = Window.around(reached, 1, size) if len(reached) else Window(0, 0, 1, 1)
    if box is None:
        box = Window(0, 0, 1, 1)
    wide, high = box.right - box.left, box.bottom - box.top
    scale = min(1.0, _FINEST / max(wide, high))
    grid = (max(1, round(high * scale)), max(1, round(wide * scale)))
    seen = Seen.empty(*grid)
    # The grid's cells must be square for `rasterise`: rounding is undone by stretching the points.
    screen = rest.screen.copy()
    screen[:, :2] = (screen[:, :2] - box.corner()) * [grid[1] / wide, grid[0] / high]
    rasterise(np.ascontiguousarray(screen, np.float32), surface.chart.triangles,
              np.array([0, 0, 1], np.float32), tuple(seen))  # fmt: skip
    hit = np.maximum(seen.hit, 0)
    shown = (seen.hit >= 0) & (surface.chart.region[hit] == Region.SKIN)
    first = np.where(shown[..., None], seen.weights, 0)
    shares = np.concatenate([first, 1 - first.sum(-1, keepdims=True)], -1)[..., None]
    columns = np.concatenate([flat.at, weight[:, None]], 1)
    values = (columns[surface.chart.triangles[hit]] * shares).sum(2) * shown[..., None]
    rim = cv2.distanceTransform(np.pad(shown, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    at = np.ascontiguousarray(values[..., :2], np.float32) - _f(0.5)
    share = values[..., 2] * np.clip((rim - 0.5) / _RIM, 0, 1)
    return box, at, np.asarray(share, np.float32)


@njit("void(uint32[:,::1], float32[:,::1], float32[::1], int32[::1], uint32[:,::1])", **OPTIONS)
def _multiply(portrait, gain, tint, corner, out):  # type: ignore[no-untyped-def]
    """Into out the part of portrait (D, D) at corner with the change of light gain (h, w), 0 for
    none, times tint (3,) for red, green, blue."""
    left, top = corner[0], corner[1]
    half, most = np.float32(0.5), np.float32(255)
    one = np.float32(1)
    for v in range(gain.shape[0]):
        for u in range(gain.shape[1]):
            g = gain[v, u]
            p = portrait[top + v, left + u]
            red = np.float32(p & 255) * (one + g * tint[0]) + half
            green = np.float32((p >> 8) & 255) * (one + g * tint[1]) + half
            blue = np.float32((p >> 16) & 255) * (one + g * tint[2]) + half
            r = np.uint32(min(red, most))
            n = np.uint32(min(green, most))
            b = np.uint32(min(blue, most))
            out[top + v, left + u] = r | (n << 8) | (b << 16) | (p & np.uint32(0xFF000000))
