"""The evaluations of acting: acts, sources, films and the arithmetic of sync, feeling and life."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.commands.evaluating import run as evaluate
from avatar.landmark_net import LandmarkNet
from avatar.portraits import WEIGHTS, load_portrait
from avatar.rig import GAZE_AT, INDEX, POSE_AT, SIZE, rig
from avatar.semo.loading import load_surface
from avatar.training.evaluate.act_clips import TAKES, act_of, write_film, write_strip
from avatar.training.evaluate.act_film import Cast, Reading, Screening, Shown, WarpCast
from avatar.training.evaluate.act_setting import new_session, table
from avatar.training.evaluate.act_sources import (
    AHEAD,
    EnergyJaw,
    Flat,
    Lived,
    RuleSession,
    Truth,
    WarpRules,
    loudness,
    played,
)
from avatar.training.evaluate.acts import (
    STEP,
    Act,
    Clause,
    Phone,
    joined,
    load_take,
    shuffled,
    spoken,
    still,
    takes,
    utterances,
)
from avatar.training.evaluate.feeling_figures import (
    LABELS,
    STRENGTHS,
    Faces,
    blendshape_rows,
    feeling_figures,
    strengths_of,
)
from avatar.training.evaluate.feeling_pictures import confusions, strength_curves
from avatar.training.evaluate.feeling_report import markdown as feeling_markdown
from avatar.training.evaluate.life_figures import (
    MINUTE,
    Moves,
    blinks,
    glances,
    head_figures,
    head_windows,
    life_figures,
    seams,
)
from avatar.training.evaluate.motion_judge import FEELINGS
from avatar.training.evaluate.sync_figures import Clip, correlation, silent, sync_figures
from avatar.training.evaluate.sync_pictures import curves
from avatar.training.evaluate.sync_report import markdown as sync_markdown
from avatar.training.recipes import COMPOUNDS, lip_opening
from avatar.types import Activity
from emotion.errors import ConfigError, MediaError
from emotion.types import EMOTIONS, EmotionState
from speech.tts import EmbeddedVoices
from speech.types import PLAY_RATE

FRAMES = 120
CALM = EmotionState.neutral()


def opening_and_closing(frames: int = FRAMES) -> Act:
    """A mouth that opens on "aa" and shuts on "m" for four frames each, quiet at both ends."""
    phones, start = [], 25
    for k, at in enumerate(range(start, frames - 25, 4)):
        phones.append(Phone(("aa", "m")[k % 2], at * STEP, (at + 4) * STEP))
    neutral = np.zeros((frames, SIZE), np.float32)
    for phone in phones:
        if phone.symbol == "aa":
            neutral[slice(*phone.frames), INDEX["jawOpen"]] = 0.5
    pcm = np.zeros(frames * STEP, np.float32)
    pcm[start * STEP : (frames - 25) * STEP] = 0.1 * np.sin(np.arange((frames - 50) * STEP))
    activity = np.full(frames, Activity.SPEAKING, np.uint8)
    clause = Clause(start, frames - 25, CALM, "mama")
    return Act("test", pcm, pcm * 0, tuple(phones), (clause,), activity, CALM, "nobody",
               neutral, neutral)  # fmt: skip


def saved(act: Act, path: Path, **changes: object) -> Path:
    """As a take's file."""
    clauses = [{"text": c.text, "start": c.start, "end": c.end, "voice": "nobody",
                "emotions": {"happy": 0.5}} for c in act.clauses]  # fmt: skip
    arrays: dict[str, object] = {
        "pcm": np.round(act.pcm * 32767).astype(np.int16),
        "heard": np.round(act.heard * 32767).astype(np.int16),
        "phones": np.array([p.symbol for p in act.phones]),
        "phone_times": np.array([(p.start, p.end) for p in act.phones], np.int32),
        "neutral": act.neutral.astype(np.float16), "rig": act.rig.astype(np.float16),
        "activity": act.activity, "clauses": json.dumps(clauses), "voice": "nobody",
    }  # fmt: skip
    np.savez(path, **(arrays | changes))
    return path


@pytest.fixture(scope="module")
def surface():
    return load_surface()


class TestActs:
    def test_a_take_is_read_and_cut_into_what_it_says(self, tmp_path):
        act = opening_and_closing()
        take = load_take(saved(act, tmp_path / "00000.npz"))
        assert take.clauses[0].emotion.dominant() == "happy"
        (said,) = utterances(take)
        assert said.frames < take.frames and said.spoken.sum() == take.spoken.sum()
        first = np.flatnonzero(take.spoken)[0] - np.flatnonzero(said.spoken)[0]
        assert np.allclose(said.neutral, take.neutral[first : first + said.frames])
        assert np.array_equal(said.pcm, take.pcm[first * STEP : (first + said.frames) * STEP])

    def test_what_is_no_take_is_refused(self, tmp_path):
        with pytest.raises(MediaError):
            takes(tmp_path)
        bad = saved(opening_and_closing(), tmp_path / "0.npz", clauses="no json")
        with pytest.raises(MediaError):
            load_take(bad)

    def test_another_feeling_leaves_the_truth_unknown(self):
        act = opening_and_closing()
        assert act.felt(CALM).rig is not None
        sad = act.felt(EmotionState.from_strengths({"sad": 1.0}))
        assert sad.clauses[0].emotion.dominant() == "sad" and sad.rig is None
        with pytest.raises(ValueError, match="nobody knows"):
            Truth().motion(sad)
        assert np.array_equal(Truth(neutral=True).motion(sad), act.neutral)

    def test_chunks_bear_phones_only_where_they_are_given(self):
        act = opening_and_closing()
        ((chunk, felt),) = act.chunks(phones=True)
        assert chunk.rate == PLAY_RATE and felt.dominant() == "neutral"
        assert chunk.start_sample == 25 * STEP * 3 // 2
        assert [p.symbol for p in chunk.phones[:2]] == ["aa", "m"]
        assert chunk.phones[-1].end == len(chunk.pcm)
        ((bare, _),) = act.chunks(phones=False)
        assert bare.phones == () and np.array_equal(bare.pcm, chunk.pcm)

    def test_joined_acts_follow_each_other(self):
        act = opening_and_closing()
        whole = joined([still("quiet", 50, CALM, Activity.IDLE), act], "both")
        assert whole.frames == 50 + FRAMES and whole.rig is None
        assert np.array_equal(whole.spoken[50:], act.spoken) and not whole.spoken[:50].any()
        assert whole.clauses[0].start == 50 + act.clauses[0].start

    def test_own_voices_speak_with_a_truth(self):
        said = spoken(EmbeddedVoices(), "Maybe mama came home.", "")
        assert said.neutral is not None and said.spoken.any()
        assert not np.abs(said.pcm[: 10 * STEP]).any()
        shut = [p for p in said.phones if p.symbol == "m"]
        opening = lip_opening(said.neutral)
        assert opening[slice(*shut[0].frames)].min() < 0.1 < 0.3 < opening.max()


class _Listener:
    """Notes what a session is told, frame by frame."""

    def __init__(self):
        self.told, self.frame = [], 0

    def push(self, speech, emotion, activity):
        self.told.append((self.frame, speech, activity))

    def hear(self, pcm, start):
        self.told.append((self.frame, start, len(pcm)))

    def step(self):
        self.frame += 1
        return np.zeros(SIZE, np.float32)


class TestSources:
    def test_speech_arrives_a_moment_before_it_sounds(self):
        act, session = opening_and_closing(), _Listener()
        assert len(list(played(act, session, phones=True))) == FRAMES
        when = [frame for frame, speech, _ in session.told if speech is not None]
        assert when == [25 - AHEAD]

    def test_the_user_is_heard_only_after_having_spoken(self):
        act = still("ear", 10, CALM, Activity.LISTENING)
        session = _Listener()
        list(played(act, session, phones=True))
        heard = [(frame, start) for frame, start, _ in session.told if isinstance(start, int)]
        assert heard and all(start + STEP <= frame * STEP for frame, start in heard)

    def test_the_jaw_of_the_baseline_follows_loudness(self):
        act = opening_and_closing()
        assert loudness(act)[60] > 0.5 and loudness(act)[5] == 0
        jaw = EnergyJaw().motion(act)[:, INDEX["jawOpen"]]
        assert jaw[60] > 0.2 and jaw[5] == 0
        assert not Flat().motion(act).any()

    def test_rules_move_as_a_live_session(self):
        act = opening_and_closing()
        moved = Lived(RuleSession, "rules").motion(act)
        assert moved.shape == (FRAMES, SIZE)
        assert moved[act.spoken, INDEX["jawOpen"]].max() > 0.1
        assert WarpRules().motion(act).shape[0] == FRAMES

    def test_an_unknown_way_is_refused(self):
        with pytest.raises(ConfigError):
            new_session("dance")

    def test_shuffled_acts_have_the_sound_of_another(self):
        first, second = opening_and_closing(), opening_and_closing(100)
        mixed = shuffled([first, second])
        assert mixed[0].phones == () and len(mixed[0].pcm) == len(first.pcm)
        assert np.array_equal(mixed[1].pcm, first.pcm[: len(second.pcm)])


class TestSync:
    def test_the_truth_itself_is_perfect(self):
        act = opening_and_closing()
        gap = 0.2 * Clip(act, np.zeros(0)).opening
        found = sync_figures([Clip(act, gap)])
        assert found["r"]["mean"] == 1 and found["best_lag"] == 0
        assert found["closure_mbp"] == 1 and found["rest_gap"]["mean"] < 0.2
        assert found["silence_motion"] == 0

    def test_late_lips_have_their_lag(self):
        act = opening_and_closing()
        late = np.roll(Clip(act, np.zeros(0)).opening, 1)
        found = sync_figures([Clip(act, late)])
        assert found["best_lag"] == 1 and found["r"]["mean"] < 1

    def test_a_mouth_that_never_shuts_is_told(self):
        act = opening_and_closing()
        found = sync_figures([Clip(act, 0.5 + 0.1 * Clip(act, np.zeros(0)).opening)])
        assert found["closure_mbp"] == 0

    def test_a_still_mouth_has_no_correlation(self):
        act = opening_and_closing()
        found = sync_figures([Clip(act, np.full(FRAMES, 0.1, np.float32))])
        assert found["r"] is None and found["best_lag"] is None

    def test_lost_frames_do_not_count(self):
        act = opening_and_closing()
        gap = Clip(act, np.zeros(0)).opening.copy()
        gap[40:50] = np.nan
        assert correlation(gap, Clip(act, gap).opening) == pytest.approx(1)
        assert sync_figures([Clip(act, gap)])["lost_frames"] == 10

    def test_silence_is_away_from_every_phone(self):
        quiet = silent(opening_and_closing())
        assert quiet[:16].all() and not quiet[18:100].any()

    def test_the_report_and_the_picture_show_every_way(self, tmp_path):
        act = opening_and_closing()
        clips = [Clip(act, Clip(act, np.zeros(0)).opening)] * 2
        curves({"truth": clips, "rules, audio alone": clips}, tmp_path / "curves.png")
        assert (tmp_path / "curves.png").stat().st_size > 1000
        figures = sync_figures(clips)
        text = sync_markdown({"people": ["a"], "voices": {"truth": figures}, "real": {"x": figures},
                              "felt": {"rules": {"neutral": figures, "sad": figures}}})  # fmt: skip
        assert "| truth |" in text and "| rules | sad |" in text


def faces_of(gain: float, noise: float = 0.0, seed: int = 0) -> Faces:
    """Three people whose blendshapes and net say what is asked, as far as the gain goes."""
    rng = np.random.default_rng(seed)
    asked = np.array([[strengths_of(label, s) for s in STRENGTHS] for label in LABELS])
    basis = np.eye(6, 52) + 0.05 * np.random.default_rng(9).standard_normal((6, 52))
    scores = np.repeat((gain * asked @ basis)[None], 3, 0)
    scores = scores + noise * rng.standard_normal(scores.shape)
    net = np.full((*asked.shape[:2], 7), 0.02)
    for k, name in enumerate(EMOTIONS):
        net[..., FEELINGS.index(name)] += gain * asked[..., k]
    net = np.repeat((net / net.sum(-1, keepdims=True))[None], 3, 0)
    return Faces(scores, net, np.zeros((3, 52)), np.full((3, 7), 1 / 7))


class TestFeeling:
    def test_faces_that_show_what_was_asked_are_read(self):
        truth = faces_of(1.0)
        found = feeling_figures(truth, truth)
        for reader in ("net", "units"):
            assert found[reader]["accuracy"] == 1
            assert found[reader]["both_of_compounds"] == 1
        assert found["strengths"]["monotone"] == 1
        assert found["strengths"]["shown"]["1.0"] == pytest.approx(1)
        assert found["own_change"]["fearful"] == pytest.approx(1)

    def test_half_the_expression_is_half_the_strength(self):
        found = feeling_figures(faces_of(0.5), faces_of(1.0))
        assert found["strengths"]["shown"]["1.0"] == pytest.approx(0.5)

    def test_a_face_that_is_told_nothing_is_at_chance(self):
        still_face = faces_of(0.0)
        found = feeling_figures(still_face, faces_of(1.0))
        assert found["units"]["accuracy"] <= 0.2
        assert found["strengths"]["monotone"] == 0

    def test_wrong_feelings_are_confused(self):
        truth = faces_of(1.0)
        swapped = replace(truth, scores=truth.scores[:, [1, 0, *range(2, len(LABELS))]])
        found = feeling_figures(swapped, truth)["units"]
        assert found["by_feeling"]["happy"] == 0 and found["by_feeling"]["angry"] == 1
        assert found["confusion"][0][1] == 3

    def test_only_the_strongest_may_be_shown(self):
        truth = faces_of(1.0)
        full = Faces(truth.scores[:, :, -1:], truth.net[:, :, -1:], *(truth.neutral_scores,
                     truth.neutral_net))  # fmt: skip
        found = feeling_figures(full, full)
        assert found["units"]["accuracy"] == 1 and "strengths" not in found

    def test_reports_and_pictures(self, tmp_path):
        truth = faces_of(1.0)
        figures = feeling_figures(truth, truth)
        rows = {name: blendshape_rows(truth, truth, [str(k) for k in range(52)], name)
                for name in ("fearful", "disgusted")}  # fmt: skip
        held = {"truth": figures | {"blendshapes": rows}}
        confusions(held, tmp_path / "confusion.png")
        strength_curves(held, tmp_path / "strength.png")
        assert all(tmp_path.joinpath(f"{n}.png").exists() for n in ("confusion", "strength"))
        text = feeling_markdown({"people": ["a"], "held": held, "talking": {"truth": figures}})
        assert "## While talking" in text and len(COMPOUNDS) >= 6

    def test_unknown_labels_are_refused(self):
        with pytest.raises(KeyError):
            strengths_of("bored", 1.0)


class TestLife:
    def test_blinks_and_glances_are_counted(self):
        rigs = np.zeros((100, SIZE), np.float32)
        for at in (20, 60):
            for side in "LR":
                rigs[at : at + 4, INDEX[f"eyeBlink_{side}"]] = 1
        rigs[50:, GAZE_AT.start] = np.radians(5)
        assert np.flatnonzero(blinks(rigs)).tolist() == [20, 60]
        assert glances(rigs).sum() == 1

    def test_the_head_is_held_against_the_data(self):
        rng = np.random.default_rng(0)
        walk = np.zeros((MINUTE, SIZE), np.float32)
        walk[:, POSE_AT.start] = np.cumsum(rng.standard_normal(MINUTE)) * 0.002
        data = head_windows(walk)
        assert head_figures(walk, data)["speed"]["median_inside"]
        assert not head_figures(walk * 5, data)["speed"]["median_inside"]

    def test_jitter_drift_and_silence(self, surface):
        act = still("idle", 3 * MINUTE, CALM, Activity.IDLE)
        calm = np.zeros((act.frames, SIZE), np.float32)
        assert life_figures(Moves(act, calm, surface))["jitter"]["face_um"] == 0
        rng = np.random.default_rng(0)
        shaking = calm.copy()
        shaking[:, INDEX["mouthSmile_L"]] = 0.05 * rng.random(act.frames)
        shaking[:, INDEX["jawOpen"]] = np.linspace(0, 0.5, act.frames)
        found = life_figures(Moves(act, shaking, surface))
        assert found["jitter"]["face_um"] > 20
        assert found["drift"]["shape_slope"] > 0.05
        assert found["edges"] == {}

    def test_largest_steps_are_found_where_speech_begins(self, surface):
        act = opening_and_closing()
        moved = act.neutral * 0.2
        start = int(np.flatnonzero(act.spoken)[0])
        moved[start - 1, INDEX["jawOpen"]] = 0.9
        edge = life_figures(Moves(act, moved, surface))["edges"]
        assert edge["start_max"] > 2 * edge["inside_max"] and edge["speeches"] == 1

    def test_seams_that_jerk_are_told(self, surface):
        act = still("idle", 100, CALM, Activity.IDLE)
        rigs = np.zeros((100, SIZE), np.float32)
        rigs[:, INDEX["jawOpen"]] = 0.3 + 0.01 * ((np.arange(100) // 5) % 2)
        plans = range(0, 100, 5)
        assert seams(Moves(act, rigs, surface), plans)["ratio"] > 3
        assert seams(Moves(act, rigs, surface), [at + 2 for at in plans])["ratio"] < 0.1
        assert seams(Moves(act, rigs, surface), []) == {}


class _OwnEyes:
    """Judges with our own landmark net, in this process."""

    tools = Path()

    def __init__(self):
        self.films = 0

    def run(self, module, folders, *arguments):
        net = LandmarkNet(WEIGHTS)
        for file in Path(arguments[0]).glob("*.npy"):
            frames = np.load(file)
            points = np.stack([net.find(rgb)[0].points / len(rgb) for rgb in frames])
            count = len(frames)
            np.savez(file.with_suffix(".npz"), names=np.zeros(52, "U8"), points=points,
                     scores=np.zeros((count, 52)), turn=np.zeros((count, 3)),
                     feeling=np.zeros((count, 7)))  # fmt: skip
            self.films += 1


class TestFilms:
    def test_an_open_mouth_has_a_gap_and_is_read_once(self, tmp_path):
        judge = _OwnEyes()
        screening = Screening(Cast([load_portrait("mara")]), judge, tmp_path)
        rigs = np.stack([rig(), rig({"jawOpen": 0.6})])
        shown = Shown("mara", rigs, settled=True)
        (read,) = screening.read([shown])
        assert isinstance(read, Reading) and read.gap[1] > read.gap[0] + 0.1
        screening.read([shown, shown])
        assert judge.films == 1 and not list(tmp_path.glob("*.npy"))
        (one,) = screening.read([replace(shown, at=(1,))])
        assert one.gap == pytest.approx(read.gap[1:], abs=1e-3) and judge.films == 2

    def test_the_warp_engine_draws_its_own_motion(self):
        act = still("idle", 3, CALM, Activity.IDLE)
        cast = WarpCast([load_portrait("mara")], 128)
        pictures = list(cast.frames(Shown("mara", WarpRules().motion(act), at=(0, 2))))
        assert len(pictures) == 2 and pictures[0].shape == (128, 128, 3)

    def test_films_and_strips_are_written(self, tmp_path):
        take = next(take for take in TAKES if take.name == "listening_1")
        act = act_of(take, EmbeddedVoices())
        assert act.heard.any() and not act.pcm.any() and not act.phones
        portrait = load_portrait(take.who)
        marks = portrait.landmarks.points / len(portrait.rgb)
        cast = Cast([portrait], 128)
        pictures = list(cast.frames(Shown(take.who, np.zeros((7, SIZE), np.float32))))
        write_film(tmp_path / "a.mp4", pictures, act)
        write_strip(tmp_path / "a.png", pictures, marks)
        assert (tmp_path / "a.mp4").stat().st_size > 1000 and (tmp_path / "a.png").exists()

    def test_the_films_cover_what_is_asked(self):
        feelings = {take.feeling for take in TAKES}
        assert set(EMOTIONS) <= feelings and len(feelings & set(COMPOUNDS)) >= 2
        assert len({t.voice for t in TAKES if t.voice}) >= 3 and len({t.who for t in TAKES}) >= 5
        assert {Activity.IDLE, Activity.LISTENING} <= {take.activity for take in TAKES}
        assert len(TAKES) >= 20 and len({take.name for take in TAKES}) == len(TAKES)


def test_the_command_reports_a_short_life(tmp_path):
    asked = ["--out", str(tmp_path), "--sources", "rules", "--minutes", "0.2"]
    assert evaluate("life", asked) == 0
    found = json.loads((tmp_path / "life.json").read_text("utf-8"))
    assert found["rules"]["speed"]["ms_a_frame"] > 0
    assert found["still portrait"]["blinks_a_minute"]["all"] == 0
    assert "| rules |" in (tmp_path / "life.md").read_text("utf-8")


def test_tables_show_intervals_and_gaps():
    made = table(["a", "b"], [[{"mean": 0.5, "low": 0.4, "high": 0.6, "n": 3}, None]])
    assert made.splitlines()[2] == "| 0.500 [0.400, 0.600] | - |"
