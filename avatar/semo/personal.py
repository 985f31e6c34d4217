"""What a clip of one person has taught about them: a small file beside their portrait.

`limner train motion --adapt CLIP` writes it. It changes how far and where this person's expressions
move their face, the depth of the face, the colours inside the mouth, and how the encoder's token is
read. Axis legend: N chart points, I identity dims, K expression coefficients, D token dims.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from avatar.landmarks import COUNT
from avatar.semo.appearance import appearance_of
from avatar.semo.fit import fit_portrait
from avatar.semo.prepared import EYES, PART, Prepared, prepared
from avatar.semo.surface import FaceSurface
from avatar.semo.types import TOKEN, Appearance, FittedPortrait, Floats, Region
from avatar.types import Portrait
from emotion.errors import ConfigError

FORMAT = "limner-person-1"
_STILL = np.float32(0.002)  # cm; a movement that shifts a point by less leaves it alone
_TEETH_FOLLOW = np.float32(0.8)  # of the lips' correction, as when a portrait is fitted
_FAINT = np.float32(0.1)  # least factor of a colour


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """gain: (K,) factor on each movement; moves: (K,150,3) cm that it moves the landmarks more;
    identity: (I,) change of the identity code across which the picture says nothing (depth);
    inside: (N,3) factor on the linear colours inside the mouth; matrix: (D,D) and offset: (D,):
    what is added to the encoder's token is token @ matrix.T + offset; surface: fingerprint of the
    surface's weights that all of it belongs to."""

    gain: Floats
    moves: Floats
    identity: Floats
    inside: Floats
    matrix: Floats
    offset: Floats
    surface: str

    def read(self, tokens: Floats) -> Floats:
        """(..., 64) tokens of the encoder for this person, corrected."""
        return np.asarray(tokens + tokens @ self.matrix.T + self.offset, np.float32)

    def on(self, surface: FaceSurface) -> FaceSurface:
        """The surface with this person's movements."""
        known, weights = prepared(surface), surface.weights
        expression = weights.expression * self.gain[:, None, None]
        for at, moves in enumerate(self.moves):
            expression[at] += known.correction.spread(moves, expression.shape[1])
        still = np.linalg.norm(expression, axis=2, keepdims=True) < _STILL
        return FaceSurface(replace(weights, expression=np.where(still, np.float32(0), expression)))

    def fitted(self, fitted: FittedPortrait, surface: FaceSurface) -> FittedPortrait:
        """A fitted picture of this person with the depth that the clip has shown."""
        moved = np.tensordot(self.identity, depth_modes(fitted, surface), 1).astype(np.float32)
        chart = surface.chart
        balls = (chart.points_of(region) for region in (Region.LEFT_EYE, Region.RIGHT_EYE))
        centres = fitted.eye_centres + np.stack([moved[ball].mean(0) for ball in balls])
        return replace(fitted, rest=fitted.rest + moved, eye_centres=centres)

    def appearance(self, appearance: Appearance) -> Appearance:
        """With this person's colours inside the mouth."""
        return replace(appearance, inside_colour=appearance.inside_colour * self.inside)

    def open(
        self, portrait: Portrait, surface: FaceSurface, matte: Floats | None = None
    ) -> tuple[FaceSurface, FittedPortrait, Appearance]:
        """A picture of this person, ready for the decoder; surface: the general one. Raises
        PortraitError as `fit_portrait`."""
        own = self.on(surface)
        fitted = self.fitted(fit_portrait(portrait, own, matte), own)
        return own, fitted, self.appearance(appearance_of(fitted, own))


def nobody(surface: FaceSurface, fingerprint: str) -> Person:
    """A person about whom nothing is known: changes nothing."""
    weights = surface.weights
    return Person(
        np.ones(len(weights.expression), np.float32),
        np.zeros((len(weights.expression), COUNT, 3), np.float32),
        np.zeros(len(weights.identity), np.float32),
        np.ones_like(weights.mean),
        np.zeros((TOKEN, TOKEN), np.float32),
        np.zeros(TOKEN, np.float32),
        fingerprint,
    )


def depth_modes(fitted: FittedPortrait, surface: FaceSurface) -> Floats:
    """(I,N,3) the identity's directions, less what they would move in the picture: landmarks stay
    where the picture shows them, only their distance changes."""
    known, camera = prepared(surface), fitted.camera
    modes = surface.weights.identity.copy()
    at = surface.chart.at_landmarks(fitted.rest)
    sight = at + camera.translation @ camera.rotation
    sight /= np.linalg.norm(sight, axis=1, keepdims=True)
    for mode in modes:
        moves = surface.chart.at_landmarks(mode)
        aside = moves - (moves * sight).sum(1, keepdims=True) * sight
        _take_back(known, mode, np.asarray(aside, np.float32))
    return modes


def _take_back(known: Prepared, mode: Floats, aside: Floats) -> None:
    """Subtract (150,3) moves of the landmarks from all points' (N,3); in place."""
    mode -= known.correction.spread(aside, len(mode))
    for eye, lids in zip(known.eyes, EYES, strict=True):
        mode[eye.points] -= aside[lids].mean(0)
    mouth = known.surface.chart.points_of(Region.TEETH, Region.GUMS, Region.TONGUE)
    mode[mouth] -= _TEETH_FOLLOW * aside[PART["lips_outer"]].mean(0)


def save_person(person: Person, path: Path, story: str) -> None:
    """Write the file, half precision; story: JSON of how it came about."""
    from safetensors.numpy import save_file

    names = [field.name for field in fields(Person) if field.name != "surface"]
    arrays = {name: np.ascontiguousarray(getattr(person, name), dtype=np.float16) for name in names}
    metadata = {"format": FORMAT, "surface": person.surface, "story": story}
    save_file(arrays, path, metadata)


def load_person(path: Path, surface: str | None = None) -> Person:
    """surface: `avatar.semo.loading.fingerprint` of the weights it must belong to.

    Raises ConfigError if the file is missing, of another format, damaged or for other weights.
    """
    from safetensors import SafetensorError, safe_open

    names = [field.name for field in fields(Person) if field.name != "surface"]
    remedy = "Make it again: limner train motion --adapt CLIP."
    try:
        with safe_open(path, framework="numpy") as file:
            story = file.metadata() or {}
            arrays = {name: file.get_tensor(name).astype(np.float32) for name in names}
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"The person file {path} cannot be read: {error}.", remedy) from error
    if story.get("format") != FORMAT:
        raise ConfigError(f"The person file {path} is of another format.", remedy)
    belongs = story.get("surface", "")
    if surface is not None and belongs != surface:
        raise ConfigError(f"The person file {path} belongs to another face surface.", remedy)
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ConfigError(f"The person file {path} is damaged.", remedy)
    arrays["inside"] = np.maximum(arrays["inside"], _FAINT)
    return Person(**arrays, surface=belongs)
