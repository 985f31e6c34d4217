"""Speech, feeling and life together: closures hold, nothing jumps, clear is smooth."""

import numpy as np
import pytest

from avatar.motion import INDEX, PARAMS
from avatar.performer import MAX_STEP, Performer
from avatar.types import Activity
from emotion.types import EMOTIONS, EmotionState
from speech.types import SAMPLES_PER_FRAME
from tests.avatar_speech import split, spoken

NEUTRAL = EmotionState.neutral()
SENTENCE = "pau m ey b iy p iy p el m uw v f r ah m f ay v t uw pau w ey b ow m pau"


def motions(performer: Performer, count: int) -> np.ndarray:
    """(count, D) of the next frames."""
    return np.stack([performer.step() for _ in range(count)])


def part(motion: np.ndarray, name: str) -> np.ndarray:
    return motion[..., INDEX[name]]


def aperture(motion: np.ndarray) -> np.ndarray:
    """How far the lips are apart, as the renderer takes it."""
    return part(motion, "gap") * (1 - part(motion, "close"))


@pytest.mark.parametrize("name", [None, *EMOTIONS])
def test_lips_meet_on_every_m_b_p_in_every_mood(name: str | None) -> None:
    emotion = EmotionState.from_strengths({name: 1.0}) if name else NEUTRAL
    performer = Performer(3)
    chunk = spoken(SENTENCE, 960 * 10)
    performer.push(chunk, emotion, Activity.SPEAKING)
    closed = part(motions(performer, 80), "close") >= 1.0
    for phone in chunk.phones:
        if phone.symbol in "mbp":
            first = (chunk.start_sample + phone.start) // SAMPLES_PER_FRAME - 1
            last = (chunk.start_sample + phone.end) // SAMPLES_PER_FRAME
            assert closed[first : last + 1].any(), (phone, name)


def test_nothing_jumps_in_a_busy_minute() -> None:
    performer = Performer(11)
    rng = np.random.default_rng(0)
    seen = []
    for second in range(60):
        mood = EmotionState.from_strengths({str(rng.choice(EMOTIONS)): 1.0})
        activity = Activity(int(rng.integers(4)))
        if activity == Activity.SPEAKING:
            performer.push(spoken(SENTENCE, performer.frame * 960, second), mood, activity)
        else:
            performer.push(None, mood, activity)
        seen.append(motions(performer, 25))
        if second % 7 == 6:
            performer.clear(performer.frame + 3)
    steps = np.abs(np.diff(np.concatenate(seen), axis=0))
    assert (steps <= MAX_STEP + 1e-5).all()
    # Far slower than allowed where people are slow: the head.
    for name in ("yaw", "pitch", "roll"):
        assert part(steps, name).max() < 0.016


def test_clear_closes_the_mouth_within_three_frames() -> None:
    performer = Performer(0)
    scared = EmotionState.from_strengths({"surprised": 1.0})
    performer.push(spoken("aa " * 30), scared, Activity.SPEAKING)
    before = motions(performer, 20)
    assert aperture(before[-1]) > 0.3
    performer.clear(20)
    performer.push(None, scared, Activity.LISTENING)
    after = motions(performer, 3)
    assert aperture(after[-1]) < 0.02
    assert (np.abs(after[0] - before[-1]) <= MAX_STEP + 1e-5).all()
    assert performer.frame == 23


def test_speech_in_pieces_moves_the_lips_like_speech_at_once() -> None:
    chunk = spoken(SENTENCE, 960 * 5)
    whole, pieces = Performer(2), Performer(2)
    whole.push(chunk, NEUTRAL, Activity.SPEAKING)
    for piece in split(chunk, 4000):
        pieces.push(piece, NEUTRAL, Activity.SPEAKING)
    a, b = motions(whole, 70), motions(pieces, 70)
    assert np.abs(aperture(a) - aperture(b)).max() < 0.06


def test_late_pieces_are_still_spoken() -> None:
    performer = Performer(2)
    pieces = split(spoken("aa " * 20, 0), 6000)
    opened = []
    for piece in pieces:
        performer.push(piece, NEUTRAL, Activity.SPEAKING)
        opened.append(aperture(motions(performer, 6)).max())
    assert min(opened) > 0.2


def test_turn_follows_the_speech_that_sounds() -> None:
    performer = Performer(0)
    performer.push(spoken("aa aa", 960 * 3, turn=4), NEUTRAL, Activity.SPEAKING)
    performer.push(spoken("aa aa", 960 * 9, turn=5), NEUTRAL, Activity.SPEAKING)
    turns = []
    for _ in range(12):
        turns.append(performer.turn)
        performer.step()
    assert turns == [0] * 3 + [4] * 6 + [5] * 3


def test_head_and_brows_move_more_in_speech_than_in_silence() -> None:
    def spread(activity: Activity) -> float:
        performer = Performer(8)
        performer.push(None, NEUTRAL, activity)
        if activity == Activity.SPEAKING:
            words = " ".join(["aa m pau aa t"] * 40)
            performer.push(spoken(words), NEUTRAL, activity)
        moved = motions(performer, 400)
        return float(np.abs(np.diff(part(moved, "pitch"))).mean())

    assert spread(Activity.SPEAKING) > spread(Activity.IDLE)


def smiles(performer: Performer, count: int) -> np.ndarray:
    return part(motions(performer, count), "smile_l")


def test_a_feeling_starts_before_the_words_and_fades_after() -> None:
    performer = Performer(0)
    happy = EmotionState.from_strengths({"happy": 1.0})
    performer.push(spoken("pau " * 30, 30 * 960), happy, Activity.SPEAKING)
    last = performer.speaks_until() * 25
    smile = smiles(performer, int(last) + 150)
    assert smile[:24].max() < 0.02
    assert smile[30] > 0.1 and smile[45] > 0.6
    assert smile[-1] < 0.05
    assert np.abs(np.diff(smile)).max() < 0.2


def test_a_feeling_set_by_hand_shows_at_once_and_lets_go() -> None:
    performer = Performer(0)
    angry = EmotionState.from_strengths({"angry": 1.0})
    performer.push(spoken("aa " * 60, 0), angry, Activity.SPEAKING)
    assert smiles(performer, 30)[-1] < 0.05
    performer.feel(EmotionState.from_strengths({"happy": 1.0}))
    assert smiles(performer, 12)[-1] > 0.4
    performer.feel(None)
    assert smiles(performer, 25)[-1] < 0.1


def test_the_mood_at_rest_holds_until_told_otherwise() -> None:
    performer = Performer(0)
    performer.push(None, EmotionState.from_strengths({"sad": 0.6}), Activity.IDLE)
    assert part(motions(performer, 400), "frown")[-1] > 0.4


def test_motion_has_every_parameter() -> None:
    assert Performer(0).step().shape == (len(PARAMS),)
