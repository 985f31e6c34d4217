"""The stages of the training as the command line asks for them; each returns whether it is over."""

import argparse
import csv
import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from emotion.errors import MediaError
from emotion.latent_net import load_latent_net
from emotion.text_net import TextNet
from emotion.training.cache import open_cache
from emotion.training.corpus import SPLITS, read_corpus
from emotion.training.evaluate import text_figures
from emotion.training.export import calibrate, export_text, export_voice
from emotion.training.measures import calibration_error, macro_f1
from emotion.training.plot import plot_confusion, plot_text
from emotion.training.space import SpaceConfig, train_space
from emotion.training.text import (
    Material,
    TextConfig,
    begin,
    load_material,
    nearest_label,
    predict,
    train_text,
)
from emotion.training.voice import VoiceConfig, train_voice, voice_figures
from emotion.training.voice_data import performed, real_readings

LOG = logging.getLogger(__name__)
_TAKES = 2_000
_REAL = 700
_SHORT = 0.2  # epochs of an ablation
# Short runs on the topmost layer: (name, what is changed).
_ABLATIONS: dict[str, dict[str, float | bool]] = {
    "topmost layer, short": {},
    "without contrastive term": {"contrast": 0.0},
    "without lexicon features": {"features": False},
    "without practice sentences": {"practised": False},
    "frozen MiniLM": {"layers": 0},
}


def train(asked: argparse.Namespace) -> bool:
    """Train the stage that is asked for."""
    stages = {"space": _space, "text": _text, "voice": _voice}
    return stages[asked.stage](asked)


def report(asked: argparse.Namespace) -> bool:
    """Write OUT/emotion_figures.json and OUT/confusion.png of what is shipped."""
    found = text_figures(_given(asked.emotion_text, "--emotion-text"))
    told = {
        "figures": found.figures,
        "confusion": found.confusion.tolist(),
        "hard_cases_misread": [
            {"kind": kind, "text": text, "wrong": wrong} for kind, text, wrong in found.refused
        ],
    }
    (asked.out / "emotion_figures.json").write_text(
        json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    plot_confusion(found.confusion, asked.out / "confusion.png")
    LOG.info("%s", found.figures)
    return True


def ablate(asked: argparse.Namespace) -> bool:
    """Write OUT/ablations.csv: the same short run, with one thing left out each time."""
    config = TextConfig(epochs=_SHORT, layers=1)
    material = _material(asked, config)
    rows: list[dict[str, object]] = []
    for name, change in _ABLATIONS.items():
        made = replace(config, **change)  # type: ignore[arg-type]
        run = begin(made, None)
        folder = asked.out / "ablations" / name.replace(" ", "_").replace(",", "")
        folder.mkdir(parents=True, exist_ok=True)
        train_text(run, material, made, folder, asked.minutes)
        rows.append({"run": name, **_short_figures(run.average, material, made)})
        LOG.info("%s", rows[-1])
        _write_rows(rows, asked.out / "ablations.csv")
    return True


def _space(asked: argparse.Namespace) -> bool:
    train_space(SpaceConfig(), asked.out)
    return True


def _text(asked: argparse.Namespace) -> bool:
    config = TextConfig()
    material = _material(asked, config)
    checkpoint = asked.out / "text_checkpoint.pt"
    run = begin(config, checkpoint if asked.resume else None)
    over = train_text(run, material, config, asked.out, asked.minutes)
    export_text(material, config, checkpoint, asked.out / "text.safetensors")
    plot_text(asked.out / "text_log.csv", asked.out / "text_curve.png")
    return over


def _voice(asked: argparse.Namespace) -> bool:
    takes = _given(asked.takes, "--takes")
    speech = _given(asked.speech, "--speech")
    clips = performed(takes / "train", _TAKES) + real_readings(speech, _REAL, held=False)
    held = performed(takes / "val", _TAKES)
    config = VoiceConfig()
    net = train_voice(clips, held, load_latent_net(), config, asked.out)
    story = {**asdict(config), **voice_figures(net, held), "clips": len(clips)}
    export_voice(asked.out / "voice_checkpoint.pt", asked.out / "voice.safetensors", story)
    return True


def _material(asked: argparse.Namespace, config: TextConfig) -> Material:
    folder = _given(asked.emotion_text, "--emotion-text")
    corpus = read_corpus(folder, config.practice, config.seed)
    return load_material(corpus, open_cache(asked.cache, corpus))


def _short_figures(net: TextNet, material: Material, config: TextConfig) -> dict[str, float]:
    """On half of the test split, with calibration from half of the dev split; and on held-out
    practice sentences."""
    found = {}
    logits, true = {}, {}
    for split in ("dev", "test", "practice_dev"):
        rows = np.flatnonzero(material.corpus.split == SPLITS.index(split))[::2]
        out = predict(net, material, rows, config.features)
        logits[split] = out.presence.float().numpy()
        true[split] = material.corpus.presence[rows]
        if split == "test":
            found["nearest_label"] = round(nearest_label(out, material, rows), 4)
    calibration = calibrate(logits["dev"], true["dev"])
    chance = calibration.chance(logits["test"])
    found["macro_f1"] = round(macro_f1(chance >= calibration.threshold, true["test"] > 0), 4)
    found["calibration_error"] = round(calibration_error(chance, true["test"] > 0), 4)
    practised = calibration.chance(logits["practice_dev"]).argmax(1)
    wanted = true["practice_dev"]
    clear = wanted.max(1) > 0.5
    found["practice_accuracy"] = round(float((practised == wanted.argmax(1))[clear].mean()), 4)
    return found


def _given(path: Path | None, option: str) -> Path:
    if path is None or not path.is_dir():
        raise MediaError(f"{option} is no folder: {path}.", f"Give the data's folder by {option}.")
    return path


def _write_rows(rows: list[dict[str, object]], path: Path) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
