"""Reconstruction: samples, visibility, the pyramid, and a token found from pixels alone."""

import numpy as np
import pytest
import torch

from avatar.portraits import gallery, load_portrait
from avatar.rig import INDEX, rig
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.types import Region
from avatar.training.motion.reconstruction import (
    Pyramid,
    StageTwin,
    draw_samples,
    looked_up,
    reconstruction_loss,
    sampled_at,
    still_visible,
)

SIZE = 256
ASKED = rig({"yaw": 0.15, "pitch": -0.08, "jawOpen": 0.3, "browInnerUp_L": 0.6, "x": 1.0})


@pytest.fixture(scope="module")
def scene():
    """A gallery portrait, its samples, and the frame that the decoder draws of ASKED."""
    surface = load_surface()
    fitted = fit_portrait(load_portrait(gallery()[0].name), surface)
    decoder = MotionDecoder(surface, fitted, appearance_of(fitted, surface), SIZE)
    token = surface.rig_to_token(fitted.rig + ASKED)
    twin = StageTwin(surface).requires_grad_(False)
    sitters = twin.sitters([fitted])
    screen = twin(sitters.rest_token, sitters)[0].numpy()
    samples = draw_samples(surface.chart, screen, SIZE, 3000, np.random.default_rng(3))
    frames = np.stack([decoder.render(decoder.rest_token), decoder.render(token)])
    return surface, twin, sitters, samples, frames, torch.from_numpy(token)[None]


def test_samples_lie_where_the_source_shows_them(scene):
    _, twin, sitters, samples, _, _ = scene
    at = sampled_at(twin(sitters.rest_token, sitters), samples)
    away = (at - samples.at).norm(dim=-1) * SIZE
    assert float(away.mean()) < 0.01
    assert float(away.max()) < 0.15  # slivers


def test_samples_need_a_face_in_the_picture(scene):
    surface, twin, sitters, _, _, _ = scene
    beside = twin(sitters.rest_token, sitters)[0].numpy() + np.array([5, 0, 0], np.float32)
    with pytest.raises(ValueError, match="not in the picture"):
        draw_samples(surface.chart, beside, SIZE, 10, np.random.default_rng(0))


def test_what_a_turn_hides_does_not_count(scene):
    surface, twin, sitters, samples, _, _ = scene
    rest = twin(sitters.rest_token, sitters).numpy()
    assert still_visible(surface.chart, rest, samples).mean() > 0.95
    away = torch.from_numpy(surface.rig_to_token(rig({"yaw": 0.8})))[None]
    turned = still_visible(surface.chart, twin(away, sitters).numpy(), samples)[0]
    assert 0.3 < turned.mean() < 0.9
    blink = rig({"eyeBlink_L": 1.1, "eyeBlink_R": 1.1})
    shut = twin(torch.from_numpy(surface.rig_to_token(blink))[None], sitters).numpy()
    eyes = surface.chart.point_region[samples.corners[0, :, 0].numpy()] >= Region.LEFT_EYE
    assert eyes.sum() > 20
    assert still_visible(surface.chart, shut, samples)[0].numpy()[eyes].mean() < 0.35


def test_the_pyramid_ignores_light(scene):
    frame = scene[4][:1]
    dimmer = np.uint8(frame * np.array([0.6, 0.5, 0.45]) + 12)
    same, other = Pyramid(4)(frame), Pyramid(4)(dimmer)
    for one, two in zip(same, other, strict=True):
        assert float((one - two).abs().mean()) < 0.35 * float(one.abs().mean())


def test_levels_are_looked_up_at_the_same_place():
    x = torch.linspace(0, 1, 65).expand(1, 3, 65, 65).clone()
    levels = [x, x[..., ::2, ::2], x[..., ::4, ::4]]
    at = torch.tensor([[[0.3, 0.5], [0.71, 0.2]]])
    found = looked_up(levels, at, 0)[:, 0, 0]
    torch.testing.assert_close(found, (at[0, :, 0] * 65 - 0.5).expand(3, 2) / 64)


def test_descent_on_the_token_alone_finds_the_frame(scene):
    surface, twin, sitters, samples, frames, truth = scene
    pyramid = Pyramid()
    source, target = (pyramid(frames[at : at + 1]) for at in (0, 1))
    visible = still_visible(surface.chart, twin(truth, sitters).numpy(), samples)
    wanted = sampled_at(twin(truth, sitters), samples)
    token = sitters.rest_token.clone().requires_grad_()
    optimiser = torch.optim.Adam([token], lr=0.08)
    for step in range(60):
        places = samples.at, sampled_at(twin(token, sitters), samples)
        loss = reconstruction_loss(source, target, places, visible, 2 if step < 30 else 0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    away = [(place - wanted).norm(dim=-1)[visible > 0].mean() * SIZE for place in places]
    assert away[0] > 8 and away[1] < 0.8
    found = twin.rig(token, sitters)[0].detach().numpy()
    asked = (
        ASKED + sitters.correction[0].numpy() + surface.token_to_rig(sitters.rest_token[0].numpy())
    )
    for name in ("yaw", "pitch", "jawOpen"):
        assert abs(found[INDEX[name]] - asked[INDEX[name]]) < 0.08
