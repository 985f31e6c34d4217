"""Projector against picture and encoder, and the summary of takes."""

from pathlib import Path

import numpy as np
import pytest

from avatar.rig import INDEX, SIZE
from avatar.semo.encoder import MaskedMotionEncoder
from avatar.training.evaluate.motion_scenes import Studio
from avatar.training.performance.compare import (
    GROUPS,
    Watched,
    draw,
    figures,
    liveliest,
    table,
    watch,
)
from avatar.training.performance.report import summary
from avatar.training.performance.take import STYLES, Take, load_take, save_take
from avatar.types import Activity


def yawning(frames: int) -> np.ndarray:
    """(F, 63) of a mouth that opens, brows that rise, a head that nods."""
    wave = 0.5 - 0.5 * np.cos(np.linspace(0, 2 * np.pi, frames))
    rigs = np.zeros((frames, SIZE), np.float32)
    for name, size in (("jawOpen", 0.35), ("browInnerUp_L", 0.6), ("browInnerUp_R", 0.6),
                       ("pitch", 0.08)):  # fmt: skip
        rigs[:, INDEX[name]] = size * wave
    return rigs


def test_the_projector_says_what_is_asked_and_the_encoder_nearly_so() -> None:
    rigs = yawning(12)
    seen = watch(Studio(), MaskedMotionEncoder(), "mara", rigs)
    found = figures([seen])
    for name in ("opening of the lips", "brows up", "pitch"):
        assert found[name]["projector_r"] > 0.99
    assert found["opening of the lips"]["seen_r"] > 0.9
    projected, through = (found["opening of the lips"][f"{way}_error"]
                          for way in ("projector", "seen"))  # fmt: skip
    assert projected < 0.02 and projected < through < 0.3


def test_figures_take_off_what_is_a_persons_own() -> None:
    asked = yawning(20)
    other = asked + np.float32(0.2)
    found = figures([Watched("a", asked, asked, other), Watched("b", asked, asked, other)])
    assert found["jaw"]["seen_r"] == pytest.approx(1, abs=1e-3)
    assert found["jaw"]["seen_error"] == pytest.approx(0, abs=1e-3)
    assert table(found).count("\n") == len(GROUPS) + 1


def lost_for_a_while() -> Watched:
    """A face that the encoder does not see in four of twenty frames."""
    asked = yawning(20)
    seen = asked.copy()
    seen[5:9] = np.nan
    return Watched("a", asked, asked, seen)


def test_lost_frames_do_not_count() -> None:
    assert figures([lost_for_a_while()])["jaw"]["seen_error"] == 0


def test_curves_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `train` draws curves")
    draw(lost_for_a_while(), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_the_liveliest_stretch_holds_the_feeling() -> None:
    emotion = np.zeros((600, 6), np.float32)
    emotion[400:500, 2] = 0.9
    at = liveliest(np.zeros((600, SIZE), np.float32), emotion, np.full(600, 3.0, np.float32))
    assert 400 - 175 + 100 <= at <= 400


def test_a_folder_of_takes_is_summed_up(tmp_path: Path) -> None:
    frames = 250
    cues = np.zeros((frames, 9), np.float16)
    cues[[20, 120], 0] = 1
    emotion = np.zeros((frames, 6), np.float16)
    emotion[:100, 0] = 0.8
    emotion[50:100, 5] = 0.7
    sound = np.zeros(frames * 640, np.int16)
    take = Take(
        sound, sound, np.array(["pau", "b", "aa"]),
        np.array([[0, 32000], [32000, 33280], [33280, 48000]], np.int32),
        yawning(frames).astype(np.float16), np.zeros((frames, SIZE), np.float16), emotion,
        np.full(frames, Activity.SPEAKING, np.uint8), np.zeros(STYLES, np.float32), cues,
        "[]", "flite/slt", "train",
    )  # fmt: skip
    save_take(tmp_path / "00000.npz", take)
    assert load_take(tmp_path / "00000.npz").voice == "flite/slt"
    found = summary(tmp_path)
    assert found["takes"] == 1 and found["voices"] == 1 and found["phones"] == 2
    assert found["blinks_a_minute"] == {"speaking": 12.0}
    shown = found["hours_shown"]
    assert isinstance(shown, dict)
    assert shown["happy"] == shown["happy + surprised"] == round(50 / 90000, 3)
    assert found["closures_met"] == 0.0  # a mouth at rest is not pressed together
    assert summary(tmp_path / "nothing") == {"takes": 0}
