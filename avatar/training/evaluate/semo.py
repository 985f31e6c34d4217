"""The learned decoder as a sitter, with the flow it uses, for the figures."""

import logging
from functools import cache

from avatar.matte_net import MatteNet
from avatar.rig import Vector
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.folds import FoldNet, load_folds
from avatar.semo.loading import WEIGHTS, load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.stage import Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Floats, Region
from avatar.training.evaluate.shot import Shot
from avatar.types import Portrait

LOG = logging.getLogger(__name__)
MATTE = WEIGHTS / "matte.onnx"


class SemoSitter:
    """One portrait fitted by the learned surface and drawn by the motion decoder."""

    def __init__(self, portrait: Portrait, size: int) -> None:
        self._surface, matte = _surface(), _matte()
        person = matte.find(portrait.rgb) if matte else None
        self.fitted = fit_portrait(portrait, self._surface, person)
        appearance = appearance_of(self.fitted, self._surface)
        self._decoder = MotionDecoder(self._surface, self.fitted, appearance, size, folds=_folds())
        # In shares of a picture of side 1: where the decoder's own points are.
        self._stage = Stage(self._surface, self.fitted, 1)

    def shoot(self, asked: Vector) -> Shot:
        """See `Sitter.shoot`."""
        rig = target_rig(self.fitted, asked)
        rgb = self._decoder.render(self._surface.rig_to_token(rig))
        return Shot(rgb, self.landmarks_of(rig))

    def landmarks_of(self, rig: Vector) -> Floats:
        """(150, 2) picture shares of the landmarks of a face that has the (63,) rig."""
        posed = self._stage.pose(self._surface.rig_to_token(rig))
        return self._surface.chart.at_landmarks(posed.screen[:, :2])

    def flow(self, asked: Vector) -> tuple[Floats, Floats]:
        """Of the decoder's size S: (S, S, 2) source position less own, picture shares; (S, S) in
        [0, 1] how far the pixel is skin that the portrait shows."""
        return self.flow_to(target_rig(self.fitted, asked))

    def flow_to(self, rig: Vector) -> tuple[Floats, Floats]:
        """The same for the (63,) rig that the face itself shall have, as `FittedPortrait.rig`."""
        found = self._decoder.flow(self._surface.rig_to_token(rig))
        return found.flow, found.visible * (found.region == Region.SKIN)


@cache
def _surface() -> FaceSurface:
    return load_surface()


@cache
def _folds() -> FoldNet:
    return load_folds(WEIGHTS)


@cache
def _matte() -> MatteNet | None:
    if MATTE.exists():
        return MatteNet(MATTE)
    LOG.warning("There is no %s: the person is guessed from the fitted head.", MATTE.name)
    return None
