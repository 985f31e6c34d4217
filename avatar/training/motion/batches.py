"""Batches for the encoder: scenes that several people play, cut with jitter, in other colours.

What a person looks like must not be read off a cut's colours, sharpness or place, so all of these
are drawn anew for every cut. Axis legend: B batch, C pixels of a cut's side, S of the input's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.landmark_net import MIRROR as MIRRORED
from avatar.rig import POSE_AT
from avatar.semo.encoder import GREY, PATCH, SIDE, glimpses
from avatar.semo.facing import DROP_CM, SIDE_CM, facing
from avatar.semo.pose import rotation
from avatar.semo.types import Bytes, Floats, Ints
from avatar.training.motion.config import Config
from avatar.training.motion.frames import ANCHOR_AT, CUT, MIRROR, PER_CM, SIGN, Frames

Rng = np.random.Generator
ROLL, SHIFT, SCALE = 0.12, 0.06, 0.12  # spread: radians, sides of the square, log
MOST_ROLL, MOST_SHIFT, MOST_SCALE = 0.4, 0.16, 0.28
FLIP = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)
GROUPS, PEOPLE, SCENES = 2, 4, 3  # of a batch; the rest of it are single frames
# Drawn in front of a face, at most this share of the square; beyond ABSENT none is in sight.
COVER, ABSENT = 0.35, 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """whole (B,S,S,3), right, left, mouth (B,G,G,3) uint8; places (B,12); see `glimpses`."""

    whole: Bytes
    right: Bytes
    left: Bytes
    mouth: Bytes
    places: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """looks: what is seen; rig (B,63); placement (B,3); present (B,); person, scene (B,): equal
    numbers are equal people and equal moments of one performance."""

    looks: Looks
    rig: Floats
    placement: Floats
    present: Floats
    person: Ints
    scene: NDArray[np.int64]


class Batches:
    """Draws batches from frames in memory."""

    def __init__(self, frames: Frames, config: Config, seed: int) -> None:
        self._frames, self._size, self._absent = frames, config.batch, config.absent
        self._config = config
        self._rng = np.random.default_rng(seed)
        self._groups = _groups(frames)
        self._kinds = [np.flatnonzero(frames.kind == kind) for kind in np.unique(frames.kind)]

    def draw(self, done: float) -> Batch:
        """The next batch, after a share `done` of the training."""
        rng, chosen, mirrored = self._rng, [], []
        for _ in range(GROUPS if self._groups else 0):
            grid = self._groups[int(rng.integers(len(self._groups)))]
            people = rng.permutation(len(grid))[:PEOPLE]
            scenes = rng.permutation(grid.shape[1])[:SCENES]
            picked = grid[np.ix_(people, scenes)].ravel()
            chosen += picked.tolist()
            mirrored += [bool(rng.random() < 0.5)] * len(picked)
        while len(chosen) < self._size:
            chosen.append(int(rng.integers(len(self._frames))))
            mirrored.append(bool(rng.random() < 0.5))
        first, last = self._config.hidden_frames
        return self._made(np.array(chosen), mirrored, first + (last - first) * done)

    def _made(self, chosen: Ints, mirrored: list[bool], hidden: float) -> Batch:
        frames, rows = self._frames, []
        for at, flip in zip(chosen, mirrored, strict=True):
            rows.append(self._one(int(at), flip, hidden))
        looks, rigs, places, present = zip(*rows, strict=True)
        sign = np.where(mirrored, -1, 1)  # a mirrored scene is another scene
        scene = frames.scene[chosen].astype(np.int64) * 2 + (sign < 0)
        rig, place, there = (np.stack(column) for column in (rigs, places, present))
        return Batch(stacked(looks), rig, place, there, frames.person[chosen], scene)

    def _one(
        self, at: int, flip: bool, hidden_frames: float
    ) -> "tuple[tuple[np.ndarray, ...], Floats, Floats, Floats]":
        rng, frames = self._rng, self._frames
        image, rig, turn = frames.images[at], frames.rig[at], frames.turn[at]
        jitter = drawn_jitter(rng)
        absent = rng.random() < self._absent
        if absent:
            jitter = _away(rng, jitter)
        out, placement = cut(image, jitter, flip)
        rig = shown(rig, turn, jitter.roll, flip)
        hidden = 0.0
        if rng.random() < 0.1:
            other = frames.images[int(rng.integers(len(frames)))]
            out, hidden = covered(rng, out, other)
        out = recoloured(rng, degraded(rng, out))
        present = np.array(0 if absent or hidden > ABSENT else 1, np.float32)
        share = self._config.hidden
        if share > 0 and rng.random() < hidden_frames:
            out = with_hidden(rng, out, share)
        points = moved(frames.marks[at], jitter, flip)
        return look(out, misplaced(rng, points)), rig, placement, present


@dataclass(frozen=True, slots=True)
class Jitter:
    """roll: radians clockwise; x, y: the anchor's way from its canonical place, sides of the
    square; grow: log of the canonical side over the square's."""

    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0
    grow: float = 0.0


def drawn_jitter(rng: Rng) -> Jitter:
    """A random one, mostly small."""
    most = (MOST_ROLL, MOST_SHIFT, MOST_SHIFT, MOST_SCALE)
    drawn = rng.normal(0, 1, 4) * [ROLL, SHIFT, SHIFT, SCALE] * rng.choice([0.35, 1.0])
    return Jitter(*(float(np.clip(v, -m, m)) for v, m in zip(drawn, most, strict=True)))


def _away(rng: Rng, jitter: Jitter) -> Jitter:
    """So far off that the cut shows no face."""
    side = rng.choice([-1, 1])
    far = float(side * rng.uniform(0.75, 0.95))
    if rng.random() < 0.5:
        return Jitter(jitter.roll, far, jitter.y, 0.2)
    return Jitter(jitter.roll, jitter.x, -abs(far), 0.2)


def cut(image: Bytes, jitter: Jitter, flip: bool) -> tuple[Bytes, Floats]:
    """(C,C,3) stored cut to (S,S,3) input and its placement (3,)."""
    if flip:
        image = image[:, ::-1]
    matrix = cut_matrix(jitter)
    out = cv2.warpAffine(
        np.ascontiguousarray(image), matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(out, np.uint8), np.array([jitter.x, jitter.y, jitter.grow], np.float32)


def cut_matrix(jitter: Jitter) -> Floats:
    """(2,3) from px of a cut to px of the input."""
    scale = SIDE / (SIDE_CM * PER_CM) * np.exp(jitter.grow)
    c, s = scale * np.cos(jitter.roll), scale * np.sin(jitter.roll)
    middle = np.array([0.5 + jitter.x, 0.5 + jitter.y - DROP_CM / SIDE_CM]) * SIDE
    ax, ay = ANCHOR_AT
    matrix = np.array([[c, -s, 0], [s, c, 0]])
    # Pixel centres lie at halves.
    matrix[:, 2] = middle - matrix[:, :2] @ [ax - 0.5, ay - 0.5] - 0.5
    return matrix


def moved(marks: Floats, jitter: Jitter, flip: bool) -> Floats:
    """(150,2) landmarks in px of a cut to px of the input."""
    if flip:
        marks = marks[MIRRORED] * np.array([-1, 1]) + np.array([CUT, 0])
    matrix = cut_matrix(jitter)
    return np.asarray((marks - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5, np.float32)


def misplaced(rng: Rng, points: Floats) -> Floats:
    """Landmarks as uncertain as the net that finds them."""
    middle = points.mean(0)
    size = float(np.ptp(points, axis=0).max())
    grow, roll = np.exp(rng.normal(0, 0.03)), rng.normal(0, 0.03)
    turn = np.array([[1, roll], [-roll, 1]]) * grow
    off = rng.normal(0, 0.012, 2) * size
    return np.asarray((points - middle) @ turn + middle + off, np.float32)


def with_hidden(rng: Rng, image: Bytes, share: float) -> Bytes:
    """The (S,S,3) picture with that share of its patches grey."""
    cells = SIDE // PATCH
    hidden = np.zeros(cells * cells, np.uint8)
    hidden[rng.permutation(cells * cells)[: round(share * cells * cells)]] = 1
    mask = hidden.reshape(cells, cells).repeat(PATCH, 0).repeat(PATCH, 1)
    return np.asarray(np.where(mask[..., None] > 0, np.uint8(GREY), image), np.uint8)


def look(image: Bytes, points: Floats) -> tuple[np.ndarray, ...]:
    """What the encoder sees of one input, in the order of `Looks`."""
    return (image, *glimpses(image, points))


def stacked(looks: Sequence[tuple[np.ndarray, ...]]) -> Looks:
    """Several as one batch."""
    return Looks(*(np.stack(column) for column in zip(*looks, strict=True)))


def shown(rig: Floats, turn: Floats, roll: float, flip: bool) -> Floats:
    """(63,) what the cut shows of a frame's rig and turn."""
    out = rig[MIRROR] * SIGN if flip else rig.copy()
    turned = FLIP @ turn @ FLIP if flip else turn
    angles = facing(np.asarray(rotation(0.0, 0.0, roll) @ turned, np.float32))
    out[POSE_AT.start : POSE_AT.start + 3] = angles
    return np.asarray(out, np.float32)


def covered(rng: Rng, image: Bytes, other: Bytes) -> tuple[Bytes, float]:
    """Something in front of the face: a piece of another frame; and the share of the middle that
    it hides."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    large = rng.random() < 0.25
    size = rng.uniform(0.5, 0.75, 2) if large else rng.uniform(0.08, COVER, 2)
    centre = rng.uniform(0.4, 0.6, 2) if large else rng.uniform(0.15, 0.9, 2)
    axes = tuple(int(v) for v in size * SIDE / 2 * (1.3 if large else 1))
    at = tuple(int(v) for v in centre * SIDE)
    cv2.ellipse(mask, at, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    corner = rng.integers(0, CUT - SIDE, 2)
    piece = other[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE][::-1]
    out = np.where(mask[..., None] > 0, piece, image)
    face = mask[SIDE // 4 : 3 * SIDE // 4 + 16, SIDE // 4 : 3 * SIDE // 4]
    return np.asarray(out, np.uint8), float((face > 0).mean())


def degraded(rng: Rng, image: Bytes) -> Bytes:
    """Lower resolution, blur, noise, JPEG; each now and then."""
    if rng.random() < 0.3:
        small = int(SIDE * rng.uniform(0.35, 0.9))
        shrunk = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(shrunk, (SIDE, SIDE)), np.uint8)
    if rng.random() < 0.15:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.6))), np.uint8)
    if rng.random() < 0.3:
        noise: NDArray[np.int16] = np.empty(image.shape, np.int16)
        cv2.randn(noise, np.zeros(3), np.full(3, rng.uniform(1, 9)))
        image = np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)
    if rng.random() < 0.35:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))]
        done, coded = cv2.imencode(".jpg", image, quality)
        assert done
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return image


def recoloured(rng: Rng, image: Bytes) -> Bytes:
    """Other light, contrast and colour; grey now and then."""
    level = np.arange(256) / 255
    table = np.empty((256, 1, 3), np.uint8)
    gamma, gain = np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.15))
    for channel in range(3):
        tint = np.exp(rng.normal(0, 0.08))
        curve = 255 * (level**gamma * gain * tint) + rng.normal(0, 6)
        table[:, 0, channel] = np.clip(curve, 0, 255)
    out = cv2.LUT(image, table)
    if rng.random() < 0.15:
        out = np.repeat(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    elif rng.random() < 0.3:
        grey = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        share = float(rng.uniform(0.3, 1.5))
        out = cv2.addWeighted(out, share, grey, 1 - share, 0)
    return np.asarray(out, np.uint8)


def _groups(frames: Frames) -> list[NDArray[np.int64]]:
    """Of people who share scenes: indices (people, scenes) of their frames."""
    scenes: dict[int, dict[int, int]] = {}
    for at, (scene, person) in enumerate(zip(frames.scene, frames.person, strict=True)):
        if scene >= 0:
            scenes.setdefault(int(scene), {})[int(person)] = at
    played: dict[tuple[int, ...], list[int]] = {}
    for scene, who in scenes.items():
        if len(who) > 1:
            played.setdefault(tuple(sorted(who)), []).append(scene)
    grids = [
        np.array([[scenes[scene][person] for scene in shared] for person in people])
        for people, shared in played.items()
    ]
    return [grid for grid in grids if grid.shape[1] > 1]
