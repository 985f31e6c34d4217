"""Things drawn before faces: hands, masks, objects, hair, dark and shining glasses.

Everything is drawn on an upright square patch (S,S,3) uint8 with the face's (150,2) points in its
pixels. Each function returns the changed patch and the mask (S,S) float32 of what is hidden.
"""

from __future__ import annotations

import cv2
import numpy as np

from avatar.landmark_net import LEFT, MOUTH, RIGHT
from avatar.training.landmarks.data import texture

Covered = tuple[np.ndarray, np.ndarray]


def hand(rng: np.random.Generator, rgb: np.ndarray, points: np.ndarray) -> Covered:
    """Fingers and a palm in the face's own colour, reaching in from a side."""
    size = len(rgb)
    aim = points[rng.choice([*range(0, 118, 6)])] + rng.normal(0, 0.05 * size, 2)
    angle, width = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.06, 0.12)
    way = np.array([np.cos(angle), np.sin(angle)])
    across, count = np.array([-way[1], way[0]]), int(rng.integers(1, 6))
    mask, shade = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    for k in range(count):
        offset = (k - (count - 1) / 2) * width * rng.uniform(0.95, 1.15)
        tip = aim + across * offset + way * rng.uniform(-0.1, 0.1) * size
        root = tip - way * size * rng.uniform(0.3, 0.5) - across * offset * 0.15
        middle = (tip + root) / 2 + across * rng.normal(0, 0.02) * size
        path = np.rint(np.stack([root, middle, tip]) * 16).astype(np.int32)
        for share, level in ((1.0, 0.78), (0.7, 0.93), (0.4, 1.0)):
            thick = max(1, round(width * share))
            cv2.polylines(shade, [path], False, level, thick, cv2.LINE_AA, 4)
        cv2.polylines(mask, [path], False, 1.0, max(1, round(width)), cv2.LINE_AA, 4)
    palm = aim - way * size * rng.uniform(0.5, 0.7)
    axes = (round(size * 0.26), round(width * max(count, 3) * 0.55))
    spot = (tuple(int(v) for v in palm), axes, float(np.degrees(angle)), 0.0, 360.0)
    cv2.ellipse(mask, *spot, 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(shade, *spot, 0.9, -1, cv2.LINE_AA)
    return _laid(rng, rgb, _skin(rng, rgb, points) * shade[..., None], mask)


def _skin(rng: np.random.Generator, rgb: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(3,) the face's colour, a little off."""
    x, y = np.clip(points[143].astype(int), 4, len(rgb) - 5)  # the nose's tip
    near = rgb[max(y - 8, 0) : y + 8, max(x - 8, 0) : x + 8].reshape(-1, 3)
    return np.asarray(np.median(near, 0) * rng.uniform(0.8, 1.2) * np.exp(rng.normal(0, 0.05, 3)))


def _laid(
    rng: np.random.Generator, rgb: np.ndarray, colours: np.ndarray, mask: np.ndarray
) -> Covered:
    """Colours over the patch, with a soft shadow beside them."""
    size = len(rgb)
    move = np.array([[1, 0, rng.normal(0, 3)], [0, 1, rng.normal(0, 3)]], np.float64)
    cast = cv2.GaussianBlur(cv2.warpAffine(mask, move, (size, size)), (0, 0), 3)
    ground = rgb * (1 - rng.uniform(0, 0.45) * cast[..., None])
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.7))[..., None]
    return _eight_bit(ground * (1 - soft) + colours * soft), mask


def _eight_bit(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _filled(size: int, polygon: np.ndarray) -> np.ndarray:
    """(size,size) float32, 1 inside the (n,2) polygon."""
    mask = np.zeros((size, size), np.float32)
    corners = np.rint(polygon * 16).astype(np.int32)
    cv2.fillPoly(mask, [corners], 1.0, cv2.LINE_AA, 4)
    return mask


def _cloth(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size,size,3) one colour with folds, or a texture."""
    if rng.random() < 0.4:
        return texture(rng, size).astype(np.float32)
    common = [(235, 238, 240), (150, 190, 215), (25, 25, 28), (220, 220, 200)]
    colour = common[rng.integers(4)] if rng.random() < 0.6 else rng.integers(0, 256, 3)
    y, x = np.mgrid[:size, :size] / size
    folds = np.sin((y * rng.uniform(2, 14) + x * rng.uniform(-3, 3)) * 2 * np.pi)
    return np.asarray(np.asarray(colour) * (1 + rng.uniform(0, 0.12) * folds[..., None]))


def mask(rng: np.random.Generator, rgb: np.ndarray, points: np.ndarray) -> Covered:
    """A face mask or scarf from the nose or the mouth down."""
    top = points[int(rng.integers(140, 145))][1] if rng.random() < 0.8 else points[MOUTH, 1].min()
    oval = points[:36]
    low = oval[oval[:, 1] > top - 0.05 * len(rgb)]
    if len(low) < 5:
        return thing(rng, rgb, points)
    bridge = np.array([[points[138][0], top - rng.uniform(0, 0.05) * len(rgb)]])
    grown = low + (low - oval.mean(0)) * rng.uniform(-0.05, 0.15)
    shape = cv2.convexHull(np.concatenate([grown, bridge]).astype(np.float32))[:, 0]
    return _laid(rng, rgb, _cloth(rng, len(rgb)), _filled(len(rgb), shape))


def thing(rng: np.random.Generator, rgb: np.ndarray, points: np.ndarray) -> Covered:
    """A polygon or an ellipse of any colour somewhere on the face."""
    size = len(rgb)
    at = points[rng.integers(0, 118)] + rng.normal(0, 0.08 * size, 2)
    corners, radius = int(rng.choice([4, 4, 5, 7, 24])), size * rng.uniform(0.09, 0.35)
    turns = np.sort(rng.uniform(0, 2 * np.pi, corners)) if corners != 24 else np.arange(24) / 3.82
    ring = np.stack([np.cos(turns), np.sin(turns) * rng.uniform(0.4, 1)], 1)
    shape = at + ring * radius * rng.uniform(0.8, 1.2, (corners, 1))
    hidden = _filled(size, shape)
    if rng.random() < 0.5:  # it goes on to the edge: a cup that is held, a phone, a microphone
        end = at + (at - points.mean(0)) * 4 + np.array([0, size * 0.6])
        path = np.rint(np.stack([at, end]) * 16).astype(np.int32)
        cv2.polylines(hidden, [path], False, 1.0, int(radius * rng.uniform(0.3, 2) + 2), 16, 4)
    return _laid(rng, rgb, _cloth(rng, size), hidden)


def strands(rng: np.random.Generator, rgb: np.ndarray, points: np.ndarray) -> Covered:
    """Hair that hangs over one side of the face."""
    size, eye = len(rgb), points[LEFT if rng.random() < 0.5 else RIGHT].mean(0)
    side = np.sign(eye[0] - points.mean(0)[0])
    tone = rng.uniform(10, 160) * np.array([1, rng.uniform(0.7, 0.9), rng.uniform(0.4, 0.8)])
    hidden, colours = np.zeros((size, size), np.float32), np.zeros((size, size, 3), np.float32)
    for _ in range(int(rng.integers(25, 90))):
        x = eye[0] + side * rng.uniform(-0.12, 0.5) * size
        down = np.linspace(-10, size * rng.uniform(0.4, 1.0), 8)
        bend = x + side * 0.1 * size * np.sin(down / size * 2 + rng.normal(0, 0.2))
        path = np.rint(np.stack([bend, down], 1) * 16).astype(np.int32)
        thick = int(rng.integers(2, 6))
        cv2.polylines(hidden, [path], False, 1.0, thick, cv2.LINE_AA, 4)
        lit = tuple(float(v) for v in tone * rng.uniform(0.6, 1.4))
        cv2.polylines(colours, [path], False, lit, thick, cv2.LINE_AA, 4)
    return _laid(rng, rgb, colours, hidden)


def glasses(rng: np.random.Generator, rgb: np.ndarray, points: np.ndarray) -> Covered:
    """Glasses: clear ones hide nothing; dark or shining ones hide the eyes."""
    size, kind = len(rgb), rng.choice(3, p=(0.4, 0.35, 0.25))
    apart = np.linalg.norm(points[LEFT].mean(0) - points[RIGHT].mean(0))
    half = apart * np.array([rng.uniform(0.32, 0.48), rng.uniform(0.24, 0.42)])
    power, turns = rng.uniform(1.6, 4), np.linspace(0, 2 * np.pi, 41)[:-1]
    ring = np.stack([np.cos(turns), np.sin(turns)], 1)
    ring = np.sign(ring) * np.abs(ring) ** (2 / power) * half
    across = points[LEFT].mean(0) - points[RIGHT].mean(0)
    tilt = np.arctan2(across[1], across[0])
    turn = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    drop = np.array([0, rng.uniform(-0.03, 0.12) * apart])
    shapes = [points[eye].mean(0) + drop + ring @ turn for eye in (RIGHT, LEFT)]
    lens = np.maximum(*(_filled(size, shape) for shape in shapes))
    out, hidden = _behind(rng, rgb, lens, int(kind))
    frame = tuple(float(v) for v in rng.integers(0, 90, 3) + rng.choice([0, 0, 100]))
    for shape in shapes:
        path = np.rint(shape * 16).astype(np.int32)
        thick = int(rng.integers(1, max(2, size // 26)))
        cv2.polylines(out, [path], True, frame, thick, cv2.LINE_AA, 4)
    return out, hidden


def _behind(rng: np.random.Generator, rgb: np.ndarray, lens: np.ndarray, kind: int) -> Covered:
    """The patch through clear (0), dark (1) or shining (2) lenses, and what they hide."""
    size = len(rgb)
    alpha: np.ndarray
    if kind == 0:
        alpha = lens * rng.uniform(0, 0.15)
    elif kind == 1:
        y = np.mgrid[:size, :size][0] / size
        alpha = lens * np.clip(rng.uniform(0.75, 1) - rng.uniform(0, 0.5) * (y - 0.4), 0, 1)
    else:
        spots = cv2.resize(rng.random((5, 5)).astype(np.float32), (size, size))
        alpha = lens * np.clip((spots - rng.uniform(0.1, 0.45)) * 4, 0, 1) * rng.uniform(0.7, 1)
    tone = rng.integers(190, 256, 3) if kind != 1 else rng.integers(0, 60, 3)
    alpha = np.asarray(alpha, np.float32)[..., None]
    hidden = (alpha[..., 0] > 0.5).astype(np.float32) if kind else np.zeros_like(lens)
    return _eight_bit(rgb * (1 - alpha) + tone * alpha), hidden
