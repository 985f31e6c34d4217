"""Closing lids: the picture with closed eyes, the skin and lashes drawn from it."""

import cv2
import numpy as np
import pytest

from avatar.portraits import gallery, load_portrait
from avatar.rig import rig
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.hidden import apertures
from avatar.semo.imaging import LUMINANCE, disc
from avatar.semo.lashes import Lashes, rounded
from avatar.semo.loading import load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.prepared import EYES
from avatar.semo.view import WORK
from avatar.semo.window import Window

NAMES = [entry.name for entry in gallery()]
SIZE = 512


@pytest.fixture(scope="module")
def surface():
    return load_surface()


@pytest.fixture(scope="module", params=NAMES[::8])
def shown(request, surface):
    fitted = fit_portrait(load_portrait(request.param), surface)
    return fitted, appearance_of(fitted, surface)


def _work(fitted):
    return cv2.resize(fitted.rgb, (WORK, WORK), interpolation=cv2.INTER_AREA)


def test_closed_eyes_leave_the_rest_of_the_picture(shown):
    fitted, appearance = shown
    eyes = np.maximum(*apertures(fitted.landmarks).eyes)
    away = cv2.dilate(eyes, disc(WORK // 16)) == 0
    assert appearance.closed.shape == (WORK, WORK, 3)
    assert (appearance.closed == _work(fitted))[away].all()


def test_closed_eyes_show_skin_instead_of_irises(shown):
    fitted, appearance = shown
    light = appearance.closed @ LUMINANCE
    before = _work(fitted) @ LUMINANCE
    for eye in apertures(fitted.landmarks).eyes:
        inside = eye > 200
        ring = (cv2.dilate(eye, disc(12)) > 0) & (cv2.dilate(eye, disc(7)) == 0)
        skin = np.median(before[ring])
        assert light[inside].std() < 0.6 * before[inside].std()
        assert 0.5 * skin < np.median(light[inside]) < 1.4 * skin


def test_only_skin_over_the_eyes_takes_the_lid(shown, surface):
    _, appearance = shown
    at = surface.chart.at_landmarks(surface.weights.mean)
    for side, eye in enumerate(EYES):
        taken = surface.weights.mean[appearance.lid_weight[side] > 0.5]
        assert len(taken) > 60
        assert taken[:, 1].min() > at[eye][:, 1].min() - 0.2
        assert np.abs(taken[:, 0] - at[eye][:, 0].mean()).max() < 3
    assert np.isfinite(appearance.lid_at).all()


def test_a_blink_hides_the_eyes(shown, surface):
    fitted, appearance = shown
    decoder = MotionDecoder(surface, fitted, appearance, SIZE)

    def drawn(blink):
        asked = target_rig(fitted, rig({"eyeBlink_L": blink, "eyeBlink_R": blink}))
        return decoder.render(surface.rig_to_token(asked)).astype(np.float32) @ LUMINANCE

    half, whole, before = drawn(0.5), drawn(1.0), fitted.rgb
    before = cv2.resize(before, (SIZE, SIZE), interpolation=cv2.INTER_AREA) @ LUMINANCE
    for eye in apertures(fitted.landmarks).eyes:
        inside = cv2.resize(eye, (SIZE, SIZE)) > 200
        assert whole[inside].std() < before[inside].std()
        changed = np.abs(half - before)[inside].mean()
        assert 0 < changed < 1.5 * np.abs(whole - before)[inside].mean()


def test_lashes_follow_the_lid_and_fade_in():
    bright, dark = (np.full((SIZE, SIZE, 3), value, np.uint8) for value in (200, 60))
    rim = np.column_stack([np.linspace(200, 260, 9), 200 - 8 * np.sin(np.linspace(0, np.pi, 9))])
    lashes = Lashes((dark, bright), rim.astype(np.float32), 18.0, SIZE)
    window = Window(190, 180, 270, 240)
    low = rounded(rim.astype(np.float32) + np.array([0, 20], np.float32))
    still, moved = bright.copy(), bright.copy()
    lashes.draw(low, 0.05, window, still)
    lashes.draw(low, 0.8, window, moved)
    assert (still == bright).all()
    darkest = moved[:, 230, 0].argmin()
    assert abs(darkest - low[np.abs(low[:, 0] - 230).argmin(), 1]) <= 1
    assert moved[darkest, 230, 0] < 130 and moved[darkest - 6, 230, 0] == 200
    assert moved[:, 230, 0].min() < moved[:, 203, 0].min()  # thinner at the corners


def test_rounding_keeps_the_ends_and_stays_inside():
    line = np.array([[0, 0], [1, 1], [2, 0]], np.float32)
    smooth = rounded(line)
    assert np.allclose(smooth[[0, -1]], line[[0, -1]])
    assert len(smooth) > 5 and 0.4 < smooth[:, 1].max() < 1
