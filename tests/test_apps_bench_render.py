"""`limner bench render`: the measurement of one renderer, and what is asked of the command."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from apps.commands import rendering
from apps.commands.render_run import PHONES, Job, run, speech
from avatar.portraits import gallery
from emotion.errors import ConfigError, ProviderError
from speech.types import SAMPLES_PER_FRAME

FACES = tuple(entry.name for entry in gallery()[:2])


def test_the_figures_of_a_renderer():
    found = run(Job("warp", FACES, 128, 10, time.monotonic()))
    assert found["frames"] == 20
    assert found["p50_ms"] <= found["p95_ms"] <= found["worst_ms"]
    mean = 1e3 / found["fps"]
    assert found["p50_ms"] / 20 < mean <= found["worst_ms"] + 0.1
    assert found["first_open_ms"] > 0 and found["open_ms"] > 0 and found["process_mb"] > 10
    assert found["first_frame_s"] >= 0


def test_without_frames_only_the_start_is_measured():
    assert set(run(Job("warp", FACES[:1], 128, 0, time.monotonic()))) == {"first_frame_s"}


def test_the_made_up_speech_says_every_phone():
    chunk = speech(100)
    assert len(chunk.pcm) == 100 * SAMPLES_PER_FRAME
    assert {p.symbol for p in chunk.phones} == set(PHONES)
    assert chunk.phones[0].start == 0 and chunk.phones[-1].end == len(chunk.pcm)
    ends = [p.end for p in chunk.phones[:-1]]
    assert ends == [p.start for p in chunk.phones[1:]]
    assert 0.1 < np.abs(chunk.pcm).max() <= 0.31


def test_a_process_of_its_own_answers_with_one_line():
    job = Job("warp", FACES[:1], 128, 0, time.monotonic())
    command = [sys.executable, "-m", "apps.commands.render_run", job.text()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 0 < json.loads(done.stdout)["first_frame_s"] < 120


def test_an_unknown_renderer_is_named_with_the_known_ones():
    with pytest.raises(ConfigError, match="Known: .*warp"):
        rendering.bench_render(["oil"], [128], 1, 5, as_json=True)


def test_a_renderer_that_fails_says_why(monkeypatch):
    with pytest.raises(ProviderError, match='"oil" failed at 128 px.*no limner.avatar plug-in'):
        rendering.measure("oil", 128, FACES[:1], 5)


def test_rows_are_compared_at_the_same_size(monkeypatch, capsys):
    rates = {("warp", 256): 100.0, ("warp", 512): 50.0}

    def measured(engine, size, faces, frames):
        return dict.fromkeys(rendering.COLUMNS, 1.0) | {
            "engine": engine, "size": size, "fps": rates[engine, size] * len(faces)}  # fmt: skip

    monkeypatch.setattr(rendering, "measure", measured)
    rendering.bench_render(["warp"], [256, 512], 2, 5, as_json=True)
    rows = json.loads(capsys.readouterr().out)["renderers"]
    assert [(row["size"], row["fps"], row["fps_ratio"]) for row in rows] == [
        (256, 200.0, 1.0), (512, 100.0, 1.0)]  # fmt: skip
    rendering.bench_render(["warp"], [256], 1, 5, as_json=False)
    assert "warp\t256\t100.0" in capsys.readouterr().out
