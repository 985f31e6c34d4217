"""Hair, clothes and textures of the face pack; its geometry is in `avatar.training.pack`.

Format and licences: README.md and LICENSES.md inside the pack.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from avatar.training.pack import HeadPack, load_head
from avatar.training.synthetic.buffers import Bytes, Floats, Ints
from avatar.training.synthetic.textures import mip_chain


@dataclass(frozen=True, slots=True, eq=False)
class Garment:
    """A mesh that follows the head: vertices (V,3) cm; triangles, corner_uv (T,3); uv (U,2);
    anchors (V,12) head vertices and anchor_weights (V,12), rows sum to 1."""

    vertices: Floats
    triangles: Ints
    corner_uv: Ints
    uv: Floats
    anchors: Ints
    anchor_weights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Top(Garment):
    """A garment with the triangles of head (H,) and torso (K,) that it hides."""

    hides_head: Ints
    hides_torso: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Wardrobe:
    """The whole pack. skin_means: mean linear RGB of each skin's cheek."""

    folder: Path
    head: HeadPack
    hair: Mapping[str, Garment]
    tops: Mapping[str, Top]
    torso: Garment
    skin_means: Mapping[str, tuple[float, float, float]]
    skins: tuple[str, ...]
    brows: tuple[str, ...]
    irises: tuple[str, ...]
    _images: dict[str, Bytes] = field(default_factory=dict)
    _chains: dict[str, Sequence[Bytes]] = field(default_factory=dict)

    def image(self, name: str) -> Bytes:
        """(H,W[,C]) uint8 RGB(A) of `tex/NAME.webp`; do not write into it."""
        if name not in self._images:
            self._images[name] = read_rgb(self.folder / "tex" / f"{name}.webp")
        return self._images[name]

    def chain(self, name: str, make: Callable[[], Bytes]) -> Sequence[Bytes]:
        """The mip chain of a picture that is the same for all people; made once, then kept."""
        if name not in self._chains:
            self._chains[name] = mip_chain(make())
        return self._chains[name]


def read_rgb(path: Path) -> Bytes:
    """Picture file to (H,W), (H,W,3) RGB or (H,W,4) RGBA uint8. Raises FileNotFoundError."""
    if not path.is_file():
        raise FileNotFoundError(path)
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise FileNotFoundError(f"{path} is no picture")
    if image.ndim == 3:
        order = [2, 1, 0, 3][: image.shape[2]]
        image = image[..., order]
    out = np.ascontiguousarray(image, np.uint8)
    out.flags.writeable = False
    return out


def load_wardrobe(pack: Path) -> Wardrobe:
    """Read the pack. Raises FileNotFoundError, ValueError (see `load_head`)."""
    means = json.loads((pack / "skin_mean.json").read_text())
    names = sorted(path.stem for path in (pack / "tex").glob("*.webp"))
    skins = [name[5:-5] for name in names if name.startswith("skin_") and name.endswith("_face")]
    with np.load(pack / "hair.npz") as data:
        hair = {str(name): _garment(data, str(name)) for name in data["names"]}
    with np.load(pack / "clothes.npz") as data:
        tops = {str(name): _top(data, str(name)) for name in data["names"]}
        torso = _garment(data, "torso")
    return Wardrobe(
        pack,
        load_head(pack),
        hair,
        tops,
        torso,
        {name: tuple(means[name]) for name in skins},
        tuple(skins),
        tuple(name for name in names if name.startswith("brow_")),
        tuple(name for name in names if name.startswith("eye_")),
    )


def _garment(data: "np.lib.npyio.NpzFile", name: str) -> Garment:
    triangles = data[f"{name}_T"].astype(np.int32)
    textured = f"{name}_uv" in data
    weights = data[f"{name}_bw"].astype(np.float32)
    return Garment(
        data[f"{name}_v"].astype(np.float32),
        triangles,
        data[f"{name}_U"].astype(np.int32) if textured else np.zeros_like(triangles),
        data[f"{name}_uv"].astype(np.float32) if textured else np.zeros((1, 2), np.float32),
        data[f"{name}_bi"].astype(np.int32),
        weights / weights.sum(1, keepdims=True),
    )


def _top(data: "np.lib.npyio.NpzFile", name: str) -> Top:
    g = _garment(data, name)
    return Top(
        g.vertices,
        g.triangles,
        g.corner_uv,
        g.uv,
        g.anchors,
        g.anchor_weights,
        data[f"{name}_hide_head"].astype(np.int32),
        data[f"{name}_hide_torso"].astype(np.int32),
    )
