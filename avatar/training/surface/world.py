"""What the surface learns: positions of the chart's points for any person and rig.

Axis legend: B batch, N chart points, I identity dims, R rig parameters. cm.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, POSE_AT, SIZE, follow_gaze
from avatar.semo.types import Chart, Region
from avatar.training.contact import slide_lids
from avatar.training.pack import HeadPack, Section
from avatar.training.surface.chart import Attachment, eye_centre

Floats = NDArray[np.float32]

LID_MOVES = 0.03  # cm under a full blink that make a point part of the lid


@dataclass(frozen=True)
class World:
    """Persons and expressions of the pack, seen at the chart's points."""

    pack: HeadPack
    chart: Chart
    attachment: Attachment

    @cached_property
    def modes(self) -> Floats:
        """(87, N, 3): 80 identity directions and 7 semantic ones."""
        both = np.concatenate([self.pack.identity, self.pack.semantics])
        return np.stack([self.attachment(mode) for mode in both])

    @cached_property
    def mean(self) -> Floats:
        """(N, 3) the mean person."""
        return self.attachment(self.pack.vertices)

    @cached_property
    def expressions(self) -> Floats:
        """(55, N, 3) full movements."""
        return np.stack([self.attachment(shape) for shape in self.pack.expressions])

    @cached_property
    def lids(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Points of the left and the right eye's lids."""
        skin = self.chart.point_region == Region.SKIN
        moved = [
            np.linalg.norm(self.expressions[INDEX[f"eyeBlink_{side}"]], axis=1) > LID_MOVES
            for side in "LR"
        ]
        return np.flatnonzero(skin & moved[0]), np.flatnonzero(skin & moved[1])

    @cached_property
    def lips(self) -> NDArray[np.int64]:
        """Points of the lips: skin that opening moves, near the slit."""
        skin = self.chart.point_region == Region.SKIN
        slit = self.pack.vertices[self.pack.marks68[48:68]].mean(0)
        near = np.abs(self.mean - slit) < np.array([3.0, 1.3, 3.0], np.float32)
        return np.flatnonzero(skin & near.all(1))

    @cached_property
    def eye_modes(self) -> Floats:
        """(88, 2, 3): eye centres of the mean person, then how each identity direction moves
        them."""
        whole = [
            np.flatnonzero(self.pack.vertex_section == section)
            for section in (Section.LEFT_EYE, Section.RIGHT_EYE)
        ]
        mean = np.stack([eye_centre(self.pack.vertices[at]) for at in whole])
        both = np.concatenate([self.pack.identity, self.pack.semantics])
        moves = np.stack([[mode[at].mean(0) for at in whole] for mode in both])
        return np.asarray(np.concatenate([mean[None], moves]), np.float32)

    def rest(self, codes: Floats) -> Floats:
        """(B, 87) to (B, N, 3)."""
        return np.asarray(self.mean + np.tensordot(codes, self.modes, 1), np.float32)

    def eyes(self, codes: Floats) -> Floats:
        """(B, 87) to eye centres (B, 2, 3)."""
        return np.asarray(self.eye_modes[0] + np.tensordot(codes, self.eye_modes[1:], 1))

    def moved(self, rest: Floats, eyes: Floats, rigs: Floats) -> Floats:
        """(B, N, 3) persons with the expressions of rigs (B, 63); gaze and pose do not count."""
        out = rest + np.tensordot(rigs[:, : len(EXPRESSIONS)], self.expressions, 1)
        for side, at in enumerate(self.lids):
            out[:, at] = slide_lids(out[:, at], rest[:, at], eyes[:, side])
        return np.asarray(out, np.float32)


def random_persons(rng: np.random.Generator, count: int) -> Floats:
    """(count, 87) codes: normal identity, now and then a strong semantic direction."""
    codes = rng.normal(0, 1, (count, 87)).astype(np.float32)
    codes[:, 80:] = rng.uniform(0, 1, (count, 7)) * (rng.random((count, 7)) < 0.3)
    return codes


def random_rigs(rng: np.random.Generator, count: int) -> Floats:
    """(count, 63): a few strong weights, mostly alike on both sides, gaze with lids, any pose."""
    rigs = np.zeros((count, SIZE), np.float32)
    active = rng.random((count, len(EXPRESSIONS))) < rng.choice([0.03, 0.12, 0.3], (count, 1))
    rigs[:, : len(EXPRESSIONS)] = active * rng.beta(1.2, 1.4, active.shape)
    for name in EXPRESSIONS:
        if name.endswith("_L"):
            left, right = INDEX[name], INDEX[name[:-1] + "R"]
            alike = rng.random(count) < 0.7
            rigs[alike, right] = rigs[alike, left] * rng.uniform(0.8, 1.2, alike.sum())
    # A mouth is closed by `mouthClose` only as far as the jaw is open.
    shut, jaw = INDEX["mouthClose"], INDEX["jawOpen"]
    rigs[:, shut] = np.minimum(rigs[:, shut], rigs[:, jaw])
    blink = rng.random(count) < 0.3
    for side in "LR":
        rigs[blink, INDEX[f"eyeBlink_{side}"]] = rng.uniform(0, 1.15, blink.sum())
    rigs[:, GAZE_AT] = (rng.normal(0, 1, (count, 2)) * [0.25, 0.16]).clip(-0.6, 0.6)
    turn = rng.normal(0, 1, (count, 6)) * [0.2, 0.13, 0.1, 0.8, 0.6, 0.8]
    rigs[:, POSE_AT] = turn.clip([-0.7, -0.5, -0.5, -3, -3, -3], [0.7, 0.5, 0.5, 3, 3, 3])
    return follow_gaze(rigs)
