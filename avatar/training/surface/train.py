"""Train the surface: positions from identity code and motion token, and the rig probes.

Resumable: the checkpoint holds model, optimiser and step. Runs on a CPU in minutes.
"""

import csv
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from avatar.rig import EXPRESSIONS, RIG
from avatar.semo.loading import fingerprint, load_surface, save_surface
from avatar.training.contact import slide_lids
from avatar.training.pack import load_head
from avatar.training.surface.chart import build_chart
from avatar.training.surface.config import Config
from avatar.training.surface.measure import measure
from avatar.training.surface.model import SurfaceModel
from avatar.training.surface.world import World, random_persons, random_rigs

LOG = logging.getLogger(__name__)
Floats = NDArray[np.float32]
EVERY = 250  # steps between figures and checkpoints


@dataclass(frozen=True, slots=True)
class Paths:
    """pack: folder of the face pack; landmarks: .npz with `tri` and `bary` (150,3), where the
    landmarks lie on its mesh; out: folder of weights, log and curve; checkpoint: file; start:
    weights to begin with where there is no checkpoint."""

    pack: Path
    landmarks: Path
    out: Path
    checkpoint: Path
    start: Path | None = None


def make_world(paths: Paths) -> World:
    """The pack seen at a chart built for it."""
    pack = load_head(paths.pack)
    with np.load(paths.landmarks) as found:
        chart, attachment = build_chart(pack, found["tri"], found["bary"])
    return World(pack, chart, attachment)


def identity_basis(world: World, config: Config) -> tuple[Floats, Floats]:
    """Mean (N,3) and directions (I,N,3) of unit variance, regressed on drawn persons."""
    codes = random_persons(np.random.default_rng(config.seed), config.persons)
    average = codes.mean(0)
    # Persons are linear in their codes: the spectrum of the codes' images is that of the persons.
    flat = world.modes.reshape(len(world.modes), -1).astype(np.float64)
    spread = np.cov(codes.T)
    half = np.linalg.cholesky(spread + 1e-9 * np.eye(len(spread)))
    _, size, right = np.linalg.svd(half.T @ flat, full_matrices=False)
    basis = (size[:, None] * right)[: config.identity]
    mean = world.mean + np.tensordot(average, world.modes, 1)
    return np.asarray(mean, np.float32), basis.reshape(len(basis), -1, 3).astype(np.float32)


def first_basis(world: World, mean: Floats, config: Config) -> tuple[Floats, Floats]:
    """(K, N*3): the full movements, then what sliding lids add; and bounds (K,)."""
    rng = np.random.default_rng(config.seed + 1)
    rigs = random_rigs(rng, 400)
    eyes = np.repeat(world.eye_modes[:1], len(rigs), 0)
    rest = np.repeat(mean[None], len(rigs), 0)
    straight = np.tensordot(rigs[:, : len(EXPRESSIONS)], world.expressions, 1)
    extra = (world.moved(rest, eyes, rigs) - rest - straight).reshape(len(rigs), -1)
    _, size, right = np.linalg.svd(extra, full_matrices=False)
    more = config.coefficients - len(EXPRESSIONS)
    scale = size[:more, None] / np.sqrt(len(rigs))
    basis = np.concatenate([world.expressions.reshape(len(EXPRESSIONS), -1), scale * right[:more]])
    limit = np.concatenate([np.full(len(EXPRESSIONS), 3.0), np.full(more, 12.0)])
    return basis.astype(np.float32), limit.astype(np.float32)


def point_weights(world: World, config: Config) -> Floats:
    """(N,) weights of the loss: lips and lids count more, what nobody sees less."""
    weights = np.ones(len(world.mean), np.float32)
    weights[world.chart.point_region > 0] = 0.3
    weights[world.lips] = config.fine
    for lid in world.lids:
        weights[lid] = config.fine
    return np.asarray(weights / weights.mean(), np.float32)


def train(paths: Paths, config: Config) -> dict[str, float]:
    """Run to the last step, from the checkpoint if there is one; returns the held-out figures."""
    torch.manual_seed(config.seed)
    world = make_world(paths)
    mean, identity = identity_basis(world, config)
    basis, limit = first_basis(world, mean, config)
    rigs = random_rigs(np.random.default_rng(config.seed + 2), 4000)
    scale = np.maximum(np.sqrt((rigs**2).mean(0)), 0.05).astype(np.float32)
    model = SurfaceModel(
        torch.from_numpy(basis), torch.from_numpy(scale), torch.from_numpy(limit), config.hidden
    )
    slow = [p for n, p in model.named_parameters() if n == "basis"]
    quick = [p for n, p in model.named_parameters() if n != "basis"]
    groups = [{"params": quick, "lr": config.rate}, {"params": slow, "lr": config.rate * 0.002}]
    optimiser = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [config.rate, config.rate * 0.002], total_steps=config.steps, pct_start=0.05
    )
    if paths.start is not None:
        model.adopt(load_surface(paths.start).weights)
    first = _resume(paths.checkpoint, model, optimiser, schedule)
    weights = torch.from_numpy(np.repeat(point_weights(world, config), 3))
    figures: dict[str, float] = {}
    for step in tqdm(range(first, config.steps), initial=first, total=config.steps):
        loss = _step(model, world, weights, config, step)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if (step + 1) % EVERY == 0:
            figures = measure(world, model.exported(world.chart, mean, identity), config)
            _record(paths.out / "surface_log.csv", step + 1, float(loss), figures)
            _checkpoint(paths.checkpoint, model, optimiser, schedule, step + 1)
    story: dict[str, object] = {
        "config": config.model_dump(),
        "pack": fingerprint(paths.pack / "head.npz"),
    }
    story |= {"figures": figures, "rig": list(RIG)}
    exported = model.exported(world.chart, mean, identity)
    save_surface(exported, paths.out / "surface.safetensors", story)
    return figures


def _step(
    model: SurfaceModel,
    world: World,
    weights: torch.Tensor,
    config: Config,
    step: int,
) -> torch.Tensor:
    """Loss of one batch: weighted mm^2 of positions, the rig read back, tokens of unit variance."""
    rng = np.random.default_rng((config.seed, step))
    rigs = random_rigs(rng, config.batch)
    codes = random_persons(rng, config.batch)
    eyes = world.eyes(codes)
    moves = np.tensordot(rigs[:, : len(EXPRESSIONS)], world.expressions, 1).astype(np.float32)
    for side, at in enumerate(world.lids):
        rest = world.mean[at] + np.tensordot(codes, world.modes[:, at], 1).astype(np.float32)
        moves[:, at] = slide_lids(rest + moves[:, at], rest, eyes[:, side]) - rest
    target = torch.from_numpy(moves.reshape(config.batch, -1))
    given = torch.from_numpy(rigs)
    token = model.token(given)
    heard = token + config.noise * torch.randn_like(token)
    error = (model.displacement(heard) - target) * 10
    read = model.probe(heard) - given / model.rig_scale
    unit = ((token**2).mean(0) - 1).pow(2).mean() + token.mean(0).pow(2).mean()
    loss: torch.Tensor = (
        (weights * error**2).mean() + config.probe * read.pow(2).mean() + 1e-3 * unit
    )
    return loss


def _record(path: Path, step: int, loss: float, figures: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["step", "loss", *figures])
        writer.writerow([step, f"{loss:.6f}", *(f"{value:.5f}" for value in figures.values())])
    LOG.info("step %d: loss %.5f %s", step, loss, json.dumps(figures))


def _checkpoint(
    path: Path,
    model: SurfaceModel,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    step: int,
) -> None:
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
    torch.save(state | {"schedule": schedule.state_dict()}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _resume(
    path: Path,
    model: SurfaceModel,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"])
