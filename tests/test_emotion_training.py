import numpy as np
import pytest
import torch

from emotion.embedding import MiniLM
from emotion.latent_net import load_latent_net
from emotion.text_net import CLASSES, LOWER
from emotion.training.cache import open_cache
from emotion.training.corpus import SPLITS, read_corpus
from emotion.training.export import calibrate
from emotion.training.hard import HardCase, faults, hard_cases
from emotion.training.measures import best_thresholds, calibration_error, confusion, macro_f1
from emotion.training.space_data import Sampler
from emotion.training.templates import Templates, grams
from emotion.training.text import Material, TextConfig, begin, predict, train_text
from emotion.types import EMOTIONS, EmotionState


def test_sixty_hard_cases_of_seven_kinds():
    cases = hard_cases()
    assert len(cases) == 60 and len({case.text for case in cases}) == 60
    assert len({case.kind for case in cases}) == 7
    for case in cases:
        assert set(case.dominant) <= {*EMOTIONS, "neutral"}
        assert {*case.shows, *case.hides} <= set(EMOTIONS)


def test_faults_are_found():
    case = HardCase("x", "mixed", ("happy",), shows=("sad",), hides=("angry",), above=0.5)
    good = EmotionState.from_strengths({"happy": 0.8, "sad": 0.3})
    bad = EmotionState.from_strengths({"angry": 0.3})
    assert faults(case, lambda _: good) == []
    assert len(faults(case, lambda _: bad)) == 4
    assert "reads neutral" in faults(case, lambda _: EmotionState.neutral())
    louder = HardCase("loud", "intensity", ("happy",), stronger=("soft",))
    assert faults(louder, lambda _: good) and not faults(
        louder, lambda t: EmotionState.from_strengths({"happy": 0.9 if t == "loud" else 0.4})
    )


def test_hard_cases_are_never_practised():
    banned = {gram for case in hard_cases() for gram in grams(case.text)}
    practised = Templates(5).draw(14_000)
    assert len(practised) == 14_000
    assert all(banned.isdisjoint(grams(one.text)) for one in practised)


def test_practice_is_seeded_and_in_range():
    one, again = Templates(7).draw(300), Templates(7).draw(300)
    assert one == again and one != Templates(8).draw(300)
    assert {p.kind for p in one} >= {"felt", "negation", "mixed", "emoji", "irony", "foreign"}
    for practice in one:
        assert all(0 <= value <= 1 for value in practice.strengths.values())
        assert 0 <= practice.neutral <= 1 and practice.text


def test_degree_words_order_practice():
    felt = {p.text: p.strengths for p in Templates(3).draw(6_000) if p.kind == "felt"}
    slightly = [max(s.values()) for text, s in felt.items() if "slightly" in text.lower()]
    utterly = [max(s.values()) for text, s in felt.items() if "utterly" in text.lower()]
    assert max(slightly) <= 0.45 < min(utterly)


def test_f1_and_thresholds():
    true = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    assert macro_f1(true, true) == 1
    assert macro_f1(~true, true) == 0
    rng = np.random.default_rng(0)
    labels = rng.random((4000, 1)) < 0.2
    chance = np.clip(0.25 * labels + rng.uniform(0, 0.3, (4000, 1)), 0, 1)
    assert 0.2 < best_thresholds(chance, labels)[0] < 0.32


def test_confusion_counts_any_fitting_label_as_right():
    true = np.array([[1, 1, 0], [0, 0, 1], [0, 1, 0]], bool)
    table = confusion(np.array([1, 0, 1]), true)
    assert table.tolist() == [[0, 0, 0], [0, 2, 0], [1, 0, 0]]


def test_calibration_mends_overconfidence():
    rng = np.random.default_rng(1)
    chance = rng.uniform(0.02, 0.98, (5000, 7))
    true = (rng.random((5000, 7)) < chance).astype(np.float32)
    logits = (3 * np.log(chance / (1 - chance)) + 1).astype(np.float32)
    found = calibrate(logits, true)
    before = calibration_error(1 / (1 + np.exp(-logits)), true > 0)
    after = calibration_error(found.chance(logits), true > 0)
    assert before > 0.1 and after < 0.02
    assert found.gain == pytest.approx(np.full(7, 1 / 3), abs=0.05)


def test_units_show_what_is_felt():
    sampler = Sampler(torch.Generator().manual_seed(0))
    felt = sampler.strengths(500)
    units = sampler.units(felt)
    assert felt.min() >= 0 and felt.max() <= 1 and units.min() >= 0 and units.max() <= 1
    nothing = felt.amax(1) == 0
    assert 20 < int(nothing.sum()) < 120
    assert units[nothing].amax() <= 0.4 < units[felt.amax(1) > 0.7].amax(1).median()


@pytest.fixture(scope="module")
def small_corpus(tmp_path_factory):
    """A corpus in the form of GoEmotions: four texts a class, in every split."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = [f"text number {i} of {i % 7}\t{i % 7}\tid{i}" for i in range(28)]
    for split in ("train", "dev", "test"):
        (folder / f"ekman_{split}.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    return read_corpus(folder, practice=60, seed=1)


def test_corpus_has_all_splits(small_corpus):
    counts = np.bincount(small_corpus.split, minlength=len(SPLITS))
    assert counts.tolist() == [28, 28, 28, 55, 5]
    assert small_corpus.presence.shape == (144, len(CLASSES))
    angry = small_corpus.presence[0]
    assert angry.tolist() == [0, 0, 1, 0, 0, 0, 0]


def test_training_resumes_where_it_stopped(small_corpus, tmp_path):
    cache = open_cache(tmp_path / "cache", small_corpus)
    hidden, mask = cache.batch(np.array([0, 30]))
    direct, whole = MiniLM().hidden([small_corpus.texts[0], small_corpus.texts[30]], LOWER)
    assert torch.allclose(hidden[mask], direct[whole], atol=2e-2)
    config = TextConfig(batch=8, epochs=2, layers=1, practice=60)
    material = Material(small_corpus, cache, load_latent_net())
    run = begin(config, None)
    assert train_text(run, material, config, tmp_path, minutes=5)
    steps = run.step
    again = begin(config, tmp_path / "text_checkpoint.pt")
    assert again.step == steps and again.seconds > 0
    rows = np.arange(8)
    one, other = (predict(r.average, material, rows, True).presence for r in (run, again))
    assert torch.allclose(one, other)
    assert (tmp_path / "text_log.csv").read_text().startswith("step,seconds,dev_f1_half")
