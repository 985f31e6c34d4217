"""Strong augmentation of pictures with their points and masks, seeded.

What cameras, networks and lives do to pictures: light and colour, soft and moved focus, noise,
compression, low resolution, other crops, things in front of the face. Axis legend: H W pixels, P
points.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """image (H,W,3) uint8 RGB; points (P,2) px, the first pixel's centre is (0.5, 0.5); masks: any
    number of (H,W) uint8; classes: likewise, but not blended when they are moved; hidden (H,W)
    bool: where something was put in front."""

    image: Bytes
    points: Floats
    masks: tuple[Bytes, ...] = ()
    classes: tuple[Bytes, ...] = ()
    hidden: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Strength:
    """Chances of each kind, and how far pictures are moved: zoom (standard deviation of the log),
    turn (radians), shift (shares of the side)."""

    colour: float = 0.9
    light: float = 0.5
    blur: float = 0.3
    noise: float = 0.5
    shrink: float = 0.25
    jpeg: float = 0.5
    occluder: float = 0.25
    zoom: float = 0.12
    turn: float = 0.12
    shift: float = 0.05


def augment(sample: Sample, rng: Rng, strength: Strength | None = None) -> Sample:
    """A changed copy; the same for the same state of `rng`."""
    s = strength or Strength()
    out = _moved(sample, rng, s)
    if rng.random() < s.occluder:
        out = _occluded(out, rng)
    return replace(out, image=degrade(out.image, rng, s))


def degrade(image: Bytes, rng: Rng, strength: Strength | None = None) -> Bytes:
    """(H,W,3) uint8 with other colours, light and quality, at the same place."""
    s = strength or Strength()
    picture: Floats = image.astype(np.float32) * np.float32(1 / 255)
    if rng.random() < s.light:
        picture = _relit(picture, rng)
    if rng.random() < s.colour:
        picture = _coloured(picture, rng)
    if rng.random() < s.blur:
        picture = _blurred(picture, rng)
    if rng.random() < s.shrink:
        picture = _shrunk(picture, rng)
    if rng.random() < s.noise:
        picture = _noisy(picture, rng)
    out = (picture * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return _compressed(out, rng) if rng.random() < s.jpeg else out


def moved_by(sample: Sample, matrix: Floats, size: tuple[int, int]) -> Sample:
    """Everything taken through an affine map (2,3) of continuous px into (width, height)."""
    # cv2 counts from pixel centres.
    half = np.array([0.5, 0.5], np.float32)
    m = matrix.astype(np.float64).copy()
    m[:, 2] += m[:, :2] @ half - half

    def warp(plane: Bytes, way: int, border: int) -> Bytes:
        return np.asarray(cv2.warpAffine(plane, m, size, flags=way, borderMode=border), np.uint8)

    masks = tuple(warp(p, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT) for p in sample.masks)
    classes = tuple(warp(p, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) for p in sample.classes)
    hidden = sample.hidden
    if hidden is not None:
        hidden = warp(hidden.astype(np.uint8), cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) > 0
    points = sample.points @ matrix[:, :2].T + matrix[:, 2]
    image = warp(sample.image, cv2.INTER_LINEAR, cv2.BORDER_REFLECT_101)
    return Sample(image, points.astype(np.float32), masks, classes, hidden)


def _moved(sample: Sample, rng: Rng, s: Strength) -> Sample:
    height, width = sample.image.shape[:2]
    zoom, turn = float(np.exp(rng.normal(0, s.zoom))), float(rng.normal(0, s.turn))
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]], np.float32)
    middle = np.array([width / 2, height / 2], np.float32)
    shift = rng.normal(0, s.shift, 2).astype(np.float32) * np.array([width, height], np.float32)
    matrix = np.column_stack([linear, middle + shift - linear @ middle]).astype(np.float32)
    return moved_by(sample, matrix, (width, height))


def _relit(picture: Floats, rng: Rng) -> Floats:
    """A gradient of light across the picture, at times with a hard edge: shade on the face."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    sharpness = float(np.exp(rng.uniform(0, 3.2)))
    share = 1 / (1 + np.exp(-sharpness * (along - rng.uniform(-0.3, 0.3))))
    low, high = np.sort(np.exp(rng.normal(0, 0.4, 2)))
    tint = 1 + rng.normal(0, 0.06, 3)
    gain = (low + (high - low) * share)[..., None] * tint
    return np.asarray(picture * gain, np.float32)


def _coloured(picture: Floats, rng: Rng) -> Floats:
    """Exposure, contrast, gamma, white balance, saturation."""
    out = np.clip(picture, 0, None) ** np.float32(np.exp(rng.normal(0, 0.22)))
    out = out * np.exp(rng.normal(0, 0.18)) * np.exp(rng.normal(0, 0.07, 3))
    middle = out.mean()
    out = middle + (out - middle) * np.exp(rng.normal(0, 0.18))
    grey = out @ np.array([0.3, 0.59, 0.11])
    saturation = 0.0 if rng.random() < 0.06 else float(np.exp(rng.normal(0, 0.3)))
    return np.asarray(grey[..., None] + (out - grey[..., None]) * saturation, np.float32)


def _blurred(picture: Floats, rng: Rng) -> Floats:
    """Out of focus, or moved while exposed."""
    unit = picture.shape[0] / 256
    if rng.random() < 0.6:
        sigma = float(rng.uniform(0.4, 2.2)) * unit
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    length = int(rng.integers(3, 10) * unit) | 1
    kernel = np.zeros((length, length), np.float32)
    angle, reach = rng.uniform(0, np.pi), length / 2
    step = reach * np.array([np.cos(angle), np.sin(angle)])
    a, b = np.round(reach - 0.5 - step).astype(int), np.round(reach - 0.5 + step).astype(int)
    cv2.line(kernel, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0, 1)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _shrunk(picture: Floats, rng: Rng) -> Floats:
    """Through a lower resolution."""
    height, width = picture.shape[:2]
    factor = rng.uniform(0.25, 0.8)
    small = (max(int(width * factor), 8), max(int(height * factor), 8))
    down = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    way = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST], p=[0.5, 0.4, 0.1]))
    return np.asarray(cv2.resize(down, (width, height), interpolation=way), np.float32)


def _noisy(picture: Floats, rng: Rng) -> Floats:
    """Sensor noise: fine or coarse, more in the light, partly grey."""
    height, width = picture.shape[:2]
    level = float(np.exp(rng.uniform(np.log(0.005), np.log(0.07))))
    fine = rng.normal(0, 1, (height, width, 3)).astype(np.float32)
    noise: Floats = (fine * 0.6 + fine[..., :1] * 0.6).astype(np.float32)
    if rng.random() < 0.4:
        soft = cv2.GaussianBlur(noise, (0, 0), float(rng.uniform(0.5, 1.2)))
        noise = (2 * np.asarray(soft, np.float32)).astype(np.float32)
    return np.asarray(picture + noise * level * (0.5 + picture), np.float32)


def _compressed(image: Bytes, rng: Rng) -> Bytes:
    quality = int(rng.integers(20, 92))
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError("the picture could not be compressed")
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def _occluded(sample: Sample, rng: Rng) -> Sample:
    """Something in front: a blob, a bar, several strands; some as blurred as a hand in motion."""
    height, width = sample.image.shape[:2]
    cover = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        _draw_occluder(cover, rng)
    if rng.random() < 0.7:
        sigma = float(rng.uniform(0.5, 3)) * height / 256
        cover[:] = cv2.GaussianBlur(cover, (0, 0), sigma)
    colour = rng.uniform(0, 255, 3) if rng.random() < 0.6 else np.array([205, 150, 125])
    shade = 1 + 0.25 * cv2.resize(
        rng.normal(0, 1, (6, 6)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    share = cover[..., None]
    image = sample.image * (1 - share) + (colour * shade[..., None]).clip(0, 255) * share
    earlier = sample.hidden if sample.hidden is not None else np.zeros((height, width), bool)
    return replace(
        sample, image=image.clip(0, 255).astype(np.uint8), hidden=earlier | (cover > 0.5)
    )


def _draw_occluder(cover: Floats, rng: Rng) -> None:
    height, width = cover.shape
    centre = rng.uniform(0.1, 0.9, 2) * [width, height]
    if rng.random() < 0.6:
        angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
        radius = rng.uniform(0.05, 0.22) * height * rng.uniform(0.6, 1.2, 9)
        ring = np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, None] + centre
        cv2.fillPoly(cover, [ring.astype(np.int32)], 1.0, cv2.LINE_AA)
        return
    end = centre + rng.normal(0, 0.5, 2) * [width, height]
    thick = int(rng.uniform(0.01, 0.12) * height) + 1
    a, b = (int(centre[0]), int(centre[1])), (int(end[0]), int(end[1]))
    cv2.line(cover, a, b, 1.0, thick, cv2.LINE_AA)
