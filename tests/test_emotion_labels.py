import pytest

from emotion.errors import MediaError
from emotion.labels import COMPOUNDS, known_labels, parse_labels, state_from_labels
from emotion.types import EMOTIONS


def test_mixture_keeps_strengths():
    state = parse_labels("happy:0.8,surprised:0.3")
    assert state.strengths() == pytest.approx([0.8, 0, 0, 0, 0, 0.3], abs=1e-6)


@pytest.mark.parametrize("label", [*COMPOUNDS])
def test_every_compound_shows_both_parts_equally(label):
    state = parse_labels(f"{label}:0.6")
    shown = {EMOTIONS[i] for i in state.strengths().nonzero()[0]}
    assert shown == set(COMPOUNDS[label])
    assert state.intensity == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("joy", "happy"), ("FEAR", "fearful"), (" Anger ", "angry"), ("happily_surprised", "happy")],
)
def test_synonyms_and_spelling(written, meant):
    assert parse_labels(written).strengths()[EMOTIONS.index(meant)] == 1.0


def test_neutral_is_no_feeling():
    assert parse_labels("neutral").dominant() == "neutral"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        " , ",
        "grumpyish",
        "happy:2",
        "happy:-1",
        "happy:nan",
        "neutral:7",
        "happy:much",
        "x" * 100_000,
    ],
)
def test_bad_labels_say_what_to_write(bad):
    with pytest.raises(MediaError) as caught:
        parse_labels(bad)
    assert "happy:0.8" in caught.value.remedy
    assert len(str(caught.value)) < 1_000


def test_unknown_label_lists_the_known_ones():
    with pytest.raises(MediaError) as caught:
        state_from_labels({"blissfulness": 1.0})
    assert all(name in caught.value.remedy for name in known_labels())
