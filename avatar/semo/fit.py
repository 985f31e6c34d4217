"""Explains a portrait by the face surface: camera, person, expression, dense correction.

Axis legend: S picture side, N chart points, I identity dims.
"""

import numpy as np

from avatar.landmarks import COUNT
from avatar.rig import GAZE_AT
from avatar.semo.imaging import polygon
from avatar.semo.iris import find_irises
from avatar.semo.matte_guess import guessed_matte
from avatar.semo.neutral import FaceAtLandmarks, blink_of, neutral_of
from avatar.semo.pose import rotation
from avatar.semo.prepared import EYES, IRISES, PART, Prepared, eye_centre, prepared
from avatar.semo.solve_landmarks import State, at_landmarks, eye_distance, solve_landmarks
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Camera, FittedPortrait, Floats, Region
from avatar.types import Portrait
from emotion.errors import PortraitError

_SMALLEST = 24.0  # px between the outer corners of the eyes
_LARGEST_TURN = np.radians(35)
_WORST = 0.09  # rms distance of landmarks after the fit, eye distances
_ROUNDS = 3  # of the correction: each leaves a fraction of the last one's distances
_LIMIT = 0.08  # farthest that a landmark is corrected in a round, eye distances
_TEETH_FOLLOW = 0.8  # of the lips' correction
_TEETH_FORWARD = 0.3  # cm: the mean head's teeth stand too far behind the lips
_LID_THICKNESS = np.float32(0.15)  # cm
_EYE_MOVE = 0.5  # cm: farthest that an eyeball is moved to where its iris is
_IRIS_BOUNDS = (0.48, 0.68)  # cm


def fit_portrait(
    portrait: Portrait, surface: FaceSurface, matte: Floats | None = None
) -> FittedPortrait:
    """What a portrait shows, in terms of a surface.

    matte: (S, S) share of the person in each pixel; the face counts as the person whatever it says.
    None: head and shoulders are guessed from the fitted head, which leaves out loose hair and takes
    in some background beside the neck.
    Raises PortraitError for a face that is too small, turned by more than 35 degrees, or whose
    landmarks are no face's.
    """
    side = portrait.rgb.shape[0]
    points = np.asarray(portrait.landmarks.points, np.float32) / np.float32(side)
    _check_landmarks(points, side)
    known = prepared(surface)
    irises = find_irises(portrait.rgb, points)
    state = solve_landmarks(known, points, irises[:, :2])
    _check_fit(known, state, points)
    rest = _corrected(known, state, points)
    centres, radii = _set_eyes(known, rest, state, irises)
    face = FaceAtLandmarks(surface, rest)
    neutral = neutral_of(face, state.rig, state.camera, centres)
    shown = np.asarray(rest + surface.displacement(surface.rig_to_token(state.rig)), np.float32)
    if matte is None:
        at, inverse = state.camera.project(state.camera.to_camera(shown))
        matte = guessed_matte(at, inverse, surface.chart.triangles, side)
    return FittedPortrait(
        rgb=portrait.rgb,
        matte=_with_face(np.asarray(matte, np.float32), points),
        camera=state.camera,
        rest=rest,
        identity=state.identity,
        rig=state.rig,
        neutral=neutral,
        blink=blink_of(face, neutral),
        eye_centres=centres,
        eye_radius=radii,
        iris_radius=_iris_radius(state.camera, centres, irises),
        landmarks=points,
    )


def _with_face(matte: Floats, points: Floats) -> Floats:
    """The matte with what lies inside the face oval."""
    face = polygon(points[PART["face_oval"]], matte.shape[0])
    return np.maximum(matte, face.astype(np.float32) / 255)


def _check_landmarks(points: Floats, side: int) -> None:
    """Raises PortraitError unless (150, 2) shares can be a face of some size."""
    if points.shape != (COUNT, 2) or not np.isfinite(points).all():
        raise PortraitError("The face could not be measured.", "Use a sharper picture.")
    apart = eye_distance(points)
    if apart * side < _SMALLEST:
        raise PortraitError(
            f"The face is too small: {apart * side:.0f} pixels between the eyes' corners.",
            f"Use a picture in which they are {_SMALLEST:.0f} pixels apart or more.",
        )
    across = (points[EYES[0]].mean(0) - points[EYES[1]].mean(0)) / apart
    mouth = points[PART["lips_outer"]].mean(0) - points[EYES[0].start : EYES[0].stop].mean(0)
    down = float(across[0] * mouth[1] - across[1] * mouth[0]) / apart
    if np.hypot(*across) < 0.3 or across[0] < 0.2 or not 0.3 < down < 2.5:
        raise PortraitError(
            "The landmarks are not those of an upright face that looks at the camera.",
            "Use an upright picture of a face seen from the front.",
        )


def _check_fit(known: Prepared, state: State, points: Floats) -> None:
    """Raises PortraitError for a face turned too far or not explained."""
    ahead = state.camera.rotation[:, 2]
    yaw, pitch = np.arctan2(ahead[0], ahead[2]), np.arcsin(np.clip(-ahead[1], -1, 1))
    if max(abs(yaw), abs(pitch)) > _LARGEST_TURN:
        way = "to the side" if abs(yaw) > abs(pitch) else "up" if pitch < 0 else "down"
        turned = np.degrees(max(abs(yaw), abs(pitch)))
        raise PortraitError(
            f"The head is turned {way} by {turned:.0f} degrees.",
            "Use a picture that shows the face within 35 degrees of the front.",
        )
    if fit_error(known, state, points) > _WORST:
        raise PortraitError(
            "The face does not look like one that can be brought to life.",
            "Use a clear picture of a face seen from the front, without a hand before it.",
        )


def fit_error(known: Prepared, state: State, points: Floats) -> float:
    """Root mean square distance, in eye distances, before the correction; irises not counted."""
    off = np.linalg.norm(_distances(state.camera, at_landmarks(known, state), points), axis=1)
    for iris in IRISES:
        off[iris] = 0
    return float(np.sqrt((off**2).mean())) / eye_distance(points)


def _distances(camera: Camera, model: Floats, points: Floats) -> Floats:
    """(150, 2) from the (150, 3) projected model to (150, 2) points, picture shares."""
    return points - camera.project(camera.to_camera(model))[0]


def _corrected(known: Prepared, state: State, points: Floats) -> Floats:
    """rest (N, 3) that lands on the landmarks."""
    surface, camera = known.surface, state.camera
    rest = surface.rest(state.identity)
    moved = surface.chart.at_landmarks(surface.displacement(surface.rig_to_token(state.rig)))
    limit = np.float32(_LIMIT * eye_distance(points))
    for _ in range(_ROUNDS):
        seen = camera.to_camera(surface.chart.at_landmarks(rest) + moved)
        off = points - camera.project(seen)[0]
        length = np.linalg.norm(off, axis=1, keepdims=True)
        off = off * np.minimum(1, limit / np.maximum(length, 1e-9))
        moves = _in_model(camera, off, -seen[:, 2])
        rest += known.correction.spread(moves, len(rest))
        _carry_along(known, rest, moves)
    rest[surface.chart.points_of(Region.TEETH, Region.GUMS)] += (0, 0, _TEETH_FORWARD)
    # A closing upper lid must pass before the lower one: thicken it along the lines of sight.
    sight = -camera.translation @ camera.rotation - rest
    sight /= np.linalg.norm(sight, axis=1, keepdims=True)
    rest += sight * (_LID_THICKNESS * known.zones.lid.max(0))[:, None]
    return rest


def _in_model(camera: Camera, off: Floats, depth: Floats) -> Floats:
    """(n, 2) picture shares at (n,) depths, cm, as (n, 3) moves in model space."""
    flat = off * np.array([1, -1], np.float32) * (depth / np.float32(camera.focal))[:, None]
    return np.asarray(flat @ camera.rotation[:2], np.float32)


def _carry_along(known: Prepared, rest: Floats, moves: Floats) -> None:
    """Eyeballs with their lids, teeth, gums and tongue with the lips; in place."""
    for eye, lids in zip(known.eyes, EYES, strict=True):
        rest[eye.points] += moves[lids].mean(0)
    mouth = known.surface.chart.points_of(Region.TEETH, Region.GUMS, Region.TONGUE)
    rest[mouth] += np.float32(_TEETH_FOLLOW) * moves[PART["lips_outer"]].mean(0)


def _set_eyes(known: Prepared, rest: Floats, state: State, irises: Floats) -> tuple[Floats, Floats]:
    """Shifts each eyeball of `rest` so that its iris lands on the picture's; centres, radii."""
    camera = state.camera
    gaze = rotation(float(state.rig[GAZE_AT.start]), float(state.rig[GAZE_AT.start + 1]), 0.0)
    centres, radii = np.zeros((2, 3), np.float32), np.zeros(2, np.float32)
    for side, (eye, iris) in enumerate(zip(known.eyes, irises, strict=True)):
        centre, radii[side] = eye_centre(rest[eye.points])
        seen = camera.to_camera(centre + gaze @ np.array([0, 0, eye.front], np.float32))
        off = iris[:2] - camera.project(seen)[0]
        move = _in_model(camera, off[None], -seen[None, 2])[0] * (1, 1, 0.3)
        move *= min(1.0, _EYE_MOVE / max(float(np.linalg.norm(move)), 1e-6))
        rest[eye.points] += move
        centres[side] = centre + move
    return centres, radii


def _iris_radius(camera: Camera, centres: Floats, irises: Floats) -> float:
    """cm, mean of both irises (2, 3) as the picture shows them."""
    depth = -float(camera.to_camera(centres)[:, 2].mean())
    return float(np.clip(irises[:, 2].mean() * depth / camera.focal, *_IRIS_BOUNDS))
