"""The evaluation's own arithmetic: what is asked, kept, compared and told."""

import numpy as np
import pytest

from avatar.portraits import gallery, load_portrait
from avatar.rig import EXPRESSIONS, INDEX, LOOKS, POSE_AT, SIZE, rig
from avatar.training.evaluate.album import REFUSED, SOURCE, Album, read_rgb, write_json, write_rgb
from avatar.training.evaluate.asked import POSE_LIMIT, asked_of
from avatar.training.evaluate.draw import draw, portrait_of, prepare
from avatar.training.evaluate.figures import READ, correlation, figures
from avatar.training.evaluate.flow import SIZE as FLOW_SIZE
from avatar.training.evaluate.flow import end_point_errors, summary
from avatar.training.evaluate.judge import calibrate, waiting
from avatar.training.evaluate.photofit import flow_of
from avatar.training.evaluate.recipes import FEELINGS, SHEET, mean_of, sheet_rigs, vector
from avatar.training.evaluate.renderers import RENDERERS, StillSitter, WarpSitter
from avatar.training.evaluate.report import markdown
from avatar.training.evaluate.repose import reposed
from avatar.training.evaluate.sheet import CELL, COLUMNS, ROOM, TITLE, around_face, write_sheets
from avatar.training.evaluate.warp_rig import warp_motion
from emotion.errors import PortraitError
from emotion.types import EMOTIONS

PHOTO = "somebody"


@pytest.fixture
def album(tmp_path):
    """A gallery portrait and three asks."""
    portrait = load_portrait(gallery()[0].name)
    asked = np.stack([rig(), rig({"jawOpen": 0.8}), rig({"eyeBlink_L": 1, "eyeBlink_R": 1})])
    made = Album(tmp_path / "album", 96, {PHOTO: asked}).save()
    write_rgb(made.source(PHOTO), portrait.rgb)
    np.save(made.source(PHOTO).with_suffix(".npy"), portrait.landmarks.points)
    return made


def test_asks_depend_on_the_photo_and_the_seed_only():
    asked = asked_of(["a", "b"], seed=5)
    assert np.array_equal(asked["b"], asked_of(["b"], seed=5)["b"])
    assert not np.array_equal(asked["a"], asked["b"])
    assert not np.array_equal(asked["a"], asked_of(["a"], seed=6)["a"])


def test_asks_start_neutral_and_stay_within_what_a_face_does():
    every = np.concatenate(list(asked_of([f"p{k}" for k in range(40)]).values()))
    rows = every.reshape(40, -1, SIZE)
    assert not rows[:, 0].any()
    weights = every[
        :, [i for name, i in INDEX.items() if name in EXPRESSIONS and name not in LOOKS]
    ]
    assert weights.max() <= 1.16 and weights.min() >= -0.21
    turn = np.abs(every[:, POSE_AT][:, :3]).max(0)
    assert (turn <= POSE_LIMIT).all() and (turn > 0.8 * POSE_LIMIT).all()
    for name in READ:
        assert mean_of(every, name).std() > 0.01, f"{name} is never asked"


def test_recipes_cover_the_six_feelings_and_both_sides():
    assert set(FEELINGS) == set(EMOTIONS)
    smile = vector(({"mouthSmile_": 0.5}, 1.0))
    assert smile[INDEX["mouthSmile_L"]] == smile[INDEX["mouthSmile_R"]] == 0.5
    assert vector(({"jawOpen": 1.0}, 1.0), ({"jawOpen": 1.0}, 1.0))[INDEX["jawOpen"]] < 1.2
    assert sheet_rigs().shape == (len(SHEET), SIZE)
    with pytest.raises(KeyError):
        mean_of(smile, "earWiggle")


def test_lids_follow_an_asked_gaze():
    down = sheet_rigs()[list(SHEET).index("gaze down")]
    assert down[INDEX["eyeLookDown_L"]] > 0.5 and down[INDEX["eyeLookUp_L"]] == 0


def test_the_warp_is_asked_for_the_same():
    from avatar.motion import INDEX as MOTION

    asked = warp_motion(rig({"jawOpen": 0.6, "eyeBlink_L": 1, "mouthSmile_R": 0.7, "yaw": 0.1}))
    assert asked[MOTION["gap"]] > 0.3 and asked[MOTION["jaw"]] == pytest.approx(0.6)
    assert (asked[MOTION["blink_l"]], asked[MOTION["blink_r"]]) == (1, 0)
    assert asked[MOTION["smile_r"]] > 0.5 and asked[MOTION["smile_l"]] == 0
    assert asked[MOTION["yaw"]] == pytest.approx(0.1)
    closed = warp_motion(rig({"jawOpen": 0.6, "mouthClose": 0.6}))
    assert closed[MOTION["gap"]] < 0.05
    assert not warp_motion(rig()).any()


def test_an_album_is_read_as_written_and_refuses_other_asks(album):
    again = Album.open(album.folder)
    assert again.size == album.size
    assert np.allclose(again.asked[PHOTO], album.asked[PHOTO], atol=1e-5)
    again.save()
    with pytest.raises(ValueError, match="other asks"):
        Album(album.folder, album.size, {PHOTO: album.asked[PHOTO][:2]}).save()


def test_answers_are_drawn_once_and_kept(album):
    draw(album, "still", StillSitter, [PHOTO])
    first = read_rgb(album.frame("still", PHOTO, 2))
    assert first.shape == (96, 96, 3)
    write_rgb(album.frame("still", PHOTO, 2), np.zeros_like(first))
    draw(album, "still", StillSitter, [PHOTO])
    assert not read_rgb(album.frame("still", PHOTO, 2)).any()
    album.forget("still")
    draw(album, "still", StillSitter, [PHOTO])
    assert np.array_equal(read_rgb(album.frame("still", PHOTO, 2)), first)
    assert len(album.state("still", PHOTO)["frame_ms"]) == 3
    assert np.load(album.place("still", PHOTO) / "points.npy").shape == (3, 150, 2)


def test_a_portrait_that_a_renderer_refuses_counts_as_failed(album):
    def refuse(portrait, size):
        raise PortraitError("No.", "Another one.")

    draw(album, "picky", refuse, [PHOTO])
    assert figures(album, "picky") == {"photos": 0, "failed": {PHOTO: "No. Another one."}}
    assert "| photos taken | 0 | all |" in markdown(album, {"picky": figures(album, "picky")})


def test_a_photo_that_the_intake_refuses_fails_everywhere(tmp_path):
    made = Album(tmp_path / "album", 96, {"nobody": rig()[None]}).save()
    (tmp_path / "nobody.jpg").write_bytes(b"no picture")
    prepare(made, tmp_path)
    draw(made, "still", StillSitter, ["nobody"])
    assert made.state("still", "nobody") == {"failed": REFUSED}
    assert list(waiting(made, ["still"])) == []
    write_sheets(made, ["still"])
    assert not (made.folder / "sheets").exists()


def test_the_warp_moves_what_is_asked(album):
    sitter = WarpSitter(portrait_of(album, PHOTO), 96)
    rest, spoken, blink = (sitter.shoot(asked).rgb.astype(int) for asked in album.asked[PHOTO])
    change = np.abs(spoken - rest).sum(2), np.abs(blink - rest).sum(2)
    lower, upper = (float(np.average(np.arange(96), weights=c.sum(1))) for c in change)
    assert lower > upper + 8, "a mouth lies below the eyes"
    assert set(RENDERERS) >= {"still", "warp", "semo"}


def readings(album, renderer, gain):
    """What a judge would write who reads `gain` times what is asked."""
    asked = album.asked[PHOTO]
    names, columns = [], []
    for name in READ:
        for side in ("Left", "Right") if name not in ("jawOpen", "mouthPucker") else ("",):
            names.append(name + side)
            columns.append(gain * mean_of(asked, name) + 0.1)
    for look in ("In", "Out", "Up", "Down"):
        names += [f"eyeLook{look}{side}" for side in ("Left", "Right")]
        columns += [np.zeros(len(asked), np.float32)] * 2
    points = np.tile(np.random.default_rng(1).uniform(0.3, 0.7, (150, 2)), (len(asked), 1, 1))
    embedding = np.zeros((len(asked), 128), np.float32)
    embedding[:, 0] = gain * np.array([0.0, 0.3, 0.5])
    return {"names": np.array(names), "scores": np.stack(columns, 1), "points": points,
            "turn": np.zeros((len(asked), 3)), "embedding": embedding}  # fmt: skip


def test_figures_say_how_well_asks_are_read_and_who_it_is(album):
    draw(album, "still", StillSitter, [PHOTO])
    np.savez(album.place("still", PHOTO) / "reading.npz", **readings(album, "still", 0.5))
    source = {k: v[:1] if k != "names" else v for k, v in readings(album, "", 0.0).items()}
    np.savez(album.folder / SOURCE / f"{PHOTO}.npz", **source)
    found = figures(album, "still")
    assert found["expressions"]["jawOpen"]["r"] == 1.0
    assert found["expressions"]["jawOpen"]["gain"] == 0.5
    assert found["expressions"]["mouthSmile"]["r"] is None, "never asked here"
    assert found["identity"]["p50"] == pytest.approx(0.15)
    assert found["identity"]["worst_frames"][0] == [0.25, PHOTO, 2]
    assert found["face_found"] == 1.0
    write_json(album.folder / "calibration.json", {"people": 1})
    text = markdown(album, {"still": found})
    assert "| jawOpen | 1.0 (1.0; 0.5) | >= .85 |" in text and '"people": 1' in text


def test_landmarks_told_are_compared_with_landmarks_seen(album):
    draw(album, "still", StillSitter, [PHOTO])
    seen = readings(album, "still", 1.0)
    np.savez(album.place("still", PHOTO) / "reading.npz", **seen)
    np.savez(album.folder / SOURCE / f"{PHOTO}.npz", **seen)
    eyes = np.linalg.norm(seen["points"][0, 76] - seen["points"][0, 92])
    away = np.array([3, 4]) / 5 * 0.02 * eyes
    np.save(album.place("still", PHOTO) / "points.npy", seen["points"] + away)
    assert figures(album, "still")["landmark_error_percent_of_eyes"]["p50"] == pytest.approx(2.0)


def test_correlation_needs_something_to_correlate():
    ramp = np.arange(5, dtype=np.float32)
    assert correlation(ramp, -ramp) == -1.0
    assert correlation(ramp, np.ones(5, np.float32)) is None
    assert correlation(ramp, np.array([1, 2, np.nan, 4, 5], np.float32)) == 1.0


def test_sheets_show_every_expression_of_every_renderer(tmp_path, album):
    sheet = Album(tmp_path / "sheets", 64, {PHOTO: sheet_rigs()}).save()
    for suffix in (".png", ".npy"):
        target = sheet.source(PHOTO).with_suffix(suffix)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(album.source(PHOTO).with_suffix(suffix).read_bytes())
    draw(sheet, "still", StillSitter, [PHOTO])
    write_sheets(sheet, ["still", "still"])
    files = sorted((sheet.folder / "sheets").iterdir())
    assert len(files) == -(-(len(SHEET) + 1) // COLUMNS)
    assert read_rgb(files[0]).shape == (2 * (CELL + TITLE), COLUMNS * CELL, 3)


def test_cells_show_the_face_in_their_middle():
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[20:40, 60:80] = 255
    marks = np.tile(np.array([[0.6, 0.2], [0.8, 0.4]], np.float32), (75, 1))
    cell = around_face(rgb, marks)
    lit = np.argwhere(cell[..., 0] > 128)
    assert lit.mean(0) == pytest.approx([CELL / 2, CELL / 2], abs=8)
    assert np.ptp(lit, axis=0) == pytest.approx([CELL / ROOM] * 2, abs=8)


def test_end_point_errors_count_skin_that_both_see():
    found = np.zeros((FLOW_SIZE, FLOW_SIZE, 2), np.float32)
    found[..., 0] = 2 / FLOW_SIZE
    sure = np.ones((FLOW_SIZE, FLOW_SIZE), np.float32)
    sure[: FLOW_SIZE // 2] = 0
    truth = np.zeros_like(found)
    truth[..., 1] = 1 / FLOW_SIZE
    visible = np.zeros((FLOW_SIZE, FLOW_SIZE), bool)
    visible[:, :10] = True
    errors, still = end_point_errors((found, sure), (truth, visible))
    assert len(errors) == 10 * FLOW_SIZE // 2
    assert errors == pytest.approx(5**0.5) and still == pytest.approx(1.0)


def test_flow_figures_tell_moving_skin_from_resting_skin():
    rest, moving = np.float32([0.1, 0.1]), np.float32([0.5, 0.7])
    errors = {"a": [(np.r_[rest, moving], np.float32([0, 0.5, 4, 6]))], "b": [(rest, rest)]}
    found = summary(errors, {"c": "No."})
    assert found["moving_epe_px"] == {"mean": 0.6, "p50": 0.6, "p90": 0.68, "pixels": 2}
    assert found["items"] == 2 and found["failed"] == {"c": "No."}
    assert found["worst"][0] == [0.35, "a"]
    assert summary({}, {}) == {"items": 0, "failed": {}}


def test_a_pose_is_solved_from_landmarks():
    spread = np.random.default_rng(2).normal(0, 0.1, (150, 3)).astype(np.float32)

    def landmarks(asked):
        yaw, pitch, roll, x, y, z = asked[POSE_AT]
        turned = spread + np.cross([pitch, yaw, roll], spread)
        return ((turned[:, :2] + np.array([x, y]) / 50) * (1 + z / 50)).astype(np.float32)

    true = rig({"yaw": 0.2, "roll": -0.1, "x": 1.0, "z": 2.0, "jawOpen": 0.3})
    start = rig({"pitch": 0.05, "jawOpen": 0.3})
    assert reposed(landmarks, start, landmarks(true)) == pytest.approx(true, abs=0.02)


class CroppedHead:
    """A stand-in for a fitted head that works on the middle half of a 400 px source at 512 px."""

    scale = 512 / 200
    photo = np.zeros((512, 512, 3), np.uint8)

    class fit:  # noqa: N801
        cx = (200 - 100) * 512 / 200

    fit.cy = fit.cx

    def render(self, weights, gaze, turn, size, ss):
        flow = np.full((512, 512, 2), 0.1, np.float32)
        visible = np.ones((512, 512), np.float32)
        visible[:, :256] = 0
        return {"flow": flow, "visible": visible, "kind": np.zeros((512, 512), np.uint8)}


def test_the_references_flow_is_moved_from_its_crop_to_the_source():
    truth = flow_of(CroppedHead(), rig(), 100, 400)
    seen = truth["visible"]
    assert seen[30:70, 52:74].all()
    assert not seen[:, :49].any() and not seen[:24].any() and not seen[77:].any()
    assert truth["flow"][50, 60] == pytest.approx([0.05, 0.05], abs=1e-3)


def test_the_judge_reads_what_is_drawn_and_its_source(album):
    draw(album, "still", StillSitter, [PHOTO])
    todo = list(waiting(album, ["still", "absent"]))
    assert [file.name for file, _ in todo] == [f"{PHOTO}.npz", "reading.npz"]
    assert [len(frames) for _, frames in todo] == [1, 3]
    assert all(frame.exists() for _, frames in todo for frame in frames)


class MeanColour:
    """Embeds a picture as its mean colour."""

    def embed(self, rgb):
        return rgb.reshape(-1, 3).mean(0) / 255


def test_calibration_compares_the_same_photo_and_different_people(tmp_path):
    made = Album(tmp_path, 32, {"dark": rig()[None], "light": rig()[None]}).save()
    for name, level in (("dark", 40), ("light", 200)):
        write_rgb(made.source(name), np.full((64, 64, 3), level, np.uint8))
    found = calibrate(made, MeanColour())
    assert found["people"] == 2
    assert found["different_people"] == pytest.approx([160 / 255 * 3**0.5] * 5, abs=1e-3)
    assert found["same_photo_changed"][2] < 0.1 < found["different_people"][0]
