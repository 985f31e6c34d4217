"""Training of the audio encoder: labels, augmentation, losses, one step, figures, the ONNX file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from avatar.rig import INDEX, RIG
from avatar.training.audio import sounds
from avatar.training.audio.augment import MOST_TEMPO, augmented, only_noise
from avatar.training.audio.cache import Item, crop, is_augmented, item, load, silence, store
from avatar.training.audio.config import Config
from avatar.training.audio.evaluate import chosen, energy_jaw, measured
from avatar.training.audio.export import export
from avatar.training.audio.losses import LOOKAHEAD, Scale, contrast, loss_of
from avatar.training.audio.metrics import correlation, found, lag, quiet, runs
from avatar.training.audio.model import SPAN, Encoder, Lessons, Served
from avatar.training.audio.takes import (
    ACTIVE,
    BITE,
    CLOSURE,
    GAP,
    LABELS,
    MOUTH,
    SAMPLES,
    SPEECH,
    Take,
    labels_of,
    read,
)
from avatar.training.audio.train import Run, build, rate_at, save, step, train
from speech.features import FEATURES

Floats = NDArray[np.float32]
SMALL = Config(crop=40, warm=8, batch=4, rate=2e-3)
SCALE = Scale(torch.full((len(MOUTH),), 0.1), 0.3, 0.08)


def a_take(seconds: float = 12.0, seed: int = 0) -> Take:
    """A voice that swells and fades; its mouth opens with it."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * 25)
    loud = (0.5 + 0.5 * np.sin(np.arange(frames) * 0.9 + rng.uniform(0, 6))).astype(np.float32)
    each = np.repeat(loud, SAMPLES)
    time = np.arange(len(each)) / 16_000
    wave = sum(np.sin(2 * np.pi * 130 * k * time) / k for k in range(1, 9))
    labels = np.zeros((frames, LABELS), np.float32)
    labels[:, MOUTH.index(INDEX["jawOpen"])] = 0.5 * loud
    labels[:, GAP], labels[:, CLOSURE] = loud, loud < 0.1
    labels[:, [SPEECH, ACTIVE]] = 1
    hiss = rng.normal(0, 1e-3, len(each))
    return Take(np.asarray(0.2 * each * wave + hiss, np.float32), labels)


def a_batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    some = item("0", a_take(seed=seed))
    pairs = [crop(some, first, SMALL.crop, LOOKAHEAD) for first in (0, 60, 120, 180)]
    hops, labels = (np.stack(parts) for parts in zip(*pairs, strict=True))
    return torch.from_numpy(hops), torch.from_numpy(labels)


# --- labels ---------------------------------------------------------------------------------------


def test_labels_of_a_performance() -> None:
    rig = np.zeros((20, len(RIG)), np.float32)
    rig[:, INDEX["jawOpen"]] = 0.4
    rig[5, INDEX["jawOpen"]] = 0.0
    rig[5, INDEX["mouthClose"]] = 0.2
    times = np.array([[0, 4], [4, 5], [5, 10], [10, 12], [12, 20]], np.int32) * SAMPLES
    out = labels_of(rig, ["pau", "m", "aa", "f", "pau"], times)
    assert out.shape == (20, LABELS)
    np.testing.assert_array_equal(np.flatnonzero(out[:, SPEECH]), np.arange(4, 12))
    np.testing.assert_array_equal(np.flatnonzero(out[:, CLOSURE]), [5])  # near the m, and shut
    bites = np.flatnonzero(out[:, BITE])
    assert len(bites) and bites.min() >= 8 and bites.max() <= 10  # ahead of the f
    np.testing.assert_array_equal(np.flatnonzero(out[:, ACTIVE]), np.arange(2, 15))
    assert out[0, GAP] > 0.5 and out[5, GAP] <= 0.02


def test_a_take_is_read(tmp_path: Path) -> None:
    rig = np.zeros((6, len(RIG)), np.float16)
    np.savez(
        tmp_path / "0.npz", neutral=rig, pcm=np.full(6 * SAMPLES + 9, 16384, np.int16),
        phones=np.array(["aa"]), phone_times=np.array([[0, 640]], np.int32),
    )  # fmt: skip
    take = read(tmp_path / "0.npz")
    assert take.pcm.shape == (6 * SAMPLES,) and take.pcm.max() == 0.5
    assert take.labels[:, SPEECH].tolist() == [1, 0, 0, 0, 0, 0]


# --- augmentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_labels_stay_with_their_sound(seed: int) -> None:
    take = a_take()
    other = augmented(take, (1, seed))
    frames = len(other.labels)
    assert len(other.pcm) == frames * SAMPLES and np.isfinite(other.pcm).all()
    assert 1 / MOST_TEMPO <= frames / len(take.labels) <= MOST_TEMPO * 1.2
    assert np.abs(other.pcm).max() <= 1
    np.testing.assert_array_equal(np.unique(other.labels[:, [CLOSURE, SPEECH, ACTIVE]]), [0, 1])
    # The mouth's opening is the loudness here, whatever was done to voice and tempo.
    level = np.sqrt(np.square(other.pcm.reshape(frames, SAMPLES)).mean(1))
    near = [correlation(np.roll(level, by), other.labels[:, GAP]) for by in (-1, 0, 1)]
    far = correlation(np.roll(level, 4), other.labels[:, GAP])
    assert max(near) > max(0.35, far + 0.2)


def test_augmentation_is_seeded() -> None:
    take = a_take(6.0)
    first, again, other = (augmented(take, (2, k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(first.pcm, again.pcm)
    assert len(first.pcm) != len(other.pcm) or np.abs(first.pcm - other.pcm).max() > 0.01


def test_noise_alone_moves_no_mouth() -> None:
    noise = only_noise(150, (3,))
    assert noise.pcm.shape == (150 * SAMPLES,) and not noise.labels.any()
    assert np.abs(noise.pcm).max() > 1e-3


@pytest.mark.parametrize("ratio", [0.85, 1.2])
def test_stretching_keeps_the_pitch(ratio: float) -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000).astype(np.float32)
    longer, quicker = sounds.stretched(tone, ratio), sounds.faster(tone, ratio)
    assert len(longer) == round(16_000 * ratio)
    assert len(quicker) == pytest.approx(16_000 / ratio, abs=4)

    def hertz(pcm: Floats) -> float:
        return float(np.abs(np.fft.rfft(pcm[2000:10192])).argmax() * 16_000 / 8192)

    assert hertz(longer) == pytest.approx(200, abs=4)
    assert hertz(quicker) == pytest.approx(200 * ratio, abs=4)
    assert len(sounds.formants_moved(tone, ratio)) == len(tone)


# --- losses and training --------------------------------------------------------------------------


def test_the_loss_of_the_truth_is_least() -> None:
    torch.manual_seed(0)
    nets = Encoder().eval(), Lessons().eval()
    torch.nn.init.normal_(nets[0].gap.get_parameter("2.weight"), std=3.0)  # a mouth that moves
    hops, labels = a_batch()
    _, parts = loss_of(nets, hops, labels, SCALE, SMALL)
    assert set(parts) == {"mouth", "gap", "alike", "sides", "contrast"}
    with torch.no_grad():
        answers = nets[0](hops)[1][:, LOOKAHEAD:]
        labels = labels.clone()
        labels[..., GAP] = answers
        _, right = loss_of(nets, hops, labels, SCALE, SMALL)
    assert right["gap"] == pytest.approx(0, abs=1e-6)
    assert right["alike"] < 0.02 < parts["alike"]
    assert right["mouth"] == pytest.approx(parts["mouth"])


def test_without_weight_there_is_no_contrast() -> None:
    hops, labels = a_batch()
    nets = Encoder().eval(), Lessons().eval()
    parts = loss_of(nets, hops, labels, SCALE, Config(crop=40, warm=8, contrast=0.0))[1]
    assert "contrast" not in parts


def test_contrast_prefers_the_right_moment() -> None:
    torch.manual_seed(0)
    lessons = Lessons().eval()
    generator = torch.Generator().manual_seed(1)
    mouth = torch.rand(2, 60, len(MOUTH) + 1, generator=generator)
    active = torch.ones(2, 60)
    lips = lessons.embedded_mouth(mouth)

    class Knowing(Lessons):
        def embedded_sound(self, learned: torch.Tensor) -> torch.Tensor:
            return learned

        def embedded_mouth(self, mouth: torch.Tensor) -> torch.Tensor:
            return lips

    right = contrast(Knowing(), lips, mouth, active, SMALL)
    wrong = contrast(Knowing(), lips.roll(10, 1), mouth, active, SMALL)
    assert right < wrong
    assert contrast(Knowing(), lips, mouth, torch.zeros(2, 60), SMALL) == 0
    assert lips.shape[1] == 60 - SPAN + 1


def test_steps_lower_the_loss() -> None:
    torch.manual_seed(1)
    nets = build(None)
    optimiser = torch.optim.AdamW(nets.both.parameters(), SMALL.rate)
    hops, labels = a_batch()
    losses = [step(nets, optimiser, hops, labels, SCALE, SMALL)["loss"] for _ in range(12)]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


def test_a_short_training_is_kept_and_goes_on(tmp_path: Path) -> None:
    for split in ("train", "real_train", "val", "real_val"):
        (tmp_path / "cache" / split).mkdir(parents=True)
    for k in range(2):
        store(item(f"{k}", a_take(seed=k)), tmp_path / "cache" / "train")
    run = Run(tmp_path / "cache", tmp_path / "out", 0.02)
    stored = train(run, SMALL)
    rows = (tmp_path / "out" / "log.csv").read_text().splitlines()
    assert len(rows) >= 2 and rows[0].startswith("seconds,step")
    kept = build(stored).encoder.state_dict()
    assert all(torch.isfinite(value).all() for value in kept.values())
    more = Run(run.cache, run.out, 0.01, resume=True)
    train(more, SMALL)
    assert len((tmp_path / "out" / "log.csv").read_text().splitlines()) > len(rows)


def test_training_on_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no takes"):
        train(Run(tmp_path, tmp_path / "out", 0.01), SMALL)


def test_the_rate_warms_up_and_falls() -> None:
    rates = [rate_at(done, 1.0) for done in (0, 0.03, 0.5, 1.0)]
    assert rates[0] == 0.05 and rates[1] == 1.0 and rates[1] > rates[2] > rates[3]
    assert rates[3] == pytest.approx(0.02)


def test_the_net_is_causal() -> None:
    torch.manual_seed(0)
    encoder = Encoder().eval()
    hops = torch.randn(1, 120, FEATURES)
    other = hops.clone()
    other[:, 80:] += 1
    with torch.inference_mode():
        before, after = encoder(hops), encoder(other)
    for one, two in zip(before, after, strict=True):
        torch.testing.assert_close(one[:, :20], two[:, :20])
        assert not torch.allclose(one[:, 20], two[:, 20])


# --- cache, figures, file -------------------------------------------------------------------------


def test_items_are_stored_whole_and_found_once(tmp_path: Path) -> None:
    what = item("007_1", a_take(2.0))
    store(what, tmp_path)
    (tmp_path / "008.npz").write_bytes((tmp_path / "007_1.npz").read_bytes()[:2000])
    known: set[str] = set()
    found_items = load(tmp_path, known)
    assert [one.name for one in found_items] == ["007_1"] and known == {"007_1"}
    np.testing.assert_array_equal(found_items[0].hops, what.hops)
    assert load(tmp_path, known) == []
    assert is_augmented("007_1") and not is_augmented("007")


def test_a_crop_at_the_end_is_filled_with_silence() -> None:
    what = item("0", a_take(2.0))
    hops, labels = crop(what, 40, 10, LOOKAHEAD)
    assert hops.shape == (48, FEATURES) and labels.shape == (10, LABELS)
    np.testing.assert_array_equal(hops[-8:], np.repeat(silence(), 8, 0))


def test_figures() -> None:
    truth = np.sin(np.arange(100) / 3).astype(np.float32)
    assert correlation(truth, 2 * truth + 1) == pytest.approx(1)
    assert correlation(truth, np.zeros(100, np.float32)) == 0
    assert lag(np.roll(truth, 3), truth) == 3 and lag(np.roll(truth, -2), truth) == -2
    flags = np.array([0, 1, 1, 0, 0, 0, 1], bool)
    assert runs(flags) == [(1, 3), (6, 7)]
    assert found(flags, np.array([1, 0, 0, 0, 0, 0, 0], bool)) == (1, 2)
    busy = np.zeros(50, bool)
    busy[:5] = True
    assert not quiet(busy)[:15].any() and quiet(busy)[15:].all()


def test_the_truth_measures_better_than_a_jaw_on_energy() -> None:
    items = [item(f"{k}", a_take(seed=k)) for k in range(2)]

    def truth(what: Item) -> tuple[Floats, Floats]:
        labels = what.labels.astype(np.float32)
        return labels[:, GAP], labels[:, CLOSURE]

    best, jaw = measured(truth, items), measured(energy_jaw, items)
    assert best["correlation"] == pytest.approx(1) and best["lag"] == 0
    assert best["recall"] == best["precision"] == 1
    assert 0.3 < jaw["correlation"] < 1 and best["shuffled"] < 0.9
    assert chosen([*items, item("0_1", a_take(2.0))], augmented=True, most=9)[0].name == "0_1"


def test_the_checkpoint_keeps_the_average(tmp_path: Path) -> None:
    nets = build(None)
    save(nets, tmp_path / "kept.safetensors")
    again = build(tmp_path / "kept.safetensors")
    for name, value in nets.kept.state_dict().items():
        torch.testing.assert_close(again.both.state_dict()[name], value, atol=2e-3, rtol=2e-3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:Constant folding")
def test_the_onnx_file_answers_like_the_net(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx writes nets; serving does not need it")
    from speech.onnx import session

    torch.manual_seed(0)
    encoder = Encoder().eval()
    export(encoder, tmp_path / "net.onnx")
    hops = np.random.default_rng(0).normal(size=(60, FEATURES)).astype(np.float32)
    said = session(tmp_path / "net.onnx").run(None, {"hops": hops})
    with torch.inference_mode():
        wanted = Served(encoder)(torch.from_numpy(hops))
    for one, two in zip(said, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(one), two.numpy(), atol=0.02)
