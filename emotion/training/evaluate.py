"""Figures of emotion-to-latents on texts: what `limner evaluate emotion` reports of them.

Test data is never trained on and sets no threshold: GoEmotions' test split (Ekman's grouping), the
sixty hard cases, and practice sentences that were held out.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.appraiser import LexiconAppraiser
from emotion.latent_space import load_space
from emotion.latents import EmotionToLatents
from emotion.protocols import EmotionAppraiser
from emotion.text_encoder import TextReading
from emotion.text_net import CLASSES
from emotion.training.corpus import EKMAN, comment_lines
from emotion.training.hard import faults, hard_cases
from emotion.training.measures import calibration_error, confusion, f1_scores, macro_f1
from emotion.types import EMOTIONS, EmotionState

PUBLISHED = 0.64  # macro-F1 of BERT on the Ekman grouping (Demszky et al. 2020, table 4)
_FULL = 0.6
_AT_ONCE = 256  # texts


@dataclass(frozen=True, slots=True, eq=False)
class TextFigures:
    """figures: by name; confusion: (7, 7) counts, row what people said, column what was read, in
    the order of `CLASSES`; refused: hard cases that were misread, with what is wrong."""

    figures: dict[str, float]
    confusion: NDArray[np.int64]
    refused: list[tuple[str, str, list[str]]]


def text_figures(folder: Path, appraiser: EmotionToLatents | None = None) -> TextFigures:
    """All text figures. folder: holds GoEmotions' ekman_test.tsv.

    Raises MediaError when the file is missing, ConfigError when weights are.
    """
    reader = appraiser or EmotionToLatents()
    texts, true = read_split(folder, "test")
    readings = [
        one
        for at in range(0, len(texts), _AT_ONCE)
        for one in reader.text_readings(texts[at : at + _AT_ONCE])
    ]
    figures, table = _go_emotions(readings, true, reader)
    cases = hard_cases()
    wrong = [(c.kind, c.text, faults(c, lambda t: reader.appraise(text=t))) for c in cases]
    refused = [row for row in wrong if row[2]]
    figures["hard_cases"] = round(1 - len(refused) / len(cases), 4)
    figures["cpu_ms_a_text"] = round(_milliseconds(reader, texts[:200]), 2)
    figures |= baseline_figures(texts, true)
    return TextFigures(figures, table, refused)


def baseline_figures(texts: Sequence[str], true: NDArray[np.bool_]) -> dict[str, float]:
    """The same with the appraiser of words and likeness, and with neutral for everything."""
    lexicon = LexiconAppraiser()
    states = []
    for at in range(0, len(texts), _AT_ONCE):
        lexicon.read_ahead(texts[at : at + _AT_ONCE])
        states += [lexicon.appraise(text=text) for text in texts[at : at + _AT_ONCE]]
    said = _dominant(states)
    cases = hard_cases()
    right = sum(not faults(c, lambda t: lexicon.appraise(text=t)) for c in cases)
    always = np.zeros_like(true)
    always[:, -1] = True
    return {
        "lexicon_dominant_macro_f1": round(single_f1(said, true), 4),
        "lexicon_hard_cases": round(right / len(cases), 4),
        "neutral_macro_f1": round(macro_f1(always, true), 4),
        "published_bert_macro_f1": PUBLISHED,
    }


def read_split(folder: Path, split: str) -> tuple[list[str], NDArray[np.bool_]]:
    """The texts of a split and (n, 7) which classes people said."""
    rows = list(comment_lines(folder, split))
    names = (*EMOTIONS, "neutral")
    said = [[EKMAN[int(i)] for i in row[1].split(",")] for row in rows]
    return [row[0] for row in rows], np.array([[n in labels for n in names] for labels in said])


def single_f1(said: NDArray[np.integer], true: NDArray[np.bool_]) -> float:
    """Macro-F1 of one reading a text, right when any label fits; (n,) class, (n, 7)."""
    chosen = np.eye(true.shape[1], dtype=bool)[said]
    hits = (chosen & true).sum(0)
    return float((2 * hits / np.maximum(chosen.sum(0) + true.sum(0), 1)).mean())


def hard_case_share(appraiser: EmotionAppraiser) -> float:
    """The share of hard cases that an appraiser reads acceptably."""
    cases = hard_cases()
    return sum(not faults(c, lambda t: appraiser.appraise(text=t)) for c in cases) / len(cases)


def _go_emotions(
    readings: list[TextReading], true: NDArray[np.bool_], reader: EmotionToLatents
) -> tuple[dict[str, float], NDArray[np.int64]]:
    chance = np.stack([one.chance for one in readings])
    chosen = chance >= reader.text_encoder.calibration.threshold
    scores = f1_scores(chosen, true)
    strengths = np.stack([one.strengths for one in readings])
    said = np.where(strengths.any(1), strengths.argmax(1), len(EMOTIONS))
    figures = {"macro_f1": round(float(scores.mean()), 4)}
    figures |= {f"f1_{n}": round(float(s), 4) for n, s in zip(CLASSES, scores, strict=True)}
    figures |= {
        "dominant_macro_f1": round(single_f1(said, true), 4),
        "calibration_error": round(calibration_error(chance, true), 4),
        "latent_nearest_label": round(_nearest(readings, true), 4),
        "latent_says_the_same": round(_agreement(readings, said), 4),
    }
    return figures, confusion(said, true)


def _nearest(readings: list[TextReading], true: NDArray[np.bool_]) -> float:
    """How often the nearest of the seven label latents (each feeling at 0.6, and neutral) is one
    that people said, mean over the classes of texts with a single label."""
    labels = np.vstack([_FULL * np.eye(6, dtype=np.float32), np.zeros((1, 6), np.float32)])
    known = load_space().label_latents(labels).reshape(7, -1)
    single = np.flatnonzero(true.sum(1) == 1)
    flat = np.stack([readings[i].latent.ravel() for i in single])
    near = ((flat[:, None] - known[None]) ** 2).sum(2).argmin(1)
    meant = true[single].argmax(1)
    return float(np.mean([(near[meant == c] == c).mean() for c in range(7)]))


def _agreement(readings: list[TextReading], said: NDArray[np.integer]) -> float:
    """How often the strongest that the latent says is the strongest that is reported, where a
    feeling is reported."""
    space = load_space()
    felt = np.flatnonzero(said < len(EMOTIONS))
    same = [int(space.meaning(readings[i].latent).strengths.argmax()) == said[i] for i in felt]
    return float(np.mean(same)) if same else 0.0


def _dominant(states: Sequence[EmotionState]) -> NDArray[np.integer]:
    names = (*EMOTIONS, "neutral")
    return np.array([names.index(state.dominant()) for state in states])


def _milliseconds(reader: EmotionToLatents, texts: Sequence[str]) -> float:
    """Median processor time of one text at a time, none of them read before."""
    times = []
    for text in texts:
        start = time.process_time()
        reader.appraise(text=f"{text} .")
        times.append(time.process_time() - start)
    return float(np.median(times) * 1000)
