"""The default avatar as a session uses it: a gallery portrait that speaks, feels and obeys."""

from itertools import pairwise

import numpy as np
import pytest

from avatar.portraits import gallery, load_portrait
from avatar.rig import rig
from avatar.semo.avatar import SemoAvatar, SemoStream
from avatar.types import Activity, Portrait
from emotion.errors import PortraitError
from emotion.types import EmotionState
from tests.avatar_speech import spoken

SIZE = 192
NEUTRAL = EmotionState.neutral()


@pytest.fixture(scope="module")
def avatar() -> SemoAvatar:
    return SemoAvatar()


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return load_portrait(gallery()[0].name)


@pytest.fixture
def stream(avatar: SemoAvatar, portrait: Portrait) -> SemoStream:
    return avatar.open(portrait, SIZE, seed=3)


def pictures(stream: SemoStream, count: int) -> list[np.ndarray]:
    return [frame.rgb for frame in stream.frames(count)]


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def lower(picture: np.ndarray) -> np.ndarray:
    """The mouth's third of a gallery portrait."""
    return picture[SIZE // 2 : 3 * SIZE // 4, SIZE // 3 : 2 * SIZE // 3]


def test_frames_are_numbered_and_sized(stream: SemoStream) -> None:
    frames = list(stream.frames(3))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert all(f.rgb.shape == (SIZE, SIZE, 3) and f.rgb.dtype == np.uint8 for f in frames)


def test_same_seed_same_life_and_another_seed_another(
    avatar: SemoAvatar, portrait: Portrait
) -> None:
    first, again, other = (pictures(avatar.open(portrait, SIZE, seed), 30) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_speech_moves_the_mouth_more_than_rest_does(avatar: SemoAvatar, portrait: Portrait) -> None:
    resting, speaking = avatar.open(portrait, SIZE, 5), avatar.open(portrait, SIZE, 5)
    speaking.push(spoken("aa m aa m iy aa"), NEUTRAL, Activity.SPEAKING)
    calm = [lower(p) for p in pictures(resting, 12)]
    lively = [lower(p) for p in pictures(speaking, 12)]
    moved = np.mean([difference(a, b) for a, b in pairwise(lively)])
    still = np.mean([difference(a, b) for a, b in pairwise(calm)])
    assert moved > 3 * still


def test_feelings_show_and_differ(avatar: SemoAvatar, portrait: Portrait) -> None:
    shown = []
    for name in ("happy", "sad", "surprised"):
        stream = avatar.open(portrait, SIZE, 5)
        stream.push(None, EmotionState.from_strengths({name: 1.0}), Activity.IDLE)
        shown.append(pictures(stream, 30)[-1])
    assert min(difference(a, b) for a, b in ((shown[0], shown[1]), (shown[1], shown[2]))) > 0.5


def test_a_hand_moves_the_face_and_lets_go(avatar: SemoAvatar, portrait: Portrait) -> None:
    free, held = avatar.open(portrait, SIZE, 5), avatar.open(portrait, SIZE, 5)
    held.adjust(rig({"jawOpen": 0.6}))
    plain, opened = pictures(free, 6)[-1], pictures(held, 6)[-1]
    assert difference(lower(opened), lower(plain)) > 2
    held.adjust(rig())
    plain, closed = pictures(free, 100)[-1], pictures(held, 100)[-1]
    assert difference(lower(closed), lower(plain)) < 0.2


def test_interruption_goes_on_from_the_asked_frame(stream: SemoStream) -> None:
    stream.push(spoken("aa aa aa aa"), NEUTRAL, Activity.SPEAKING)
    before = pictures(stream, 4)[-1]
    stream.clear(40)
    after = next(iter(stream.frames(1)))
    assert after.index == 40
    assert difference(after.rgb, before) < 6  # no jump


def test_frames_passed_over_keep_the_pace(avatar: SemoAvatar, portrait: Portrait) -> None:
    watched, skipped = avatar.open(portrait, SIZE, 5), avatar.open(portrait, SIZE, 5)
    expected = pictures(watched, 9)
    pictures(skipped, 1)
    skipped.skip(2)
    # A frame may be shown again where less than a quarter of a pixel moved.
    assert difference(pictures(skipped, 1)[0], expected[3]) < 0.5
    skipped.skip(4)
    assert difference(pictures(skipped, 1)[0], expected[8]) < 0.5


def test_long_skips_are_quick_and_lead_to_no_jump(avatar: SemoAvatar, portrait: Portrait) -> None:
    stream = avatar.open(portrait, SIZE, 5)
    before = pictures(stream, 3)[-1]
    stream.skip(100_000)
    after = next(iter(stream.frames(1)))
    assert after.index == 100_003
    assert difference(after.rgb, before) < 6


def test_a_feeling_set_by_hand_shows_on_queued_speech(
    avatar: SemoAvatar, portrait: Portrait
) -> None:
    shown = []
    for held in (None, EmotionState.from_strengths({"angry": 1.0})):
        stream = avatar.open(portrait, SIZE, 5)
        stream.push(spoken("aa m iy aa " * 5), NEUTRAL, Activity.SPEAKING)
        pictures(stream, 3)
        stream.feel(held)
        shown.append(pictures(stream, 12)[-1])
    assert difference(*shown) > 1


def test_it_hears_the_user(avatar: SemoAvatar, portrait: Portrait) -> None:
    voice = (0.3 * np.sin(np.arange(32_000) * 0.05)).astype(np.float32)
    voice *= (np.arange(32_000) // 4_000 % 2).astype(np.float32)
    shown = []
    for heard in (voice, voice * 0):
        stream = avatar.open(portrait, SIZE, 5)
        stream.push(None, NEUTRAL, Activity.LISTENING)
        stream.hear(heard, 0)
        shown.append(pictures(stream, 45)[-1])
    assert difference(*shown) > 0.02


def test_sizes_out_of_range_are_refused(avatar: SemoAvatar, portrait: Portrait) -> None:
    for size in (0, 63, 5000):
        with pytest.raises(PortraitError, match="cannot be drawn"):
            avatar.open(portrait, size, 0)
