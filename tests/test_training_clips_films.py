"""From a clip's shard to scenes, batches, fine-tuning steps and a person."""

import numpy as np
import pytest
import torch

from avatar.portrait import built_in_finder
from avatar.portraits import gallery, load_portrait
from avatar.rig import rig
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.training.clips.adapt import AdaptSettings, adapt
from avatar.training.clips.films import batch_of, filmed
from avatar.training.clips.finetune import begin, finetune
from avatar.training.clips.measure import measure
from avatar.training.clips.mouth import inside_factors, open_frames
from avatar.training.clips.scenes import load_scenes
from avatar.training.clips.settings import Settings
from avatar.training.clips.store import ClipShard, save_clip
from avatar.training.motion.config import Config
from avatar.training.motion.model import MotionEncoder
from avatar.training.motion.twin import StageTwin

SIZE = 256
PLAYED = (
    {},
    {"jawOpen": 0.5, "yaw": 0.1},
    {"yaw": -0.15, "browInnerUp_L": 0.8, "browInnerUp_R": 0.8},
    {"mouthSmile_L": 0.7, "mouthSmile_R": 0.7, "pitch": 0.1},
    {"jawOpen": 0.7, "roll": 0.08, "x": 0.6},
)


@pytest.fixture(scope="module")
def surface():
    return load_surface()


@pytest.fixture(scope="module")
def path(surface, tmp_path_factory):
    """A shard of frames that our own decoder has drawn."""
    fitted = fit_portrait(load_portrait(gallery()[2].name), surface)
    decoder = MotionDecoder(surface, fitted, appearance_of(fitted, surface), SIZE)
    images = [decoder.render(surface.rig_to_token(fitted.rig + rig(done))) for done in PLAYED]
    points = [built_in_finder()(image)[0].points for image in images]
    count = len(images)
    times = np.arange(count, dtype=np.float32)
    info = {"clip": "played.mp4", "track": 0, "key": "x"}
    found = np.stack(points).astype(np.float32)
    shard = ClipShard(
        np.stack(images), found, times, np.ones(count, np.float32), np.array([0]), info
    )
    out = tmp_path_factory.mktemp("shards") / "x_00.npz"
    save_clip(shard, out)
    return out


@pytest.fixture(scope="module")
def film(path, surface):
    twin = StageTwin(surface).requires_grad_(False)
    (scene,) = load_scenes([path], surface, twin, 0)
    return filmed(scene, surface, twin)


def test_the_scaffold_follows_the_landmarks(film, surface):
    twin = StageTwin(surface).requires_grad_(False)
    shard, many = film.scene.shard, torch.zeros(5, dtype=torch.int64)
    at = twin.landmarks(film.scene.tokens, film.scene.sitter.take(many)).numpy() * SIZE
    away = np.linalg.norm(at - at[0] - (shard.points - shard.points[0]), axis=-1).mean()
    moved = np.linalg.norm(shard.points - shard.points[0], axis=-1)[1:].mean()
    assert moved > 3 and away < 0.25 * moved
    assert 0.5 < float(film.visible.mean()) <= 1


def test_fine_tuning_steps_change_encoder_and_surface_and_go_on(film, surface, tmp_path):
    torch.manual_seed(0)
    settings = Settings(minutes=0.01, scenes=1, targets=2, every=100.0)
    twin = StageTwin(surface)
    tuning = begin(MotionEncoder(Config()), twin, settings, tmp_path / "none.pt")
    before = twin.model.basis.detach().clone(), tuning.model.head.weight.detach().clone()
    finetune(tuning, [film], [film], tmp_path, settings)
    assert tuning.step >= 1
    assert not torch.equal(before[0], twin.model.basis)
    assert not torch.equal(before[1], tuning.model.head.weight)
    stored = tmp_path / "finetune_checkpoint.pt"
    again = begin(MotionEncoder(Config()), StageTwin(surface), settings, stored)
    assert again.step == tuning.step
    torch.testing.assert_close(again.twin.model.basis, twin.model.basis)
    rows = (tmp_path / "finetune_log.csv").read_text().splitlines()
    assert rows[0].startswith("seconds,step,loss_picture") and len(rows) >= 3


def test_batches_share_sources(film):
    batch = batch_of([film], [(0, 1), (0, 3)])
    assert batch.of.tolist() == [0, 0] and batch.firsts == [0]
    assert len(batch.looks.whole) == 3


def test_adapting_comes_nearer(film, surface):
    settings = AdaptSettings(minutes=1, most_steps=12, batch=4)
    twin, (tokens,) = adapt([film], None, surface, settings)
    shown = surface, film.scene.fitted, appearance_of(film.scene.fitted, surface)
    found, drawn = measure(
        film.scene.shard, shown, {at: tokens[at].numpy() for at in (1, 4)}, film.scene.source
    )
    assert found.psnr > found.copy_psnr + 2 and found.mouth < found.copy_mouth
    assert set(drawn) == {1, 4}
    assert float((twin.gain.detach() - 1).abs().max()) > 0


def test_the_mouth_is_seen_where_it_is_open(film, surface):
    assert set(open_frames(film.scene.shard)) >= {4}
    shown = surface, film.scene.fitted, appearance_of(film.scene.fitted, surface)
    factors = inside_factors(film.scene.shard, shown, {4: film.scene.tokens[4].numpy()})
    assert factors.shape == film.scene.fitted.rest.shape
    assert (factors > 0.3).all() and (factors < 3).all()
    assert np.abs(np.log(factors)).max() > 0
    np.testing.assert_array_equal(inside_factors(film.scene.shard, shown, {}), 1)
