"""Figures of the reasoner's report, and the table of its ablations."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from avatar.rig import INDEX, POSE_AT, RIG
from avatar.semo.loading import load_surface
from avatar.training.reasoner.ablate import RUNS, configured, draw, felt_figures, folder_of, run_one
from avatar.training.reasoner.model import CONTEXT
from avatar.training.reasoner.report import by_activity, drift, milliseconds, rounded, table
from avatar.training.reasoner.rollout import piece
from avatar.types import Activity
from emotion.types import EMOTIONS
from speech.types import FPS
from tests.reasoner_setting import conditions, latents_of, toy_config, toy_takes


def rigs_of_a_minute(turning: float = 0.0) -> np.ndarray:
    """(1500, 63): a blink every three seconds; a head that turns, degrees in a minute."""
    out = np.zeros((60 * FPS, len(RIG)), np.float32)
    for start in range(0, len(out), 3 * FPS):
        out[start + 10 : start + 14, [INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]] = 1
    out[:, POSE_AT.start] = np.radians(np.linspace(0, turning, len(out)))
    return out


def test_life_by_activity_counts_its_own_blinks() -> None:
    stretch = piece(toy_takes(1, 1600), np.array([CONTEXT]), 1500)
    stretch.activity[:, : CONTEXT + 750] = Activity.IDLE
    stretch.activity[:, CONTEXT + 750 :] = Activity.SPEAKING
    said = rigs_of_a_minute(60.0)[None]
    still = np.zeros_like(said)
    out = by_activity(said, still, stretch)
    assert set(out) == {"idle", "speaking"}
    for row in out.values():
        assert row["seconds"] == 30
        assert row["blinks"] == 20 and row["true_blinks"] == 0
        assert row["head_p50"] == pytest.approx(1.0, rel=0.05) and row["true_head_p95"] == 0


def test_drift_minute_by_minute() -> None:
    surface = load_surface()
    still, turned = rigs_of_a_minute(), rigs_of_a_minute()
    turned[:, POSE_AT.start] = 0.1
    tokens = surface.rig_to_token(np.concatenate([still, turned]))
    minutes = drift(tokens.reshape(-1, 5, tokens.shape[1]))
    assert len(minutes) == 2
    assert minutes[0]["head_mean"][0] == pytest.approx(0, abs=0.5)
    assert minutes[1]["head_mean"][0] == pytest.approx(np.degrees(0.1), abs=0.5)
    assert [minute["blinks"] for minute in minutes] == [20, 20]
    assert minutes[1]["head_most"] >= minutes[1]["head_mean"][0]


def test_a_chunk_is_timed() -> None:
    from avatar.reasoner import MotionReasoner

    median, slow = milliseconds(MotionReasoner(), conditions())
    assert 0 < median <= slow


def test_the_table_says_all_there_is() -> None:
    lips = {"corr": 0.9, "lag": 0.0}
    minute = {"head_mean": [0.1, 0.2, 0.3], "blinks": 17.0}
    felt = {"felt_error_happy": 0.12345, "felt_floor_happy": 0.2, "felt_corr": 0.8}
    shape = {"sizes": [0.1, 0.2, 0.3, 0.4], "monotone": True, "most_like": "sad", "cosine": 0.1}
    found = {
        "lips": {"phones": lips}, "life": {"idle": {"seconds": 3.0}},
        "feelings": {**felt, "felt_mouth": 0.1}, "intensity": {"happy": shape},
        "drift": {"idle": [minute]}, "milliseconds": {"idle": (5.0, 6.0)},
        "seams": {"phones": 1.0},
    }  # fmt: skip
    said = table(rounded(found))
    for wanted in ("| phones | 0.9 | 0.0 |", "| happy | 0.1235 | 0.2 |", "| idle | 5.0 | 6.0 |"):
        assert wanted in said
    widths = {line.count("|") for line in said.split("\n\n")[0].splitlines()}
    assert widths == {4}


def test_ablations_change_one_thing_each() -> None:
    full = configured("full", 100)
    assert full.stage == 2 and full.steps == 100
    for name in RUNS:
        config = configured(name, 100)
        changed = {k for k, v in config.model_dump().items() if v != full.model_dump()[k]}
        assert (
            changed == ({"noisy"} if name == "no noisy sampling" else {"parts"}) or name == "full"
        )
    assert {configured(f"without {name}", 1).parts.without for name in EMOTIONS} == set(range(6))


def test_a_short_ablation_ends_in_a_table(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from avatar.training.reasoner.train import begin, save

    takes = toy_takes(2, 320)
    base = tmp_path / "base.pt"
    save(begin(toy_config(), takes), toy_config(), base)
    held = felt_figures(toy_takes(2, 320, seed=3), latents_of)
    names = ("full", "one shared cross-attention")
    for name in names:
        changed = configured(name, 2).model_copy(update={"shape": toy_config().shape, "windows": 2})
        run_one(name, changed, (takes, base), (latents_of, held), tmp_path)
        before = (folder_of(tmp_path, name) / "figures.json").stat().st_mtime_ns
        run_one(name, changed, (takes, base), (latents_of, held), tmp_path)  # is done already
        assert (folder_of(tmp_path, name) / "figures.json").stat().st_mtime_ns == before
    draw(tmp_path)
    with (tmp_path / "ablations.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(row["name"] for row in rows) == names
    stored = json.loads((folder_of(tmp_path, "full") / "figures.json").read_text())
    assert float(rows[0]["felt_error"]) == pytest.approx(stored["felt_error"], rel=1e-3)
    assert rows[0]["felt_error_happy"] and (tmp_path / "ablations.png").stat().st_size > 1000
    assert (tmp_path / "ablations_log.csv").read_text().count("\n") == 3
