"""`limner train motion --data DIR`: encoder and surface fine-tuned on a folder of clips."""

import importlib.util
import json
import logging
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from avatar.semo.loading import SURFACE, fingerprint, load_surface, save_surface
from avatar.semo.surface import FaceSurface
from avatar.training.clips.config import Config
from avatar.training.clips.films import Filmed, batch_of, filmed
from avatar.training.clips.finetune import begin, finetune, tokens_of
from avatar.training.clips.measure import measure
from avatar.training.clips.person import MEASURED, general
from avatar.training.clips.plot import plot
from avatar.training.clips.prepare import Prepared, prepare
from avatar.training.clips.report import write_report
from avatar.training.clips.scenes import load_scenes
from avatar.training.clips.settings import Settings
from avatar.training.clips.weights import CHECKPOINT, load_encoder
from avatar.training.motion.config import Config as EncoderConfig
from avatar.training.motion.export import export
from avatar.training.motion.model import MotionEncoder
from avatar.training.motion.train import keep
from avatar.training.motion.twin import StageTwin
from emotion.errors import ConfigError, MediaError

LOG = logging.getLogger(__name__)
HELD_EVERY = 6  # of the clips, chosen by their names, is only measured


def train_folder(
    data: Path, out: Path, settings: Settings, encoder: Path | None, held: Path | None
) -> dict[str, object]:
    """Write OUT/motion_encoder.onnx, OUT/surface.safetensors, log, curve, report and figures.

    held: a folder of clips that are only measured; None: some of `data`. encoder: weights to begin
    with, None: those shipped. Raises MediaError, ConfigError.
    """
    model = load_encoder(encoder or CHECKPOINT)
    if importlib.util.find_spec("onnx") is None:
        raise ConfigError(
            "The package onnx, which writes the net, is not installed.",
            "pip install 'limner[train]'",
        )
    config = Config()
    prepared = prepare(data, out / "work", config)
    LOG.info("%s", write_report(prepared, out))
    train, held_shards = _split(prepared)
    if held is not None:
        train = list(prepared.shards)
        held_shards = list(prepare(held, out / "held", config).shards)
    if not train:
        raise MediaError(
            f"No clip of {str(data)!r} can be used.", f"Read {out / 'report.md'} for the reasons."
        )
    surface = load_surface()
    twin = StageTwin(surface)
    films = _films(train, surface, twin, settings)
    tests = _films(held_shards, surface, twin, settings) if held_shards else []
    LOG.info("%d scenes to learn from, %d to measure", len(films), len(tests))
    figures: dict[str, object] = {"before": _figures(tests, model, twin, surface)}
    tuning = begin(model, twin, settings, out / "finetune_checkpoint.pt")
    finetune(tuning, films, tests, out, settings)
    weights = surface.weights
    made = FaceSurface(twin.model.exported(weights.chart, weights.mean, weights.identity))
    # Halves are what the file keeps: figures are of what is written.
    told: dict[str, object] = {"clips": settings.model_dump(), "from": fingerprint(SURFACE)}
    save_surface(made.weights, out / "surface.safetensors", told)
    export(tuning.average, out / "motion_encoder.onnx")
    keep(tuning.average, EncoderConfig(), out / "motion.safetensors")
    if (out / "finetune_log.csv").exists():
        plot(out / "finetune_log.csv", out / "finetune_curve.png")
    figures["after"] = _figures(tests, tuning.average, twin, made)
    figures["steps"], figures["seconds"] = tuning.step, round(tuning.seconds, 1)
    (out / "figures.json").write_text(json.dumps(figures, indent=1, sort_keys=True))
    return figures


def _split(prepared: Prepared) -> tuple[list[Path], list[Path]]:
    """Shards of clips to learn from and of those only measured; a clip is never in both."""
    train: list[Path] = []
    held: list[Path] = []
    folder = {path.name: path for path in prepared.shards}
    for record in prepared.records:
        own = [folder[name] for name in record["shards"]]
        (held if zlib.crc32(record["clip"].encode()) % HELD_EVERY == 0 else train).extend(own)
    return (train, held) if train else (held, [])


def _films(
    shards: list[Path], surface: FaceSurface, twin: StageTwin, settings: Settings
) -> list[Filmed]:
    scenes = load_scenes(shards, surface, twin, settings.seed, settings.sources)
    return [filmed(scene, surface, twin) for scene in scenes]


def _figures(
    films: list[Filmed], model: MotionEncoder, twin: StageTwin, surface: FaceSurface
) -> dict[str, dict[str, float]]:
    """By scene: encode, then decode with the product's decoder."""
    model.eval()
    out = {}
    for film in films:
        targets = film.scene.targets()
        spread = np.linspace(0, len(targets) - 1, min(MEASURED, len(targets))).astype(int)
        frames = [targets[k] for k in spread]
        with torch.inference_mode():
            tokens, _ = tokens_of(model, batch_of([film], [(0, at) for at in frames]), twin)
        by_frame = dict(zip(frames, tokens.numpy(), strict=True))
        shown = general(film, surface)
        out[film.scene.name] = asdict(
            measure(film.scene.shard, shown, by_frame, film.scene.source)[0]
        )
    return out
