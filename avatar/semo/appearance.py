"""What a fitted portrait shows of each point of the surface, ready for drawing it in motion."""

import cv2
import numpy as np

from avatar.semo.eye_textures import eye_textures
from avatar.semo.hidden import (
    apertures,
    clear_of_openings,
    extended_source,
    hold_of,
    seen_share,
    visible_points,
)
from avatar.semo.lids import lids_of
from avatar.semo.light import inside_colours, light_of
from avatar.semo.plate import plate_of
from avatar.semo.prepared import prepared
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait
from avatar.semo.view import WORK, view_of


def appearance_of(fitted: FittedPortrait, surface: FaceSurface) -> Appearance:
    """Everything in `Appearance`, for the surface that the portrait was fitted with."""
    known = prepared(surface)
    view = view_of(fitted, surface)
    openings = apertures(fitted.landmarks)
    work = _working_picture(fitted)
    at, visible = clear_of_openings(
        known, view.at, visible_points(known, view), fitted.landmarks, openings
    )
    seen = seen_share(known, view, visible, openings)
    source = extended_source(known, at, visible)
    light = light_of(known, view, seen, work, fitted.landmarks, openings)
    lids = lids_of(known, fitted, view, work, openings)
    plate, person = plate_of(fitted.rgb, fitted.matte)
    return Appearance(
        source=source,
        seen=seen,
        hold=hold_of(known, view, visible),
        light=light.coefficients,
        irradiance=light.irradiance,
        white=light.white,
        lid_colour=lids.colour,
        lid_weight=lids.weight,
        lid_at=lids.at,
        closed=lids.closed,
        inside_colour=inside_colours(known, light, work, openings),
        eyes=eye_textures(fitted, known, light.white),
        plate=plate,
        person=person,
    )


def _working_picture(fitted: FittedPortrait) -> np.ndarray:
    """(WORK, WORK, 3) uint8."""
    side = fitted.rgb.shape[0]
    how = cv2.INTER_AREA if side > WORK else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(fitted.rgb, (WORK, WORK), interpolation=how), np.uint8)
