"""The training of folds on made-up faces."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from avatar.rig import INDEX, SIZE, rig  # noqa: E402
from avatar.semo.face_map import SIDE  # noqa: E402
from avatar.semo.folds import CHANNELS, load_folds  # noqa: E402
from avatar.training.completion.config import FoldConfig  # noqa: E402
from avatar.training.completion.fold_data import STEPS, FoldSamples  # noqa: E402
from avatar.training.completion.fold_export import export, tint_of  # noqa: E402
from avatar.training.completion.fold_train import (  # noqa: E402
    batch,
    held_out,
    load,
    loss_of,
    mirror,
    started,
    train,
)
from avatar.training.completion.plot import FOLDS, plot  # noqa: E402
from avatar.training.completion.renders import played  # noqa: E402

CONFIG = FoldConfig(folds=4, widths=(8, 8, 8), hidden=8, portraits=2, frames=3)


@pytest.fixture
def made() -> FoldSamples:
    """Six faces that darken along a line as the brows go down; the last is held out."""
    rng = np.random.default_rng(4)
    face = np.full((6, CHANNELS, SIDE, SIDE), 75, np.uint8)
    face[:, 3:] = 150
    rigs = np.zeros((24, SIZE), np.float32)
    down = rng.uniform(0, 1, 24).astype(np.float32)
    rigs[:, INDEX["browDown_L"]] = rigs[:, INDEX["browDown_R"]] = down
    truth = np.zeros((24, SIDE, SIDE), np.int8)
    truth[:, 40:60, 92:100] = np.round(-0.5 * STEPS * down)[:, None, None]
    known = np.ones((24, SIDE, SIDE), np.uint8)
    owner = np.repeat(np.arange(6), 4)
    tint = np.array([[0.9, 1.0], [1.0, 1.0], [1.1, 1.0]], np.float32)
    rest = np.zeros((6, SIZE), np.float32)
    held, alike = np.arange(6) == 5, np.ones(6, bool)
    return FoldSamples(face, rest, owner, rigs, truth, known, held, alike, tint)


def test_a_mirrored_rig_is_mirrored_back() -> None:
    order, signs = mirror()
    smile = rig({"mouthSmile_L": 0.7, "jawLeft": 0.2, "yaw": 0.1, "gaze_y": 0.05})
    turned = smile[order] * signs
    assert turned[INDEX["mouthSmile_R"]] == np.float32(0.7)
    assert turned[INDEX["jawRight"]] == np.float32(0.2) and turned[INDEX["yaw"]] < 0
    assert turned[INDEX["gaze_y"]] > 0
    assert np.array_equal(turned[order] * signs, smile)


def test_the_linear_beginning_already_explains_what_is_linear(made: FoldSamples) -> None:
    found = held_out(started(made, CONFIG), made)
    assert found["without"] > 1e-3
    assert found["mean_maps"] < 0.4 * found["without"]
    assert found["with_net"] == pytest.approx(found["mean_maps"], rel=1e-3)


def test_batches_keep_faces_and_frames_together(made: FoldSamples) -> None:
    face, rest, rigs, owner, truth, known = batch(made, np.random.default_rng(1), CONFIG)
    assert face.shape[0] == rest.shape[0] == 2 and len(rigs) == len(truth) == len(known) == 6
    assert owner.tolist() == [0, 0, 0, 1, 1, 1]
    down = rigs[:, INDEX["browDown_L"]].numpy()
    assert np.allclose(truth[:, 50, 96], -0.5 * down, atol=0.01)


def test_the_loss_wants_the_truth_and_nothing_where_nothing_is_known(made: FoldSamples) -> None:
    truth = torch.from_numpy(made.truth[:2]).float() / STEPS
    known = torch.ones_like(truth)
    known[:, :20] = 0
    wild = truth + 0.3 * (known == 0)
    assert loss_of(truth, truth, known, CONFIG) < loss_of(0 * truth, truth, known, CONFIG)
    assert loss_of(truth, truth, known, CONFIG) < loss_of(wild, truth, known, CONFIG)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_training_goes_on_and_what_is_stored_does_the_same(
    made: FoldSamples, tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="onnx writes nets; serving does not need it")
    train(made, tmp_path, 0.01, CONFIG, resume=False)
    train(made, tmp_path, 0.01, CONFIG, resume=True)
    rows = (tmp_path / "folds_log.csv").read_text().splitlines()
    assert len(rows) >= 3 and rows[0].startswith("seconds")
    plot(tmp_path / "folds_log.csv", tmp_path / "curve.png", FOLDS)
    assert (tmp_path / "curve.png").stat().st_size > 1000
    model = load(tmp_path / "folds.pt", CONFIG)
    export(model, tint_of(made), 2.0, tmp_path, {"why": "test"})
    net = load_folds(tmp_path)
    face = made.face[0].astype(np.float32) / 150
    with torch.inference_mode():
        expected = model.maps(torch.from_numpy(face[None]))[0].numpy()
        strong = model.strengths(torch.from_numpy(made.rig[3])).numpy()
    assert np.abs(net.maps(face) - expected).max() < 2e-3
    assert np.allclose(net.strengths(made.rig[3]), 2 * strong, atol=1e-4)
    assert np.allclose(net.strengths.tint, (0.9, 1.0, 1.1))


def test_a_sitting_begins_quiet_and_then_plays() -> None:
    rigs = played(np.random.default_rng(2), 8)
    again = played(np.random.default_rng(2), 8)
    assert all(np.array_equal(a, b) for a, b in zip(rigs, again, strict=True))
    lively = [float(np.abs(r[:55]).sum()) for r in rigs]
    assert np.median(lively[1:]) > lively[0] or lively[0] < 3
