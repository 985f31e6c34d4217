"""What the reasoner is told of phones: bins, windows, overlaps, the unknown."""

import numpy as np
import pytest

from avatar.phone_features import (
    AFTER,
    BEFORE,
    BIN,
    BINS,
    CLASS,
    CLASSES,
    CLOSED,
    LABIODENTAL,
    PAUSE,
    SEEN,
    UNKNOWN,
    WIDTH,
    classes_of,
    phone_at,
    phone_bins,
    phone_features,
)
from avatar.visemes import SHAPES, Phone
from speech.types import FEATURE_RATE, SAMPLES_PER_FRAME

FRAME = SAMPLES_PER_FRAME
WORD = [
    Phone("pau", 0, FRAME),
    Phone("m", FRAME, FRAME + 3 * BIN),
    Phone("aa", FRAME + 3 * BIN, 4 * FRAME),
    Phone("p", 4 * FRAME, 5 * FRAME),
]


def test_every_known_phone_has_one_class() -> None:
    symbols = [symbol for group in CLASSES for symbol in group]
    assert len(symbols) == len(set(symbols))
    assert set(SHAPES) <= set(symbols)
    assert {CLASS[s] for s in "mbp"} == {CLOSED} and {CLASS[s] for s in "fv"} == {LABIODENTAL}


def test_one_class_a_bin() -> None:
    out = phone_features(WORD, 0, 6)
    assert out.shape == (6, WIDTH) and out.dtype == np.float32
    hot = out.reshape(6, SEEN, len(CLASSES))
    np.testing.assert_array_equal(hot.sum(-1), 1)
    assert set(np.unique(out)) == {0, 1}


def test_a_frame_sees_its_neighbours() -> None:
    seen = classes_of(phone_features(WORD, 1, 1))[0]
    wanted = [CLASS["pau"]] * 4 + [CLOSED] * 3 + [CLASS["aa"]] * 9 + [CLOSED] * 4
    assert len(wanted) == SEEN == BINS * (BEFORE + 1 + AFTER)
    assert seen.tolist() == wanted


def test_where_it_begins_to_be_read_does_not_matter() -> None:
    whole = phone_features(WORD, -7, 20)
    for first in (-7, 0, 3):
        np.testing.assert_array_equal(phone_features(WORD, first, 5), whole[first + 7 : first + 12])
    moved = [Phone(p.symbol, p.start + 10 * FRAME, p.end + 10 * FRAME) for p in WORD]
    np.testing.assert_array_equal(phone_features(moved, 3, 20), whole)


def test_where_no_phone_is_there_is_silence() -> None:
    assert (classes_of(phone_features([], 100, 3)) == PAUSE).all()
    assert (classes_of(phone_features(WORD, 6, 3)) == PAUSE).all()
    assert phone_features(WORD, 0, 0).shape == (0, WIDTH)


def test_later_phones_win() -> None:
    late = Phone("f", FRAME + BIN, FRAME + 2 * BIN)
    bins = phone_bins([*WORD, late], BINS, BINS)
    assert bins.tolist() == [CLOSED, LABIODENTAL, CLOSED, CLASS["aa"]]


@pytest.mark.parametrize("phase", [0, 100, BIN // 2, BIN - 1])
def test_no_phone_of_a_bin_or_more_is_lost(phase: int) -> None:
    bins = phone_bins([Phone("b", 5 * BIN + phase, 6 * BIN + phase)], 0, 12)
    assert (bins == CLOSED).sum() == 1


def test_an_unknown_phone_is_a_schwa() -> None:
    assert (phone_bins([Phone("??", 0, BIN)], 0, 2) == [UNKNOWN, PAUSE]).all()
    assert CLASS["ax"] == UNKNOWN


def test_other_rates() -> None:
    assert phone_at(FEATURE_RATE, "m", 640, 1280) == Phone("m", 960, 1920)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        phone_features(WORD, 0, -1)
