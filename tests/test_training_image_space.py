"""The image-space variant: shapes at both sizes, a few steps of training, its comparison."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.semo.loading import load_surface
from avatar.training.evaluate.motion_measure import COPY
from avatar.training.image_space.config import CONFIGS
from avatar.training.image_space.data import batch_of, cached, half_flow, pairs_of
from avatar.training.image_space.evaluate import IMAGE, SURFACE, compared, markdown
from avatar.training.image_space.model import ImageSpaceDecoder, moved, parameters, places
from avatar.training.image_space.plot import plot
from avatar.training.image_space.train import STORED, TABLE, Run, load, loss_of, train
from tests.motion_shards import gallery_shard, stored

TINY = replace(CONFIGS["small"], size=32, widths=(8, 8), code=16, batch=2, minutes=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("shards")
    shard = gallery_shard(frames=4)
    stored(place, shard, "a", "train")
    stored(place, shard, "b", "held_out")
    return place


@pytest.mark.parametrize("name", CONFIGS)
def test_shapes_of_every_size(name):
    config = CONFIGS[name]
    side = config.size
    with torch.device("meta"):
        net = ImageSpaceDecoder(config)
        out = net(torch.zeros(2, 3, side, side), torch.zeros(2, 64), torch.zeros(2, 64))
    assert out.picture.shape == out.warped.shape == (2, 3, side, side)
    assert out.flow.shape == (2, 2, config.flow_side, config.flow_side)
    assert out.mask.shape == (2, 1, side, side)
    assert side % 2 ** len(config.widths) == 0
    assert (parameters(net) > 10e6) == (name == "studio")


def test_the_studio_size_learns_in_a_few_steps_at_a_small_side():
    torch.manual_seed(0)
    config = replace(CONFIGS["studio"], size=64, batch=1)
    net = ImageSpaceDecoder(config)
    source, tokens = torch.rand(1, 3, 64, 64), torch.randn(2, 1, 64)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(4):
        loss = (net(source, *tokens).picture - source.flip(3)).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_flow_points_from_where_a_pixel_is_to_where_it_comes_from():
    picture = torch.zeros(1, 1, 8, 8)
    picture[0, 0, 3, 5] = 1
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0] = 2 * 2 / 8  # two pixels to the right
    assert moved(picture, flow)[0, 0, 3, 3] == pytest.approx(1)
    assert places(flow)[0, :, 0, 7].tolist() == pytest.approx([1 - 1 / 8, -1 + 1 / 8])


def test_known_flow_brings_the_source_to_the_target(folder):
    pairs = pairs_of([folder], "train", load_surface(), replace(TINY, size=128))
    best = int(np.argmax([np.abs(f.astype(np.float32)).mean() for f in pairs.flow]))
    batch = batch_of(pairs, np.array([best]))
    size = batch.source.shape[-1]
    flow = torch.nn.functional.interpolate(batch.flow, size, mode="bilinear")
    known = torch.nn.functional.interpolate(batch.known, size)
    error = [
        ((p - batch.target).abs() * known).sum() for p in (moved(batch.source, flow), batch.source)
    ]
    assert error[0] < 0.6 * error[1]


def test_pairs_belong_to_one_shot_and_split(folder):
    pairs = pairs_of([folder], "held_out", load_surface(), TINY)
    assert pairs.images.shape == (4, 32, 32, 3) and pairs.tokens.shape == (4, 64)
    assert (pairs.source != pairs.target).all() and len(pairs.source) == 4 * TINY.sources
    assert pairs.flow.shape[1:] == (16, 16, 2)
    one = pairs_of([folder], "held_out", load_surface(), TINY, most=2)
    assert len(one.source) == 2
    with pytest.raises(FileNotFoundError):
        pairs_of([folder / "none"], "train", load_surface(), TINY)


def test_pairs_are_made_once(folder, tmp_path):
    calls = []

    def make():
        calls.append(1)
        return pairs_of([folder], "train", load_surface(), TINY)

    first, again = (cached(tmp_path / "pairs.npz", make) for _ in range(2))
    assert len(calls) == 1 and np.array_equal(first.flow, again.flow)


def test_a_frame_does_not_move_against_itself():
    shard = gallery_shard(frames=2)
    flow, known = half_flow(shard, 1, 1, 64)
    assert known.mean() > 0.1 and np.abs(flow[known > 0]).max() < 0.01


def test_training_writes_log_curve_and_checkpoint_and_goes_on(folder, tmp_path):
    surface = load_surface()
    own, tests = (pairs_of([folder], split, surface, TINY) for split in ("train", "held_out"))
    net = train(own, tests, TINY, Run(tmp_path, 1.0, 1.0, 3, resume=False))
    again = load(tmp_path / STORED, TINY)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
    train(own, tests, TINY, Run(tmp_path, 1.0, 1.0, 2, resume=True))
    with (tmp_path / TABLE).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["pairs"]) for row in rows] == [6, 10]
    assert float(rows[0]["zero_flow_px"]) > 0
    plot(tmp_path / TABLE, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_the_loss_falls_when_the_flow_is_right(folder):
    pairs = pairs_of([folder], "train", load_surface(), TINY)
    batch = batch_of(pairs, np.arange(2))
    net = ImageSpaceDecoder(TINY)
    drawn = net(batch.source, batch.source_token, batch.token)
    right = replace(drawn, flow=batch.flow, warped=batch.target, picture=batch.target)
    assert loss_of(right, batch, TINY) < 1e-5 < loss_of(drawn, batch, TINY)


def test_both_variants_are_measured_beside_copying(folder, tmp_path):
    found = compared(ImageSpaceDecoder(TINY), [folder], 1, 2, tmp_path / "sheet.png")
    assert set(found["ways"]) == {COPY, IMAGE, SURFACE}
    assert found["ways"][SURFACE]["psnr"]["face"]["n"] == 2
    text = markdown(found)
    assert "32 px" in text and text.count("|") > 20
    assert (tmp_path / "sheet.png").stat().st_size > 1000
