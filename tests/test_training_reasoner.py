"""The motion reasoner trained at a toy size: batches, losses, stages, playing, the ONNX file."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from avatar.phone_features import CLASSES
from avatar.rig import INDEX, RIG
from avatar.semo.loading import load_surface
from avatar.training.reasoner.batches import COMPOUND, NEUTRAL, Batches, kinds_of
from avatar.training.reasoner.config import Config, Dropped
from avatar.training.reasoner.figures import held_figures
from avatar.training.reasoner.flow import correlated, losses, problem, withheld
from avatar.training.reasoner.losses import Judge
from avatar.training.reasoner.model import CHUNK, CONTEXT, TOKEN, Felt, Given, Reasoner
from avatar.training.reasoner.plot import plot
from avatar.training.reasoner.rollout import Play, piece, play, starts_of
from avatar.training.reasoner.sampler import Rows, Sampler, alone, guided
from avatar.training.reasoner.takes import Takes
from avatar.training.reasoner.train import Run, begin, resume, train
from emotion.experts import felt
from tests.reasoner_setting import TINY, latents_of, toy_config, toy_takes

CHECKPOINT = "reasoner_checkpoint.pt"


@pytest.fixture(scope="module")
def takes() -> Takes:
    return toy_takes()


def nothing(net: Reasoner) -> dict[str, float]:
    return {}


def trained(config: Config, takes: Takes, out: Path, start: Path | None = None) -> Run:
    out.mkdir(exist_ok=True)
    run = begin(config, takes, start)
    latents = latents_of if config.stage == 2 else None
    train(run, takes, config, out, (latents, nothing))
    return run


def loss_on(run: Run, takes: Takes, config: Config) -> float:
    """Mean loss on batches of another seed."""
    total, batches = 0.0, Batches(takes, config, 99)
    torch.manual_seed(99)
    latents = latents_of if config.stage == 2 else None
    with torch.inference_mode():
        for _ in range(4):
            batch = batches.draw()
            found = losses(run.net, run.judge, problem(run.net, batch, config, latents), batch)
            total += float(sum(found.values()))
    return total / 4


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def test_steps_lower_the_loss(takes: Takes, tmp_path: Path) -> None:
    config = toy_config(steps=40, rate=4e-3)
    before = loss_on(begin(config, takes), takes, config)
    run = trained(config, takes, tmp_path)
    assert loss_on(run, takes, config) < 0.8 * before
    assert (tmp_path / CHECKPOINT).exists()
    log = (tmp_path / "reasoner_log.csv").read_text().splitlines()
    assert len(log) == 2 and "loss_rig" in log[0]


def test_resuming_is_going_on(takes: Takes, tmp_path: Path) -> None:
    half, whole = toy_config(steps=3), toy_config(steps=6)
    run = trained(half, takes, tmp_path)
    again = begin(whole, takes)
    resume(again, tmp_path / CHECKPOINT)
    assert (again.step, again.seconds) == (run.step, run.seconds)
    for one in (run, again):
        train(one, takes, whole, tmp_path, (None, nothing))
    assert run.step == again.step == 6
    assert same(run.net.state_dict(), again.net.state_dict())
    assert same(run.average.state_dict(), again.average.state_dict())


def test_stage_2_teaches_experts_and_leaves_the_base(takes: Takes, tmp_path: Path) -> None:
    base = trained(toy_config(steps=3), takes, tmp_path / "1")
    config = toy_config(2, steps=30, rate=4e-3)
    start = tmp_path / "1" / CHECKPOINT
    before = loss_on(begin(config, takes, start), takes, config)
    run = trained(config, takes, tmp_path / "2", start)
    for net in (run.net, run.average):
        assert same(base.average.base.state_dict(), net.base.state_dict())
    assert loss_on(run, takes, config) < 0.9 * before
    assert run.net.experts.state_dict()["0.experts.out"].abs().max() > 0


def test_without_feeling_the_experts_say_nothing(takes: Takes, tmp_path: Path) -> None:
    """Both stages answer alike, to the bit, where nothing is felt."""
    base = trained(toy_config(steps=2), takes, tmp_path / "1")
    run = trained(toy_config(2, steps=3), takes, tmp_path / "2", tmp_path / "1" / CHECKPOINT)
    stretch = piece(takes, starts_of(takes, 20, 2), 20)
    unfelt = play(run.average, stretch, Play(), latents_of)
    np.testing.assert_array_equal(play(base.average, stretch, Play()), unfelt)


def test_batches_hold_what_the_takes_hold(takes: Takes) -> None:
    config = toy_config(still=0.0, felt_base=0.0)
    batch = Batches(takes, config, 0).draw()
    frames = config.chunks * CHUNK
    assert batch.seen.shape == (6, CONTEXT + frames, TOKEN)
    assert batch.target.shape == (6, frames, TOKEN) and batch.cues.shape == (6, frames, 9)
    # Stage 1 learns the face without feeling.
    torch.testing.assert_close(batch.seen[:, CONTEXT:], batch.target)
    flat = takes.neutral.astype(np.float32)
    first = batch.target[0, 0].numpy()
    row = int(np.abs(flat - first).sum(1).argmin())
    np.testing.assert_array_equal(flat[row : row + frames], batch.target[0].numpy())
    np.testing.assert_array_equal(
        takes.audio[row : row + frames].astype(np.float32), batch.audio[0].numpy()
    )


def test_stage_2_learns_the_face_with_feeling(takes: Takes) -> None:
    config = toy_config(2, noisy=0.5)
    batch = Batches(takes, config, 0).draw()
    torch.testing.assert_close(batch.seen[:, CONTEXT:], batch.target)
    assert batch.noisy.tolist() == [1, 1, 1, 0, 0, 0]


def test_some_windows_begin_with_a_still_face(takes: Takes) -> None:
    seen = Batches(takes, toy_config(still=1.0), 0).draw().seen[:, :CONTEXT]
    assert torch.equal(seen, seen[:, -1:].expand_as(seen))


def test_kinds_of_feelings() -> None:
    emotion = np.zeros((4, 6))
    emotion[1, 2], emotion[2, 4], emotion[3, [0, 5]] = 0.1, 0.6, (0.5, 0.4)
    assert kinds_of(emotion).tolist() == [NEUTRAL, NEUTRAL, 4, COMPOUND]


def test_what_is_withheld() -> None:
    torch.manual_seed(0)
    here = withheld(4000, Dropped())
    deaf = (here[:, 0] == 0) & (here[:, 2] == 0)
    # Neither sound nor phones only where both are meant to be gone.
    assert float(deaf.float().mean()) == pytest.approx(Dropped().all_sound, abs=0.02)
    assert float(here[:, 4].mean()) == pytest.approx(1 - Dropped().cues, abs=0.02)


def test_neighbouring_noise_has_much_in_common() -> None:
    mixing = correlated(TINY)
    alike = mixing @ mixing.T
    np.testing.assert_allclose(alike.diagonal().sqrt(), TINY.noise, rtol=1e-5)
    assert alike[0, 1] > alike[0, 4] >= 0


def test_masked_noisy_sampling_masks_the_mouth() -> None:
    surface, config = load_surface(), toy_config(2)
    tokens = np.random.default_rng(0).normal(0, 0.3, (4, 60, TOKEN)).astype(np.float32)
    judge = Judge(surface, tokens, config.weights)

    def rig_loss(name: str, noisy: float) -> float:
        right = torch.zeros(1, CHUNK + 1, len(RIG))
        said = right.clone()
        said[:, 1:, INDEX[name]] = 0.3
        error = torch.zeros(1, CHUNK, TOKEN)
        return float(judge(error, said, right, torch.tensor([noisy]))["rig"])

    masked = config.weights.mouth**2
    assert rig_loss("jawOpen", 1) == pytest.approx(masked * rig_loss("jawOpen", 0), rel=1e-4)
    assert rig_loss("browInnerUp_L", 1) == pytest.approx(rig_loss("browInnerUp_L", 0))
    assert rig_loss("jawOpen", 0) > 0


def test_noisy_windows_get_noise_in_their_feeling(takes: Takes) -> None:
    config = toy_config(2, noisy=0.5, windows=8)
    torch.manual_seed(0)
    batch = Batches(takes, config, 0).draw()
    batch.emotion[:] = 0
    batch.emotion[..., 0] = 0.7
    asked = problem(begin(config, takes).net, batch, config, latents_of).felt
    assert asked is not None
    others = asked.given.gate[..., 1:].sum(-1).reshape(8, -1)
    assert (others[:4] > 0).all() and (others[4:] == 0).all()


def test_played_takes_have_their_shape(takes: Takes) -> None:
    torch.manual_seed(0)
    net = Reasoner(TINY)
    stretch = piece(takes, starts_of(takes, 23, 3), 23)
    assert stretch.rig.shape == (3, 33, TOKEN)
    shown = play(net, stretch, Play())
    assert shown.shape == (3, 20, TOKEN)  # whole chunks
    np.testing.assert_array_equal(shown, play(net, stretch, Play()))
    assert np.abs(shown - play(net, stretch, Play(seed=2))).max() > 1e-4
    assert np.abs(shown - play(net, stretch, Play(shuffled=True))).max() > 1e-4
    assert np.abs(shown - play(net, stretch, Play(sound=False))).max() > 1e-4


def test_guidance_adds_up() -> None:
    rows = guided(1.5, 2.0)
    assert float(rows.weight.sum()) == pytest.approx(1)
    assert rows.weight.tolist() == pytest.approx([2.5, -0.5, -1.0])


def test_guidance_of_one_is_none(takes: Takes) -> None:
    torch.manual_seed(0)
    net = Reasoner(TINY)
    stretch = piece(takes, starts_of(takes, 10, 2), 10)
    plain = play(net, stretch, Play(feeling=True), latents_of, alone())
    led = play(net, stretch, Play(feeling=True), latents_of, guided(1, 1))
    np.testing.assert_allclose(plain, led, atol=1e-4)
    more = play(net, stretch, Play(feeling=True), latents_of, guided(2, 1))
    assert np.abs(more - plain).max() > 1e-3


def test_held_figures_of_a_training(takes: Takes) -> None:
    held = toy_takes(2, 520, seed=5)
    torch.manual_seed(0)
    found = held_figures(held, latents_of, begin(toy_config(2), takes).net)
    for name in ("phones_corr", "audio_corr", "shuffled_corr", "blinks", "seams", "felt_corr"):
        assert np.isfinite(found[name])
    assert found["true_blinks"] == 0
    assert found["felt_floor_happy"] > 0.02 > found["felt_floor_neutral"]


def test_the_curve_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = tmp_path / "log.csv"
    log.write_text(
        "seconds,step,loss_rig,phones_corr,felt_error_happy\n1,2,3,0.4,0.1\n2,4,2,0.5,.1\n"
    )
    plot(log, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_the_onnx_file_answers_like_the_sampler(takes: Takes, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx writes nets; serving does not need it")
    from avatar.training.reasoner.export import INPUTS, Served, example, export
    from speech.onnx import session

    net = begin(toy_config(2), takes).net.eval()
    torch.nn.init.normal_(net.experts.get_parameter("0.experts.out"), std=0.3)
    export(net, tmp_path / "net.onnx")
    served = session(tmp_path / "net.onnx")
    for rows in (1, 3):
        torch.manual_seed(rows)
        fed = example(net, rows)
        feed = {name: part.numpy() for name, part in zip(INPUTS, fed, strict=True)}
        with torch.inference_mode():
            wanted = Served(net)(*fed).numpy()
        said = np.asarray(served.run(None, feed)[0])
        assert said.shape == (1, CHUNK, TOKEN)
        np.testing.assert_allclose(said, wanted, atol=0.02 * np.abs(wanted).max())


def test_the_sampler_solves_what_the_net_says() -> None:
    """A net that always says the same clean chunk is led there exactly."""
    torch.manual_seed(0)
    net = Reasoner(TINY).eval()
    sampler = Sampler(net, TINY)
    goal = torch.randn(1, CHUNK, TOKEN)
    net.forward = lambda noisy, *rest: (goal.expand_as(noisy), None)  # type: ignore[method-assign]
    given = Given(
        torch.zeros(1, CHUNK, 104), torch.zeros(1, CHUNK, 104),
        torch.zeros(1, CHUNK, 20 * len(CLASSES)), torch.zeros(1, CHUNK).long(),
        torch.zeros(1, 4), torch.zeros(1, CHUNK, 9), torch.ones(1, 5),
    )  # fmt: skip
    feeling = Felt(felt(torch.zeros(1, 4, 64), torch.zeros(1, CHUNK, 6)), *torch.ones(2, 1))
    rows = Rows(torch.ones(1), torch.ones(1), torch.ones(1))
    call = partial(sampler, torch.zeros(1, CONTEXT, TOKEN))
    with torch.inference_mode():
        near = call(torch.zeros(1, CHUNK, TOKEN), given, feeling, rows)
        far = call(torch.randn(1, CHUNK, TOKEN), given, feeling, rows)
    # Two midpoint steps lead a constant answer home, whatever the noise.
    torch.testing.assert_close(near, goal, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(far, goal, atol=1e-4, rtol=1e-4)
