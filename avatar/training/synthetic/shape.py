"""The shape of a person at rest, and how its parts turn. Axis legend: H vertices of the head."""

import numpy as np

from avatar.rig import EXPRESSIONS
from avatar.training.pack import HeadPack, Section
from avatar.training.synthetic.buffers import Floats
from avatar.training.synthetic.traits import Traits

EYE_RADIUS = 1.5  # cm
LIPS = ("mouthUpperUp_L", "mouthUpperUp_R", "mouthLowerDown_L", "mouthLowerDown_R")


def rest_shape(head: HeadPack, traits: Traits) -> tuple[Floats, float]:
    """(H,3) of the person without expression, lips just closed; and the mouthClose weight used.

    The pack's identity modes also part the lips; a share of mouthClose brings them together.
    """
    shape = head.blend(traits.codes, np.zeros(len(EXPRESSIONS), np.float32))
    shape = shape + np.tensordot(traits.semantics, head.semantics, 1).astype(np.float32)
    close = head.expressions[EXPRESSIONS.index("mouthClose")]

    def gap(points: Floats) -> float:
        upper, lower = points[head.marks68[61:64], 1], points[head.marks68[65:68], 1]
        return float(upper.mean() - lower.mean())

    effect = gap(head.vertices + close) - gap(head.vertices)
    share = float(np.clip((gap(head.vertices) - 0.01 - gap(shape)) / effect, -0.05, 0.6))
    shape = shape + np.float32(share) * close
    return _shorter_lashes(np.asarray(shape, np.float32), head, traits.lash_length), share


def _shorter_lashes(shape: Floats, head: HeadPack, length: float) -> Floats:
    """The pack's lashes are too long for most people: draw them in towards the eyeballs."""
    lashes = np.flatnonzero(head.vertex_section == Section.LASHES)
    for section, side in ((Section.LEFT_EYE, 1), (Section.RIGHT_EYE, -1)):
        at = lashes[shape[lashes, 0] * side > 0]
        centre = shape[head.vertex_section == section].mean(0)
        offset = shape[at] - centre
        radius = np.linalg.norm(offset, axis=1, keepdims=True)
        root = np.percentile(radius, 8)
        shape[at] = centre + offset * (root + (radius - root) * length) / radius
    return shape


def turn_weights(head: HeadPack) -> Floats:
    """(H,2): how far each vertex turns with the head and with the neck."""
    height = head.vertices[:, 1] + 0.35 * head.vertices[:, 2]
    out = np.stack([_smooth(height, -11.8, -7.2), _smooth(height, -15.5, -10.5)], 1)
    out[~np.isin(head.vertex_section, (Section.FACE, Section.HEAD))] = 1
    return out.astype(np.float32)


def _smooth(x: Floats, low: float, high: float) -> Floats:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def eye_centre(points: Floats) -> Floats:
    """(3,) of an eyeball's vertices."""
    centre = (points.max(0) + points.min(0)) / 2
    centre[2] = points[:, 2].min() + EYE_RADIUS
    return np.asarray(centre, np.float32)


def half_open(head: HeadPack) -> Floats:
    """(H,3) displacement of the state in which `Person.ambient` is baked."""
    weights = np.zeros(len(EXPRESSIONS), np.float32)
    weights[EXPRESSIONS.index("jawOpen")] = 0.42
    for name in LIPS:
        weights[EXPRESSIONS.index(name)] = 0.3
    return np.asarray(np.tensordot(weights, head.expressions, 1), np.float32)
