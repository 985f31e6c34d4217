"""The masked encoder's data, net and losses, small and without a face pack."""

import numpy as np
import pytest
import torch

from avatar.rig import INDEX, rig
from avatar.semo.encoder import GREY, PATCH, SIDE
from avatar.semo.facing import facing, upright
from avatar.semo.loading import load_surface
from avatar.semo.surface import FaceSurface
from avatar.training.motion.batches import (
    Batches,
    Jitter,
    cut,
    cut_matrix,
    moved,
    shown,
    with_hidden,
)
from avatar.training.motion.config import Config
from avatar.training.motion.frames import ANCHOR_AT, CUT, MIRROR, REPOSED, Frames
from avatar.training.motion.identity import from_first, tell
from avatar.training.motion.losses import Teacher, Wanted
from avatar.training.motion.model import MotionEncoder
from avatar.training.motion.probe import grouped, r2_of
from avatar.training.motion.train import begin, fed, rate_after

SMALL = Config(batch=8, width=32, heads=2, warm=False)


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


def _frames(people: int = 3, scenes: int = 4) -> Frames:
    rng = np.random.default_rng(0)
    count = people * scenes
    turn = np.stack([upright(np.array([0.1, 0.0, 0.05], np.float32))] * count)
    return Frames(
        rng.integers(0, 255, (count, CUT, CUT, 3), np.uint8),
        np.stack([rig({"jawOpen": k / count, "yaw": 0.1, "roll": 0.05}) for k in range(count)]),
        turn,
        np.repeat(np.arange(people), scenes).astype(np.int32),
        np.tile(np.arange(scenes), people).astype(np.int32),
        np.full(count, REPOSED, np.uint8),
        rng.normal(128, 20, (count, 150, 2)).astype(np.float32),
    )


def test_mirror_swaps_the_sides_of_the_rig() -> None:
    assert MIRROR[INDEX["eyeBlink_L"]] == INDEX["eyeBlink_R"]
    assert MIRROR[INDEX["mouthLeft"]] == INDEX["mouthRight"]
    assert (MIRROR[MIRROR] == np.arange(len(MIRROR))).all()


def test_a_cut_says_where_the_anchor_went() -> None:
    jitter = Jitter(roll=0.2, x=0.1, y=-0.05, grow=0.15)
    image = np.zeros((CUT, CUT, 3), np.uint8)
    x, y = (round(value) for value in ANCHOR_AT)
    image[y - 2 : y + 2, x - 2 : x + 2] = 255
    out, placement = cut(image, jitter, flip=False)
    rows, columns = np.nonzero(out[..., 0] > 128)
    at = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    expected = (np.array([0.5, 0.5 - 3.5 / 20]) + placement[:2]) * SIDE
    assert np.abs(at - expected).max() < 1.5
    matrix = cut_matrix(jitter)
    assert np.linalg.norm(matrix[:, 0]) == pytest.approx(SIDE / (20 * CUT / 27) * np.exp(0.15))
    mark = moved(np.array([ANCHOR_AT] * 150, np.float32), jitter, flip=False)[0]
    assert np.abs(mark - expected).max() < 1.0


def test_rolling_the_picture_rolls_the_head() -> None:
    turn = upright(np.array([0.2, -0.1, 0.05], np.float32))
    out = shown(rig({"yaw": 0.2, "pitch": -0.1, "roll": 0.05}), turn, 0.3, flip=False)
    assert out[INDEX["roll"]] == pytest.approx(0.35, abs=0.03)
    flipped = shown(rig({"eyeBlink_L": 1}), turn, 0.0, flip=True)
    assert flipped[INDEX["eyeBlink_R"]] == 1
    assert flipped[INDEX["yaw"]] == pytest.approx(-facing(turn)[0], abs=1e-5)


def test_exactly_the_share_of_patches_is_hidden() -> None:
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    out = with_hidden(np.random.default_rng(0), picture, 0.5)
    cells = out[PATCH // 2 :: PATCH, PATCH // 2 :: PATCH, 0]
    assert (cells == GREY).mean() == 0.5
    assert (out == GREY).mean() == 0.5


def test_batches_hold_people_who_share_scenes(surface: FaceSurface) -> None:
    batch = Batches(_frames(), SMALL.model_copy(update={"batch": 20}), 0).draw(0.0)
    assert batch.looks.whole.shape == (len(batch.rig), SIDE, SIDE, 3)
    pairs = [
        (a, b)
        for a in range(len(batch.rig))
        for b in range(a)
        if batch.scene[a] == batch.scene[b] and batch.person[a] != batch.person[b]
    ]
    assert pairs
    model = MotionEncoder(SMALL)
    token, placement, present = model(*fed(batch.looks))
    assert token.shape == (len(batch.rig), 64)
    assert placement.shape == (len(batch.rig), 3)
    assert torch.isfinite(token).all() and torch.isfinite(present).all()


def test_the_right_token_costs_nothing_and_a_wrong_one_does(surface: FaceSurface) -> None:
    config = SMALL.model_copy(update={"noise": 0.0})
    teacher = Teacher(surface, np.full(63, 0.2), config)
    rigs = torch.from_numpy(np.stack([rig({"jawOpen": 0.5}), rig({"eyeBlink_L": 1})]))
    people = torch.tensor([0, 1])
    wanted = Wanted(rigs, torch.zeros(2, 3), torch.ones(2), people, torch.tensor([0, 0]))
    right = torch.from_numpy(surface.rig_to_token(rigs.numpy()))
    good = teacher(right, torch.zeros(2, 3), torch.full((2,), 9.0), wanted)
    bad = teacher(right.flip(0), torch.zeros(2, 3), torch.full((2,), 9.0), wanted)
    for name in ("token", "position", "rig", "gap", "posed"):
        assert good[name] < 0.05 * bad[name] + 1e-6
    assert bad["cross"] > good["cross"]


def test_tokens_of_one_person_alike_beside_their_labels_cost(surface: FaceSurface) -> None:
    teacher = Teacher(surface, np.full(63, 0.2), SMALL)
    rigs = torch.zeros(4, 63)
    right = torch.from_numpy(surface.rig_to_token(rigs.numpy()))
    shift = torch.zeros(4, 64)
    shift[:2, 5], shift[2:, 5] = 1, -1
    people = torch.tensor([0, 0, 1, 1])
    wanted = Wanted(rigs, torch.zeros(4, 3), torch.ones(4), people, torch.arange(4))
    told = teacher(right + shift, torch.zeros(4, 3), torch.zeros(4), wanted)
    mixed = teacher(right + shift[[0, 2, 1, 3]], torch.zeros(4, 3), torch.zeros(4), wanted)
    assert told["person"] > 5 * mixed["person"]


def test_a_training_begins_warm_and_its_rate_rises_and_falls() -> None:
    run = begin(SMALL, None)
    assert run.step == 0
    rates = [rate_after(step, step / 1000, SMALL) for step in (0, 100, 999)]
    assert rates[0] < rates[1] > rates[2]


def test_r2_and_groups() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 0.3, (50, 63)).astype(np.float32)
    assert grouped(r2_of(truth, truth))["jaw"] == pytest.approx(1)
    assert grouped(r2_of(np.zeros_like(truth) + truth.mean(0), truth))["blink"] < 0.01


def test_identity_is_told_from_a_shift_and_not_from_noise() -> None:
    rng = np.random.default_rng(0)
    moves = rng.normal(0, 1, (1, 40, 16))
    own = 3 * rng.normal(0, 1, (6, 1, 16))
    plain = (moves + 0.1 * rng.normal(0, 1, (6, 40, 16))).astype(np.float32)
    assert tell((plain + own).astype(np.float32)).linear > 0.9
    assert tell(plain).linear < 0.5
    assert tell(from_first((plain + own).astype(np.float32))).linear < 0.6
