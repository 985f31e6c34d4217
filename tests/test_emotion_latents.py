import numpy as np
import pytest

from emotion.action_units import UNITS, unit_vector
from emotion.embedding import MiniLM
from emotion.errors import ConfigError, MediaError
from emotion.latent_space import ROWS, WIDTH, LatentSpace, load_space
from emotion.latents import EmotionToLatents, label_latents
from emotion.packing import pack, unpack
from emotion.protocols import EmotionAppraiser
from emotion.types import EMOTIONS, EmotionState

RATE = 16_000


@pytest.fixture(scope="module")
def appraiser() -> EmotionToLatents:
    return EmotionToLatents(MiniLM())


@pytest.fixture(scope="module")
def space() -> LatentSpace:
    return load_space()


def strengths(**values: float) -> np.ndarray:
    return np.array([values.get(name, 0.0) for name in EMOTIONS], np.float32)


def voice(hertz: float, swing: float, level: float) -> np.ndarray:
    """Two seconds of a buzz whose pitch swings by `swing` octaves."""
    t = np.arange(2 * RATE) / RATE
    contour = hertz * 2 ** (swing * np.sin(2 * np.pi * 1.5 * t))
    phase = 2 * np.pi * np.cumsum(contour) / RATE
    loud = level * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))
    return (loud * (np.sin(phase) + 0.5 * np.sin(2 * phase))).astype(np.float32)


def test_is_an_appraiser(appraiser):
    given: EmotionAppraiser = appraiser
    assert given.appraise(text="Hello.").latent.shape == (ROWS, WIDTH)


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("quietly amused, a little surprised", "happy"),
        ("calm, attentive", "neutral"),
        ("warm", "happy"),
        ("deeply sad", "sad"),
        ("I got the job!", "happy"),
        ("My dog died yesterday.", "sad"),
        ("I am furious with him!", "angry"),
        ("There is a stranger in my house and I am so scared.", "fearful"),
        ("That is disgusting", "disgusted"),
        ("Wow, I did not expect that at all!", "surprised"),
        ("The meeting is at three.", "neutral"),
    ],
)
def test_text(appraiser, text, emotion):
    state = appraiser.appraise(text)
    assert (state.dominant() if state.intensity >= 0.15 else "neutral") == emotion


def test_degree_words_move_the_intensity(appraiser):
    ladder = ["I am slightly sad.", "I am sad.", "I am extremely sad."]
    felt = [appraiser.appraise(text).intensity for text in ladder]
    assert felt[0] + 0.1 < felt[1] < felt[2]


def test_denied_happiness_is_not_happy(appraiser):
    assert appraiser.appraise("I am not happy at all.").dominant() != "happy"
    assert appraiser.appraise("I am happy.").dominant() == "happy"


@pytest.mark.parametrize("labels", [{"happy": 0.7, "surprised": 0.3}, {"sadly angry": 0.5}])
def test_labels_set_the_weights_exactly(appraiser, labels):
    state = appraiser.appraise("I am so scared", labels=labels)
    alone = appraiser.appraise(labels=labels)
    assert np.array_equal(state.weights, alone.weights)
    assert float(state.intensity) == pytest.approx(max(labels.values()))
    assert np.array_equal(state.latent, alone.latent)


def test_any_subset_of_inputs_gives_a_latent(appraiser):
    given = {
        "text": "I am so glad you came!",
        "audio": voice(180, 0.5, 0.3),
        "labels": {"happy": 0.8},
        "action_units": {"AU6": 0.8, "AU12": 0.9},
    }
    for chosen in range(1, 16):
        part = {name: v for i, (name, v) in enumerate(given.items()) if chosen >> i & 1}
        state = appraiser.appraise(**part)
        assert state.latent.shape == (ROWS, WIDTH) and state.latent.dtype == np.float32
        assert np.isfinite(state.latent).all() and 0 <= state.intensity <= 1
        if set(part) != {"audio"}:
            assert state.dominant() == "happy"


@pytest.mark.parametrize(
    ("units", "emotion"),
    [
        ({"AU6": 0.6, "AU12": 0.8}, "happy"),
        ({"AU1": 0.7, "AU4": 0.7, "AU15": 0.7}, "sad"),
        ({"AU4": 0.8, "AU5": 0.8, "AU7": 0.8, "AU23": 0.8}, "angry"),
        ({"AU9": 0.9, "AU15": 0.9, "AU16": 0.9}, "disgusted"),
        ({"AU1": 0.8, "AU2": 0.8, "AU5": 0.8, "AU26": 0.8}, "surprised"),
        ({"AU45": 1.0}, "neutral"),
    ],
)
def test_action_units_and_their_latent_agree(appraiser, space, units, emotion):
    state = appraiser.appraise(action_units=units)
    assert state.dominant() == emotion
    said = space.meaning(state.latent)
    if emotion == "neutral":
        assert said.neutral > 0.8
    else:
        assert EMOTIONS[int(said.strengths.argmax())] == emotion


def test_a_voice_alone_is_never_read_strongly(appraiser):
    for hertz, swing, level in ((110, 0.05, 0.05), (180, 0.6, 0.4), (240, 1.0, 0.5)):
        assert appraiser.appraise(audio=voice(hertz, swing, level)).intensity <= 0.35


def test_a_lively_voice_strengthens_the_words(appraiser):
    lively = voice(180, 0.6, 0.4)
    spoken, written = appraiser.appraise("I am sad", audio=lively), appraiser.appraise("I am sad")
    assert spoken.dominant() == "sad" and spoken.intensity > written.intensity
    assert not np.array_equal(spoken.latent, written.latent)


@pytest.mark.parametrize("samples", [1, 100, RATE])
def test_silence_is_neutral(appraiser, samples):
    state = appraiser.appraise(audio=np.zeros(samples, np.float32))
    assert state.dominant() == "neutral" and state.latent.shape == (ROWS, WIDTH)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"audio": np.zeros(0, np.float32)},
        {"audio": np.zeros((2, 100), np.float32)},
        {"audio": np.array([np.nan], np.float32)},
        {"labels": {"hangry": 1.0}},
        {"action_units": {"smile": 1.0}},
        {"action_units": {"AU12": 3.0}},
    ],
)
def test_unreadable_input_is_named(appraiser, given):
    with pytest.raises(MediaError):
        appraiser.appraise(**given)


@pytest.mark.parametrize(
    "text", ["", "   ", "x" * 100_000, "<script>", "\0", "🏳️‍🌈" * 500, "\udcff"]
)
def test_any_text_gives_a_state(appraiser, text):
    state = appraiser.appraise(text)
    assert 0 <= state.intensity <= 1 and np.isfinite(state.latent).all()


def test_reading_ahead_changes_no_result():
    texts = ["I am so happy today", "What a long, odd day it was for all of us.", "The train left."]
    alone, together = EmotionToLatents(MiniLM()), EmotionToLatents(MiniLM())
    together.read_ahead(texts)
    for text in texts:
        one, other = alone.appraise(text=text), together.appraise(text=text)
        assert np.allclose(one.strengths(), other.strengths(), atol=1e-2)
        assert np.allclose(one.latent, other.latent, atol=5e-2)


def test_words_that_moved_the_reading_are_measured(appraiser):
    text = "The bus was late and I am furious about it."
    first = appraiser.explain(text)[0]
    assert (first.text, first.emotion) == ("furious", "angry")
    whole = appraiser.appraise(text).strengths()[EMOTIONS.index("angry")]
    without = appraiser.appraise(text.replace("furious", "")).strengths()
    assert first.change == pytest.approx(whole - without[EMOTIONS.index("angry")], abs=0.02)
    assert appraiser.explain("") == ()


def test_labels_are_read_out_of_their_latents(space):
    rng = np.random.default_rng(3)
    felt = rng.uniform(0, 1, (200, 6)).astype(np.float32) * (rng.random((200, 6)) < 0.3)
    said = np.stack([space.meaning(latent).strengths for latent in label_latents(felt, space)])
    assert np.abs(said - felt).mean() < 0.02
    assert space.meaning(label_latents(felt[:1] * 0, space)[0]).neutral > 0.95


def test_the_mean_of_two_latents_says_the_mean(space):
    one, other = strengths(happy=0.8), strengths(surprised=0.6)
    latents = space.label_latents(np.stack([one, other]))
    said = space.meaning(latents.mean(0)).strengths
    assert np.abs(said - (one + other) / 2).max() < 0.12


def test_like_feelings_lie_closer(space):
    rows = np.stack([strengths(sad=0.9), strengths(sad=0.6), strengths(happy=0.9)])
    a, b, c = space.label_latents(rows).reshape(3, -1)
    assert np.linalg.norm(a - b) < 0.6 * np.linalg.norm(a - c)


def test_numpy_and_torch_agree(space):
    import torch

    from emotion.latent_net import load_latent_net

    net = load_latent_net()
    felt = np.random.default_rng(0).uniform(0, 1, (16, 6)).astype(np.float32)
    shown = np.random.default_rng(1).uniform(0, 1, (16, len(UNITS))).astype(np.float32)
    with torch.inference_mode():
        labelled = net.label_latents(torch.from_numpy(felt)).numpy()
        seen = net.unit_latents(torch.from_numpy(shown)).numpy()
        said = net.read_out(torch.from_numpy(labelled)).sigmoid().numpy()
    assert np.abs(space.label_latents(felt) - labelled).max() < 1e-4
    assert np.abs(space.unit_latents(shown) - seen).max() < 1e-4
    assert np.abs(space.meaning(labelled[0]).strengths - said[0, :6]).max() < 1e-4


def test_units_have_their_places():
    vector = unit_vector({"AU12": 0.7, "6": 0.2, "AU45": 1.0})
    assert vector[UNITS.index(12)] == pytest.approx(0.7)
    assert vector[UNITS.index(6)] == pytest.approx(0.2)
    assert vector.sum() == pytest.approx(0.9)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(ConfigError, match="train emotion"):
        load_space(tmp_path / "none.safetensors")


def test_packing_keeps_small_differences():
    rng = np.random.default_rng(0)
    start = {"a": rng.normal(0, 1, (8, 32)).astype(np.float32)}
    trained = {"a": start["a"] + rng.normal(0, 0.01, (8, 32)).astype(np.float32),
               "b": rng.normal(0, 1, 5).astype(np.float32)}  # fmt: skip
    stored = pack(trained, start)
    assert stored["a.delta"].dtype == np.int8
    again = unpack(stored, start)
    assert np.abs(again["a"] - trained["a"]).max() < 3e-4
    assert np.abs(again["b"] - trained["b"]).max() < 2e-3


def test_shipped_weights_are_small():
    from emotion.weight_files import WEIGHTS

    sizes = [path.stat().st_size for path in WEIGHTS.glob("*.safetensors")]
    assert len(sizes) == 3 and sum(sizes) <= 8_000_000


def test_neutral_state_has_a_neutral_latent(appraiser, space):
    state = appraiser.appraise(labels={"neutral": 1.0})
    assert np.array_equal(state.weights, EmotionState.neutral().weights)
    assert space.meaning(state.latent).neutral > 0.95
