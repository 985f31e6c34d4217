"""The completion net's training on made-up samples."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from avatar.semo.completion import CHANNELS, HEIGHT, WIDTH, Completion, Covered  # noqa: E402
from avatar.semo.types import Region  # noqa: E402
from avatar.training.completion.config import Config  # noqa: E402
from avatar.training.completion.data import Kind, Samples, samples  # noqa: E402
from avatar.training.completion.evaluate import added, draw, figures  # noqa: E402
from avatar.training.completion.export import export  # noqa: E402
from avatar.training.completion.model import Filling, parameters  # noqa: E402
from avatar.training.completion.plot import plot  # noqa: E402
from avatar.training.completion.train import batch, load, loss_of, train  # noqa: E402


@pytest.fixture
def made() -> Samples:
    """Eight mouths whose truth is brighter than what was drawn; the last two are held out."""
    rng = np.random.default_rng(5)
    drawn = np.zeros((8, CHANNELS, HEIGHT, WIDTH), np.uint8)
    drawn[:, :3] = rng.integers(60, 160, (8, 3, 1, 1))
    drawn[:, 3:5, 20:44, 20:76] = 255
    known = drawn[:, 3:4].copy()
    held = np.arange(8) >= 6
    names = np.array([f"person {k}" for k in range(8)])
    return Samples(drawn, drawn[:, :3] + 40, known, np.full(8, Kind.PHOTO), held, names)


def test_the_net_begins_as_no_change_and_is_small(made: Samples) -> None:
    net = Filling(Config().widths)
    assert not added(net, made).any()
    assert parameters(net) <= 200_000
    found = figures(net, made)
    assert found is not None
    assert found.without == pytest.approx(40) and found.completed == pytest.approx(40)
    assert found.pictures == 8


def test_no_samples_give_no_figures(made: Samples) -> None:
    assert figures(Filling(Config().widths), made.only(np.zeros(8, bool))) is None


def test_batches_follow_the_seed_and_keep_drawing_and_truth_together(made: Samples) -> None:
    one, again = (batch(made, np.random.default_rng(2), Config()) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    window, truth, known = one
    sure = known[:, 0] > 0.99
    assert sure.any() and (window[:, 3][sure] > 0.98).all()
    assert ((truth - window[:, :3]).mean(1)[sure] > 0.05).all()


def test_the_loss_wants_the_truth_inside_nothing_elsewhere_and_no_patterns(made: Samples) -> None:
    window, truth, known = batch(made, np.random.default_rng(2), Config())
    right = (truth - window[:, :3]) * known

    def loss(change: Any, smooth: float = 0.0) -> float:
        return float(loss_of(lambda _: change, (window, truth, known), Config(smooth=smooth)))

    assert loss(right) < loss(0.5 * right) < loss(0 * right)
    assert loss(right) < loss(right + 0.1 * (known == 0))
    stripes = 0.1 * known * (torch.arange(WIDTH) % 2 * 2 - 1)
    assert loss(right + stripes, smooth=50.0) > loss(right, smooth=50.0) + 0.1


def test_training_goes_on_and_learns(made: Samples, tmp_path: Path) -> None:
    args = argparse.Namespace(out=tmp_path, minutes=0.02, resume=False)
    train(args, made, Config(batch=4))
    args.resume, args.minutes = True, 0.01
    train(args, made, Config(batch=4))
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert len(rows) == 3 and rows[0].startswith("seconds")
    net = load(tmp_path / "completion.pt", Config())
    held = figures(net, made.only(made.held))
    assert held is not None and held.completed < held.without
    plot(tmp_path / "log.csv", tmp_path / "curve.png")
    draw(net, made, tmp_path / "sheet.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000
    assert (tmp_path / "sheet.png").stat().st_size > 1000


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_exported_does_the_same(made: Samples, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx writes nets; serving does not need it")
    net = Filling(Config().widths)
    torch.nn.init.normal_(net.head[0].weight, 0, 0.3)
    export(net, tmp_path / "completion.onnx")
    kind = np.full((2 * HEIGHT, 2 * WIDTH), Region.SKIN, np.uint8)
    kind[40:88, 40:152] = Region.TEETH
    covered = Covered.of(kind, np.zeros(kind.shape, np.float32), (WIDTH, HEIGHT))
    window = made.drawn[0]
    change = Completion(tmp_path / "completion.onnx").added(window[:3].transpose(1, 2, 0), covered)
    expected = 255 * added(net, made)[0].transpose(1, 2, 0)
    assert np.abs(expected).max() > 5
    assert np.abs(change - expected).max() < 1.5


def test_samples_are_read_from_the_cache(made: Samples, tmp_path: Path) -> None:
    cache = tmp_path / "samples.npz"
    np.savez_compressed(cache, **{k: getattr(made, k) for k in Samples.__slots__})
    found = samples(tmp_path, None, cache, Config())
    assert np.array_equal(found.drawn, made.drawn) and list(found.name) == list(made.name)
