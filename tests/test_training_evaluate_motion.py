"""The evaluation of motion: its arithmetic, and a run over re-posed gallery faces."""

import json
from dataclasses import replace

import numpy as np
import pytest

from apps.commands.evaluating import run as evaluate
from avatar.portraits import load_portrait
from avatar.rig import INDEX, POSE_AT, SIZE, rig
from avatar.semo.facing import upright
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.pose import rotation
from avatar.training.evaluate.motion import QUICK, Evaluation, Request
from avatar.training.evaluate.motion_completion import still_error
from avatar.training.evaluate.motion_judge import FEELINGS, Reading
from avatar.training.evaluate.motion_measure import COPY, table
from avatar.training.evaluate.motion_metrics import over_people, psnr, spread, squared_error, ssim
from avatar.training.evaluate.motion_people import Driven, driven, feeling_figures
from avatar.training.evaluate.motion_people import identity_figures as identity_figures_of
from avatar.training.evaluate.motion_probe import (
    Track,
    identity_figures,
    noise_figures,
    rig_figures,
)
from avatar.training.evaluate.motion_reconstruction import (
    CROSS,
    ENCODER,
    EXACT,
    LANDMARKS,
    WRONG,
    all_reproduced,
)
from avatar.training.evaluate.motion_regions import regions, scaled
from avatar.training.evaluate.motion_scenes import Studio, angle_between, opened, scenes_of, unrest
from avatar.training.evaluate.motion_shared import Played, cross_figures, crossed, said
from avatar.training.evaluate.motion_sheet import CELL, Row, difference, write_pages
from avatar.training.evaluate.motion_tokens import added, tracked
from avatar.training.evaluate.sheet import TITLE
from emotion.errors import PortraitError
from tests.motion_shards import gallery_shard


@pytest.fixture(scope="module")
def studio():
    return Studio()


@pytest.fixture(scope="module")
def shard():
    return gallery_shard()


@pytest.fixture(scope="module")
def other():
    return gallery_shard(1)


def knowing(studio, *shards, noise=0.0):
    """Trackers that look a picture's label up: an encoder without mistakes, or with noise."""
    labels = {}
    for shard in shards:
        for scene in scenes_of(shard, "x", 99):
            for at in (scene.source, *scene.targets):
                labels[shard.images[at].tobytes()] = scene.known(at)
    rng = np.random.default_rng(0)

    def begin(fps):
        def follow(rgb):
            label = labels.get(np.ascontiguousarray(rgb).tobytes())
            if label is None:
                return None
            grain = noise * rng.standard_normal(SIZE).astype(np.float32)
            return studio.surface.rig_to_token(label + grain)

        return follow

    return begin


def test_errors_in_decibels_over_the_pixels_that_count():
    truth = np.zeros((8, 8, 3), np.uint8)
    drawn = truth.copy()
    drawn[:4] = 51
    error, every = squared_error(drawn, truth), np.ones((8, 8), bool)
    assert psnr(error, every) == pytest.approx(10 * np.log10(25 * 2), abs=1e-3)
    assert psnr(error, ~every) != psnr(error, ~every)  # of no pixels: nan
    lower = every.copy()
    lower[:4] = False
    assert psnr(error, lower) == 60.0
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    assert ssim(noise, noise).min() > 0.999 and ssim(noise, 255 - noise).mean() < 0


def test_people_count_alike_and_the_interval_comes_from_people():
    found = over_people({"a": [1.0] * 50, "b": [3.0], "c": [float("nan")]})
    assert (found["mean"], found["people"], found["n"]) == (2.0, 2, 51)
    assert (found["low"], found["high"]) == (1.0, 3.0)
    assert over_people({}) == {"people": 0, "n": 0}
    assert spread([1.0, 2.0, float("nan"), 9.0])["worst"] == 9.0


def test_regions_hold_what_they_are_called(shard):
    found = regions(shard, 0)
    marks = shard.landmarks[0].astype(int)
    assert found["head"][found["face"]].mean() > 0.98
    assert found["face"][found["mouth"]].mean() > 0.9 and found["mouth"].sum() > 200
    assert (
        found["mouth"][marks[46, 1], marks[46, 0]] and found["brows"][marks[125, 1], marks[125, 0]]
    )
    assert not (found["mouth"] & found["brows"]).any()
    below_chin = int(marks[18, 1]) + 20
    assert not found["head"][below_chin:].any()
    assert scaled(found, 64)["head"].mean() == pytest.approx(found["head"].mean(), abs=0.04)


def test_the_calmest_frame_is_the_portrait_and_frames_are_spread(shard):
    scene = next(scenes_of(shard, "somebody", 3))
    calm = [unrest(r) for r in shard.rig]
    assert scene.source == int(np.argmin(calm)) and len(scene.targets) == 3
    assert scene.source not in scene.targets and scene.fps == pytest.approx(25 / 8, rel=0.01)
    turned = rig({"yaw": 0.3}) + rig({"roll": 0.0})
    assert angle_between(rig(), turned) == pytest.approx(np.degrees(0.3), abs=0.01)


def test_labels_say_what_the_camera_sees(shard):
    scene = next(scenes_of(shard, "somebody", 3))
    seen = scene.known(scene.source)
    assert not seen[POSE_AT][3:].any()
    camera = np.array(shard.info["camera"])
    own = rotation(*(float(v) for v in shard.rig[scene.source][POSE_AT][:3]))
    assert np.allclose(upright(seen[POSE_AT][:3]), camera @ own, atol=0.02)


def test_a_turn_is_added_to_what_the_portrait_has():
    first, now = rig({"yaw": 0.2, "jawOpen": 0.1}), rig({"yaw": 0.5, "jawOpen": 0.4, "x": 2})
    fitted = fit_portrait(load_portrait("henrik"), load_surface())
    fitted = replace(fitted, rig=rig({"mouthSmile_L": 0.5, "jawOpen": 0.2}))
    out = added(fitted, first, now)
    assert out[INDEX["jawOpen"]] == pytest.approx(0.5)
    assert out[INDEX["mouthSmile_L"]] == 0.5
    assert out[INDEX["yaw"]] == pytest.approx(0.3, abs=0.01)


def test_trackers_start_at_the_source_and_run_both_ways(shard):
    scene = next(scenes_of(shard, "somebody", 99))
    streams = []

    def begin(fps):
        streams.append([])

        def follow(rgb):
            at = next(k for k, image in enumerate(shard.images) if np.array_equal(image, rgb))
            streams[-1].append(at)
            return None if at == scene.targets[0] else np.full(64, at, np.float32)

        return follow

    tokens = tracked(scene, begin)
    assert [s[0] for s in streams] == [scene.source, scene.source]
    assert streams[0][1:] == sorted(streams[0][1:])
    assert streams[1][1:] == sorted(streams[1][1:], reverse=True)
    assert tokens[0, 0] == scene.source and np.isnan(tokens[1]).all()
    assert tokens[2:, 0].tolist() == list(scene.targets[1:])
    with pytest.raises(PortraitError):
        tracked(scene, lambda fps: lambda rgb: None)


def test_motion_is_reproduced_and_wrong_motion_is_not(studio, shard, other):
    found = [*scenes_of(other, "b", 4), *scenes_of(shard, "a", 4)]
    trackers = knowing(studio, shard, other)
    seen = all_reproduced(opened(iter(found), studio), studio, trackers)
    rows = table([row for one in seen for row in one.rows])
    head = {way: row["psnr"]["head"]["mean"] for way, row in rows.items()}
    assert set(head) == {COPY, EXACT, ENCODER, LANDMARKS, WRONG}
    assert head[EXACT] > head[COPY] + 6 and rows[EXACT]["head_psnr_over_copy"]["low"] > 3
    assert head[ENCODER] > head[WRONG] + 2
    assert rows[EXACT]["flow_px"]["mean"] < 0.3 * rows[COPY]["flow_px"]["mean"]
    assert rows[COPY]["head_psnr_over_copy"]["mean"] == 0
    assert rows[EXACT]["psnr"]["face"]["n"] == 8 and rows[EXACT]["lost"] == 0
    assert set(seen[0].shown) >= {COPY, EXACT, ENCODER}


def test_a_frame_without_a_face_counts_as_lost(studio, shard):
    blind = replace(shard, images=shard.images.copy())
    scene = next(scenes_of(blind, "a", 2))
    blind.images[scene.targets[0]] = 128
    seen = all_reproduced(opened(iter([scene]), studio), studio, knowing(studio, shard))
    rows = table([row for one in seen for row in one.rows])
    assert rows[ENCODER]["lost"] == 1 and rows[LANDMARKS]["lost"] == 1
    assert rows[ENCODER]["psnr"]["head"]["n"] == 1


def test_another_persons_tokens_are_compared_with_the_own(studio, shard, other):
    same = replace(other, info=other.info | {"performance": shard.info["performance"]})
    every = []
    for who, one in (("a", shard), ("b", same)):
        scene = replace(next(scenes_of(one, who, 99)), source=0, targets=(1, 2, 3, 4, 5))
        every.append(Played(scene, tracked(scene, knowing(studio, shard, other))))
    seen, drivers = crossed(every, studio, 2)
    assert len(seen) == 2 and {row.way for row in seen[0].rows} == {COPY, EXACT, ENCODER, CROSS}
    assert np.array_equal(drivers[0], other.images[seen[0].frame])
    lost = cross_figures(seen)["same_less_cross_db"]["head"]
    assert lost["people"] == 2 and lost["mean"] > 0  # other labels: another performance in truth
    tokens = np.concatenate([one.tokens for one in every])
    assert np.isfinite(tokens).all()
    groups = said(every, studio.surface, studio)["absolute"]["groups"]
    assert groups["jaw"]["r2"] > 0.95 and groups["pose"]["r2"] > 0.95


def test_probes_find_who_it_is_only_where_tokens_say_it():
    rng = np.random.default_rng(0)
    performance = rng.standard_normal((40, 8)).astype(np.float32)
    tracks = []
    for who in range(8):
        leak = 3 * rng.standard_normal(8).astype(np.float32)
        noise = 0.3 * rng.standard_normal((40, 8)).astype(np.float32)
        pixels = np.full((40, 16, 16), 20 * who, np.uint8)
        tracks.append(Track(f"p{who}", 0, performance + noise + leak, performance, pixels))
    found = identity_figures(tracks)
    assert found["tokens"]["linear"]["accuracy"] > 0.9
    assert found["tokens"]["mlp"]["times_chance"] > 7
    assert found["tokens_since_first_frame"]["linear"]["times_chance"] < 3
    assert found["labels"]["linear"]["times_chance"] < 1.5
    assert found["pixels"]["linear"]["times_chance"] > 4
    assert found["tokens"]["asked"] == 8 * 15


def test_r2_is_one_for_what_is_known_and_none_for_a_guess():
    rng = np.random.default_rng(1)
    known = rng.standard_normal((60, SIZE)).astype(np.float32)
    whose = ["a"] * 30 + ["b"] * 30
    perfect = rig_figures(known, known, whose)["groups"]["blink"]
    assert (perfect["r2"], perfect["low"]) == (1.0, 1.0)
    guess = np.repeat(known.mean(0, keepdims=True), 60, 0)
    guess[3] = np.nan
    found = rig_figures(guess, known, whose)
    assert abs(found["groups"]["gaze"]["r2"]) < 0.05 and found["lost"] == 1
    half = known.copy()
    half[:, INDEX["yaw"]] = 0
    assert rig_figures(half, known, whose)["groups"]["pose"]["r2"] == pytest.approx(2 / 3, abs=0.05)


def test_noise_of_a_face_that_rests():
    still = np.ones((5, 64), np.float32)
    usual = np.full(SIZE, 0.1, np.float32)
    quiet = noise_figures(still, np.zeros((5, SIZE), np.float32), usual)
    assert quiet["token_rms"] == 0 and quiet["rig_rms_of_usual"]["worst"] == 0
    shaking = np.zeros((5, SIZE), np.float32)
    shaking[::2] = 0.1
    assert noise_figures(still, shaking, usual)["rig_rms_of_usual"]["median"] == 1.0


def test_a_frame_drawn_again_is_the_same(studio, shard):
    _, sitter = next(opened(scenes_of(shard, "a", 3), studio))
    tokens = studio.surface.rig_to_token(shard.rig[:3])
    assert still_error(sitter, tokens) == 0


def test_sheets_show_a_grey_cell_where_nothing_was_drawn(tmp_path):
    white = np.full((64, 64, 3), 255, np.uint8)
    away = difference(white, white - 20)
    assert away is not None and (away == 148).all() and difference(None, white) is None
    rows = [Row("a", {"truth": white, "drawn": None})] * 7
    pages = write_pages(rows, tmp_path, "some")
    from avatar.training.evaluate.album import read_rgb

    first = read_rgb(pages[0])
    assert len(pages) == 2 and first.shape == (6 * (CELL + TITLE), 2 * CELL, 3)
    assert (first[TITLE + 5, CELL + 5] == 128).all() and (first[TITLE + 5, 5] == 255).all()


def test_the_command_hands_its_options_over(capfd):
    assert evaluate("motion", ["--help"]) == 0
    assert "--judges-python" in capfd.readouterr().out
    assert evaluate("beauty", []) == 2


def test_a_run_without_data_says_what_is_missing(tmp_path):
    request = Request(None, None, None, tmp_path / "out", tmp_path / "none.onnx", None, QUICK,
                      ("rendered", "cross", "people"))  # fmt: skip
    found = Evaluation(request).run()
    assert "--held-out" in found["rendered"]["left_out"]
    assert "left_out" in found["cross"] and "--judges-python" in found["people"]["left_out"]
    text = (tmp_path / "out" / "motion.md").read_text("utf-8")
    assert text.count("Left out:") == 3
    assert json.loads((tmp_path / "out" / "motion.json").read_text())["cross"] == found["cross"]


def reading(names, embedding, feeling=None):
    shares = np.full((len(names), 7), np.nan) if feeling is None else np.eye(7)[feeling]
    return Reading(tuple(names), np.asarray(embedding, np.float32), shares.astype(np.float32))


def test_a_driver_who_leaks_is_nearer():
    picture = np.zeros((4, 4, 3), np.uint8)
    pair = Driven(picture, [picture] * 2, {ENCODER: [picture] * 2})
    names = ["who_00_portrait", "who_00_driver_00", "who_00_driver_01",
             "who_00_encoder_00", "who_00_encoder_01"]  # fmt: skip
    portrait, driver = np.zeros(128), np.full(128, 1 / 128**0.5)
    leaks = reading(names, [portrait, driver, driver, 0.2 * driver, 0.7 * driver])
    found = identity_figures_of(leaks, [pair])
    assert found["portrait_to_driver"]["p50"] == pytest.approx(1)
    way = found["ways"][ENCODER]
    assert way["driver_nearer"] == 1 and way["no_face_found"] == 0
    assert way["to_portrait"]["worst"] == pytest.approx(0.7, abs=1e-3)
    assert way["moved_towards_driver"] == pytest.approx(0.45, abs=1e-3)
    faceless = reading(names, [portrait, driver, driver, driver * np.nan, 0.1 * driver])
    assert identity_figures_of(faceless, [pair])["ways"][ENCODER]["no_face_found"] == 1


def test_feelings_are_counted_with_and_without_completion():
    names = ["feeling_happy_on_a", "feeling_happy_off_a", "feeling_angry_on_b_c", "who_00_portrait"]
    happy, angry = FEELINGS.index("happy"), FEELINGS.index("angry")
    read = reading(names, np.zeros((4, 128)), [happy, angry, angry, 0])
    found = feeling_figures(read)
    assert found["on"]["accuracy"] == 1 and found["on"]["n"] == 2
    assert found["off"] == {"accuracy": 0.0, "n": 1, "by_feeling": {"happy": 0.0}}


def test_a_driven_portrait_moves_and_lost_frames_stay_out(studio, shard):
    _, sitter = next(opened(scenes_of(shard, "a", 3), studio))
    tokens = studio.surface.rig_to_token(np.stack([rig(), rig({"jawOpen": 0.6}), rig()]))
    tokens[2] = np.nan
    frames = driven(sitter, tokens)
    assert len(frames) == 1 and np.abs(frames[0].astype(int) - sitter.fitted.rgb).mean() > 0.2
