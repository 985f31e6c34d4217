"""Camera, person and expression that explain 150 landmarks: a bounded Gauss-Newton descent.

Axis legend: I identity dims, F free expression weights, U unknowns (3 turn, 3 move, 1 log focal, I,
F). Picture positions in picture shares, lengths in cm.
"""

from dataclasses import dataclass, replace

import numpy as np

from avatar.landmarks import GROUPS
from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, LOOKS, SIZE, Vector, follow_gaze
from avatar.semo.prepared import EYES, IRISES, Prepared
from avatar.semo.types import Camera, Floats

# Expected distance of a landmark from the model's, in eye distances.
_SIGMA = {"face_oval": 0.05, "lips_outer": 0.012, "lips_inner": 0.012, "right_eye": 0.012,
          "left_eye": 0.012, "nose": 0.02}  # fmt: skip
_BROWS = 0.03
# Spread of the weights a portrait may show, around 0; both sides of a face mostly agree.
_SPREAD = {
    "jawOpen": 0.5, "mouthSmile": 0.5, "eyeBlink": 0.5, "eyeSquint": 0.35, "eyeWide": 0.25,
    "browDown": 0.3, "browInnerUp": 0.3, "browOuterUp": 0.3, "mouthUpperUp": 0.35,
    "mouthLowerDown": 0.35, "mouthStretch": 0.25, "mouthFrown": 0.25, "mouthPucker": 0.25,
    "mouthFunnel": 0.2, "jawLeft": 0.08, "jawRight": 0.08, "mouthLeft": 0.1, "mouthRight": 0.1,
    "jawForward": 0.1, "cheekPuff": 0.08, "cheekRaiser": 0.25, "cheekSquint": 0.25,
    "mouthClose": 0.15,
}  # fmt: skip
_OTHER_SPREAD, _SIDES_SPREAD = 0.2, 0.15
_PRIOR = 4.0  # weight of the spreads against the landmarks, which err together
_FOCAL, _FOCAL_SPREAD, _FOCAL_BOUNDS = 2.0, 0.2, (1.3, 3.6)  # picture sides; of the logarithm
_HUBER = 3.0  # expected distances
_IDENTITY_BOUND = 3.0
_ROUNDS, _POSE_ROUNDS, _HUBER_FROM = 12, 4, 6
_STEP = 0.05  # of a weight, for its derivative
_GAZE_BOUND = 0.6  # radians
FREE = np.array([INDEX[name] for name in EXPRESSIONS if name not in LOOKS])
_PAIRS = np.array(
    [
        (at, int(np.flatnonzero(INDEX[EXPRESSIONS[k][:-1] + "R"] == FREE)[0]))
        for at, k in enumerate(FREE)
        if EXPRESSIONS[k].endswith("_L")
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """camera; identity (I,); rig (63,), of which the pose stays 0."""

    camera: Camera
    identity: Floats
    rig: Vector


def eye_distance(points: Floats) -> float:
    """Between the outer corners of the eyes, in the units of (150, 2) landmarks."""
    return float(np.linalg.norm(points[EYES[0].start] - points[EYES[1].start]))


def solve_landmarks(prepared: Prepared, landmarks: Floats, irises: Floats) -> State:
    """The state that explains (150, 2) landmarks best; irises: (2, 2) centres, left and right."""
    system = _System(prepared, landmarks, irises)
    state = _start(prepared, landmarks)
    for turn in range(_ROUNDS):
        state = system.step(state, turn)
    return state


def at_landmarks(prepared: Prepared, state: State) -> Floats:
    """(150, 3) model space."""
    model = prepared.landmarks
    rest = model.mean + np.tensordot(state.identity, model.identity, 1)
    return np.asarray(rest + _moved(prepared, state.rig[None])[0], np.float32)


def _moved(prepared: Prepared, rigs: Floats) -> Floats:
    """(B, 150, 3) cm that (B, 63) rigs add at the landmarks."""
    surface = prepared.surface
    coefficients = surface.coefficients(surface.rig_to_token(rigs))
    flat = coefficients @ prepared.landmarks.expression.reshape(coefficients.shape[-1], -1)
    return np.asarray(flat.reshape(len(rigs), -1, 3), np.float32)


def _start(prepared: Prepared, points: Floats) -> State:
    """Upright weak perspective from the eyes: turned only in the picture's plane."""
    model = prepared.landmarks.mean
    across = points[EYES[0]].mean(0) - points[EYES[1]].mean(0)
    c, s = across / np.linalg.norm(across)
    rotation = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    wide = float(model[EYES[0].start, 0] - model[EYES[1].start, 0])
    depth = _FOCAL * wide / eye_distance(points)
    middle = (points.mean(0) - 0.5) * depth / _FOCAL
    at = np.array([middle[0], -middle[1], -depth]) - rotation @ model.mean(0)
    camera = Camera(
        rotation.astype(np.float32),
        at.astype(np.float32),
        _FOCAL,
        np.full(2, 0.5, np.float32),
    )
    identity = np.zeros(prepared.surface.identity_size, np.float32)
    return State(camera, identity, np.zeros(SIZE, np.float32))


class _System:
    """Residuals and priors of one portrait."""

    def __init__(self, prepared: Prepared, landmarks: Floats, irises: Floats) -> None:
        self._prepared, self._points, self._irises = prepared, landmarks, irises
        share = [np.full(count, _SIGMA.get(name, _BROWS)) for name, count in GROUPS.items()]
        self._sigma = np.concatenate(share) * eye_distance(landmarks)
        for iris in IRISES:  # they follow the gaze, which is found apart
            self._sigma[iris] = np.inf
        names = [EXPRESSIONS[k].removesuffix("_L").removesuffix("_R") for k in FREE]
        self._spread = np.array([_SPREAD.get(name, _OTHER_SPREAD) for name in names])
        self._size = 7 + prepared.surface.identity_size

    def step(self, state: State, turn: int) -> State:
        """The state after one step of Gauss-Newton; the first few move only the camera."""
        residual, jacobian = self._linearised(state, turn >= _HUBER_FROM)
        matrix, right = jacobian.T @ jacobian, -jacobian.T @ residual
        self._add_priors(matrix, right, state)
        free = np.ones(len(right), bool)
        if turn < _POSE_ROUNDS:
            free[6:] = False
        else:
            weights = state.rig[FREE]
            stuck = ((weights <= 0) & (right[self._size :] < 0)) | (
                (weights >= 1) & (right[self._size :] > 0)
            )
            free[self._size :] = ~stuck
        step = np.zeros(len(right))
        step[free] = np.linalg.solve(matrix[np.ix_(free, free)], right[free])
        return self._moved(state, step)

    def _linearised(self, state: State, robust: bool) -> tuple[np.ndarray, np.ndarray]:
        """(300,) residuals in expected distances and their (300, U) derivatives."""
        camera, model = state.camera, self._prepared.landmarks
        rotation = camera.rotation.astype(np.float64)
        turned = at_landmarks(self._prepared, state) @ rotation.T
        seen = turned + camera.translation
        inverse = -1 / seen[:, 2]
        scale = camera.focal * inverse[:, None] * np.array([1, -1])
        residual = camera.centre + seen[:, :2] * scale - self._points
        off = np.linalg.norm(residual, axis=1) / self._sigma
        weight = 1 / self._sigma
        if robust:
            weight = weight * np.sqrt(1 / np.maximum(1, off / _HUBER))
        by_point = _by_point(seen, scale, weight)
        by_focal = (seen[:, :2] * scale * weight[:, None])[..., None]
        by_model = by_point @ rotation
        columns = [
            by_point @ _cross(turned),
            by_point,
            by_focal,
            np.einsum("nij,knj->nik", by_model, model.identity),
            np.einsum("nij,knj->nik", by_model, self._derivatives(state.rig)),
        ]
        jacobian = np.concatenate(columns, 2).reshape(2 * len(seen), -1)
        return (residual * weight[:, None]).reshape(-1), jacobian

    def _derivatives(self, weights: Vector) -> Floats:
        """(F, 150, 3) by the free expression weights."""
        rigs = np.repeat(weights[None], len(FREE) + 1, axis=0)
        rigs[np.arange(len(FREE)), FREE] += _STEP
        moved = _moved(self._prepared, rigs)
        return np.asarray((moved[:-1] - moved[-1]) / np.float32(_STEP), np.float32)

    def _add_priors(self, matrix: np.ndarray, right: np.ndarray, state: State) -> None:
        """In place."""
        precision = np.zeros(len(right))
        value = np.zeros(len(right))
        precision[6], value[6] = 1 / _FOCAL_SPREAD**2, np.log(state.camera.focal / _FOCAL)
        precision[7 : self._size], value[7 : self._size] = 1, state.identity
        precision[self._size :] = 1 / self._spread**2
        value[self._size :] = state.rig[FREE]
        precision *= _PRIOR
        matrix[np.diag_indices(len(right))] += precision
        right -= precision * value
        left, other = (self._size + _PAIRS).T
        apart = _PRIOR / _SIDES_SPREAD**2
        for a, b in ((left, other), (other, left)):
            matrix[a, a] += apart
            matrix[a, b] -= apart
            right[a] -= apart * (value[a] - value[b])

    def _moved(self, state: State, step: np.ndarray) -> State:
        camera = state.camera
        focal = float(np.clip(camera.focal * np.exp(step[6]), *_FOCAL_BOUNDS))
        turned = turn_by(step[:3]) @ camera.rotation
        camera = replace(
            camera,
            rotation=turned.astype(np.float32),
            translation=(camera.translation + step[3:6]).astype(np.float32),
            focal=focal,
        )
        bound = _IDENTITY_BOUND
        identity = np.clip(state.identity + step[7 : self._size], -bound, bound)
        weights = state.rig.copy()
        weights[FREE] = np.clip(weights[FREE] + step[self._size :], 0, 1)
        out = State(camera, identity.astype(np.float32), weights)
        weights[GAZE_AT] = find_gaze(self._prepared, out, self._irises)
        return replace(out, rig=follow_gaze(weights))


def pose_columns(turned: np.ndarray, camera: Camera, weight: np.ndarray) -> np.ndarray:
    """(n, 2, 6) how (n, 3) points, turned by the camera and not yet moved, shift in the picture
    with a small turn and a move of the head; times weight (n,)."""
    seen = turned + camera.translation
    scale = camera.focal / -seen[:, 2:] * np.array([1, -1])
    by_point = _by_point(seen, scale, weight)
    return np.concatenate([by_point @ _cross(turned), by_point], 2)


def _by_point(seen: np.ndarray, scale: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(n, 2, 3) picture positions by camera space positions (n, 3)."""
    out = np.zeros((len(seen), 2, 3))
    out[:, 0, 0], out[:, 1, 1] = scale.T
    out[:, :, 2] = seen[:, :2] * scale / -seen[:, 2:]
    return np.asarray(out * weight[:, None, None])


def find_gaze(prepared: Prepared, state: State, irises: Floats) -> Floats:
    """(2,) gaze, radians, mean of the directions in which both irises (2, 2) are seen."""
    model, camera = prepared.landmarks, state.camera
    centres = model.eyes + np.tensordot(state.identity, model.eyes_identity, 1)
    out = []
    for eye, iris, centre in zip(prepared.eyes, irises, camera.to_camera(centres), strict=True):
        depth = -float(centre[2]) - eye.front
        at = (iris - camera.centre) * depth / camera.focal * (1, -1)
        sideways = at - centre[:2]
        ahead = np.sqrt(max(eye.front**2 - float(sideways @ sideways), 0.2))
        x, y, z = np.array([*sideways, ahead]) @ camera.rotation
        out.append((np.arctan2(x, z), -np.arctan2(y, np.hypot(x, z))))
    return np.asarray(np.clip(np.mean(out, 0), -_GAZE_BOUND, _GAZE_BOUND), np.float32)


def _cross(v: np.ndarray) -> np.ndarray:
    """(n, 3, 3): minus the cross product matrix of each row, d(turned)/d(small turn)."""
    out = np.zeros((len(v), 3, 3))
    out[:, 0, 1], out[:, 0, 2], out[:, 1, 2] = v[:, 2], -v[:, 1], v[:, 0]
    return out - out.transpose(0, 2, 1)


def turn_by(by: np.ndarray) -> np.ndarray:
    """(3, 3) rotation by a vector of axis times angle (Rodrigues)."""
    angle = float(np.linalg.norm(by)) + 1e-12
    k = -_cross((by / angle)[None])[0]
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k)
