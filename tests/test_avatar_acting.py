"""The acting with a reasoner made for the test: plans, re-plans, interruptions, feelings, time."""

from itertools import pairwise

import numpy as np
import pytest

from avatar.acting import EARLY, KEPT, LINGER, Actor, style_of
from avatar.phone_features import CLASSES, PAUSE, classes_of
from avatar.reasoner import CHUNK
from avatar.types import Activity
from emotion.types import EmotionState
from speech.types import FEATURE_RATE, PLAY_RATE, SpeechChunk
from tests.acting_fakes import FEELING, MOUTH, NODDING, WAITING, EasyReasoner, faculties
from tests.avatar_speech import split, spoken

NEUTRAL = EmotionState.neutral()
HAPPY = EmotionState.from_strengths({"happy": 1.0})
ANGRY = EmotionState.from_strengths({"angry": 0.8})
FRAME = 960
LARGEST = 0.55  # the fake's largest step, from nothing to a whole


def actor(seed: int = 1, reasoner: EasyReasoner | None = None) -> Actor:
    return Actor(faculties(reasoner), seed)


def tokens(acting: Actor, count: int) -> np.ndarray:
    """(count, D) of the next frames."""
    return np.stack([acting.step() for _ in range(count)])


def jumps(shown: np.ndarray) -> float:
    return float(np.abs(np.diff(shown, axis=0)).max())


def test_same_seed_same_acting_another_seed_another() -> None:
    def course(seed: int) -> np.ndarray:
        one = actor(seed)
        one.push(spoken("aa m aa", 20 * FRAME), HAPPY, Activity.SPEAKING)
        return tokens(one, 60)

    assert np.array_equal(course(1), course(1))
    assert not np.array_equal(course(1), course(2))
    assert np.array_equal(style_of(3), style_of(3)) and style_of(3).shape == (4,)


def test_it_plans_five_frames_at_a_time() -> None:
    mind = EasyReasoner()
    tokens(actor(reasoner=mind), 23)
    assert [frame for frame, _ in mind.asked] == [0, 5, 10, 15, 20]


def test_plans_do_not_depend_on_when_frames_are_asked_for() -> None:
    """Ahead in batches of five, or one by one while the same things happen at the same frames."""
    slow, quick = actor(), actor()
    chunk = spoken("aa m iy aa", 30 * FRAME)
    for one in (slow, quick):
        one.push(chunk, HAPPY, Activity.SPEAKING)
    assert np.array_equal(tokens(slow, 50), np.concatenate([tokens(quick, 5) for _ in range(10)]))


def test_speech_that_comes_now_moves_the_very_next_frame() -> None:
    one = actor()
    tokens(one, 7)  # in the middle of a plan
    one.push(spoken("aa aa aa aa", 7 * FRAME), NEUTRAL, Activity.SPEAKING)
    assert tokens(one, 1)[0, MOUTH] > 0.08
    assert one.speaks_until() == pytest.approx(7 / 25 + 0.36)


def test_speech_far_off_does_not_disturb_the_plan() -> None:
    mind = EasyReasoner()
    one = actor(reasoner=mind)
    tokens(one, 2)
    one.push(spoken("aa", 12 * FRAME), NEUTRAL, Activity.SPEAKING)
    tokens(one, 3)
    assert [frame for frame, _ in mind.asked] == [0]


def test_replanning_shows_no_seam() -> None:
    one = actor()
    shown = [tokens(one, 8)]
    for piece in split(spoken("aa m aa iy m aa ow aa", 8 * FRAME), 3000):
        one.push(piece, HAPPY, Activity.SPEAKING)
        shown.append(tokens(one, 3))
    one.feel(ANGRY)
    shown.append(tokens(one, 7))
    one.push(None, NEUTRAL, Activity.LISTENING)
    shown.append(tokens(one, 9))
    assert jumps(np.concatenate(shown)) < LARGEST


def test_replanning_goes_on_from_what_was_shown() -> None:
    mind = EasyReasoner()
    one = actor(reasoner=mind)
    before = tokens(one, 7)
    one.feel(HAPPY)
    one.step()
    assert mind.asked[-1][0] == 7
    assert np.array_equal(one._before.context[-7:], before)


def test_an_interruption_goes_on_from_what_was_seen_and_closes_the_mouth() -> None:
    """Ten frames were rendered ahead that nobody saw: they do not count."""
    one = actor()
    one.push(spoken("aa " * 40), NEUTRAL, Activity.SPEAKING)
    shown = tokens(one, 30)
    one.clear(20)
    one.push(None, NEUTRAL, Activity.LISTENING)
    assert one.frame == 20
    after = tokens(one, 4)
    assert np.abs(after[0] - shown[19]).max() < LARGEST
    assert after[-1, MOUTH] < 0.1 * shown[19, MOUTH]
    assert one.turn == 1 and one.speaks_until() == 0


def test_a_stream_that_begins_late_begins_at_rest() -> None:
    one = actor()
    one.clear(1000)
    assert one.frame == 1000
    assert np.abs(tokens(one, 3)).max() < 0.1


def test_frames_that_rest_on_a_slow_machine_keep_the_pace() -> None:
    def course(step: int) -> np.ndarray:
        one = actor()
        one.push(spoken("aa m " * 10, 4 * FRAME), HAPPY, Activity.SPEAKING)
        out = []
        for _ in range(60 // step):
            out.append(one.step())
            one.skip(step - 1)
        return np.stack(out)

    for step in (2, 3, 5):
        assert np.allclose(course(1)[::step], course(step)), step


def test_long_skips_cost_no_plans_and_the_face_is_up_to_date_after() -> None:
    mind = EasyReasoner()
    one = actor(reasoner=mind)
    one.push(spoken("aa " * 20, 0, turn=4), HAPPY, Activity.SPEAKING)
    before = tokens(one, 12)[-1]
    planned = len(mind.asked)
    for _ in range(500):
        one.skip(1)
    one.skip(1000)
    assert len(mind.asked) == planned
    after = one.step()
    assert one.frame == 1513 and one.turn == 4
    assert before[MOUTH] > 0.1 and after[MOUTH] < 0.1 * before[MOUTH]
    assert len(one._cues) <= 2 * KEPT


def test_on_a_very_slow_machine_feelings_still_come_in_time() -> None:
    one = actor()
    one.step()
    one.feel(HAPPY)
    for _ in range(3):  # three pictures in 1.2 s
        one.skip(9)
        shown = one.step()
    assert shown[FEELING.start] > 0.85


def test_speech_that_passed_unseen_is_not_listened_to() -> None:
    one = actor()
    for second in range(30):
        one.push(spoken("aa " * 10, second * 25 * FRAME), NEUTRAL, Activity.SPEAKING)
        one.skip(25)
    assert len(one._coming) <= 3
    assert one.step()[MOUTH] < 0.3


def test_feelings_come_before_the_words_and_fade() -> None:
    one = actor()
    one.push(spoken("aa " * 20, 30 * FRAME), HAPPY, Activity.SPEAKING)
    smile = tokens(one, 250)[:, FEELING.start]
    assert smile[:24].max() == 0 and smile[30] > 0.1 and smile[45] > 0.9
    assert smile[-1] < 0.05


def test_what_is_set_by_hand_shows_at_once_on_queued_speech_and_lets_go() -> None:
    one = actor()
    one.push(spoken("aa " * 60), ANGRY, Activity.SPEAKING)
    assert tokens(one, 33)[-1, FEELING.start] == 0
    one.feel(HAPPY)
    held = tokens(one, 10)
    assert held[1, FEELING.start] > 0.1
    assert held[-1, FEELING.start] > 0.85 and held[-1, FEELING.start + 2] < 0.15
    one.feel(None)
    assert tokens(one, 14)[-1, FEELING.start] < 0.15


def test_the_latent_is_the_clauses_own_where_it_fits() -> None:
    mind = EasyReasoner()
    one = actor(reasoner=mind)
    own = np.full((4, 64), 0.5, np.float32)
    read = EmotionState(HAPPY.weights, HAPPY.intensity, own)
    other = EmotionState(HAPPY.weights, HAPPY.intensity, np.ones((1, 384), np.float32))
    one.push(spoken("aa " * 10, 10 * FRAME), read, Activity.SPEAKING)
    one.push(spoken("aa " * 10, 40 * FRAME), other, Activity.SPEAKING)
    tokens(one, 65)
    latents = {frame: asked.latent for frame, asked in mind.asked}
    assert not latents[0].any(), "nothing is felt"
    assert np.array_equal(latents[15], own)
    assert latents[50][0, 0] == pytest.approx(1.0, abs=0.05), "of another width: by its strengths"


def test_activity_is_speaking_where_there_is_speech_and_rest_elsewhere() -> None:
    one = actor()
    one.push(None, NEUTRAL, Activity.THINKING)
    one.push(spoken("aa " * 8, 10 * FRAME), NEUTRAL, Activity.SPEAKING)
    done = tokens(one, 45)[:, WAITING] * 3
    assert done[9 - EARLY] == pytest.approx(Activity.THINKING, abs=0.05)
    assert done[25] == pytest.approx(Activity.SPEAKING, abs=0.05)
    assert done[28 + LINGER + 8] == pytest.approx(Activity.THINKING, abs=0.05)


def test_it_hears_the_user() -> None:
    one = actor()
    one.push(None, NEUTRAL, Activity.LISTENING)
    loud = np.full(FEATURE_RATE // 5, 0.5, np.float32)
    one.hear(loud, 10 * 640)
    nods = tokens(one, 30)[:, NODDING]
    assert nods[:10].max() == 0 and nods[14] > 0.4 and nods[-1] < 0.01


def test_phones_are_known_where_all_speech_has_them() -> None:
    mind = EasyReasoner()
    one = actor(reasoner=mind)
    one.push(spoken("m m m m", 10 * FRAME), NEUTRAL, Activity.SPEAKING)
    bare = SpeechChunk(2, np.full(9600, 0.2, np.float32), PLAY_RATE, 40 * FRAME)
    one.push(bare, NEUTRAL, Activity.SPEAKING)
    tokens(one, 80)
    known = {frame: asked.phones_known for frame, asked in mind.asked}
    assert known[0] and known[10] and not known[40] and not known[45] and known[65]
    seen = {frame: classes_of(asked.phones) for frame, asked in mind.asked}
    assert (seen[0][0] == PAUSE).all()
    assert CLASSES[seen[10][2, 6]][0] == "m"


def test_turn_follows_the_speech_that_sounds() -> None:
    one = actor()
    one.push(spoken("aa aa", FRAME * 3, turn=4), NEUTRAL, Activity.SPEAKING)
    one.push(spoken("aa aa", FRAME * 9, turn=5), NEUTRAL, Activity.SPEAKING)
    turns = []
    for _ in range(12):
        turns.append(one.turn)
        one.step()
    assert turns == [0] * 3 + [4] * 6 + [5] * 3


def test_blinks_in_progress_survive_a_new_plan() -> None:
    mind = EasyReasoner()
    one = actor(reasoner=mind)
    for frame in range(400):
        if frame % 7 == 3:
            one.feel(HAPPY if frame % 2 else None)
        one.step()
    phase = np.zeros(405)
    for frame, asked in mind.asked:
        phase[frame : frame + CHUNK] = asked.cues[:, 0]
    falls = [b - a for a, b in pairwise(phase[:400]) if a > 0.01]
    assert phase.any()
    assert np.allclose([f for f in falls if f < 0], -1 / 9, atol=1e-5)


def test_only_play_rate_is_spoken() -> None:
    chunk = SpeechChunk(1, np.zeros(10, np.float32), 16_000, 0)
    with pytest.raises(ValueError, match="24000"):
        actor().push(chunk, NEUTRAL, Activity.SPEAKING)
