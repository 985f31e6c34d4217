"""Takes: what they hold, that lips keep their contacts, that feelings show as they are told."""

from pathlib import Path

import numpy as np
import pytest

from avatar.life import HEAD_CUE
from avatar.rig import INDEX, SIZE
from avatar.training.performance.config import Settings
from avatar.training.performance.envelope import Felt, Flash, envelope
from avatar.training.performance.felt import felt_rig, lopsided, shown
from avatar.training.performance.mouth import Mouth, mouth_of
from avatar.training.performance.noise import Rng
from avatar.training.performance.produce import Troupe, produce, take_of
from avatar.training.performance.script import Beat, Playwright
from avatar.training.performance.speech import MadeVoice, Others, Utterance
from avatar.training.performance.take import Take, cues_of, load_take, perform
from avatar.training.performance.texts import Texts, is_held, read_texts
from avatar.training.performance.timeline import Timeline
from avatar.training.performance.voices import HELD_VARIANTS, Speakers, cast_of, known_variants
from avatar.training.recipes import (
    COMPOUND_SHARE,
    COMPOUNDS,
    LID_EFFECT,
    LID_OPENING,
    feeling,
    lip_opening,
)
from avatar.types import Activity
from emotion.errors import MediaError
from emotion.types import EMOTIONS
from speech.types import FPS

LINES = (
    "That is the best thing I have ever seen!\t3\ta",
    "Bob, leave my vivid map behind the big door.\t0\tb",
    "We will pump five buckets of fresh water.\t4\tc",
    "I am so afraid of the dark room, please stay.\t2\td",
    "My puppy is gone and I miss him very much.\t5\te",
    "What a vile and filthy bathroom that was!\t1\tf",
    "Wow, I never believed that this could happen?\t6\tg",
    "People usually buy bread before they leave.\t4\th",
    "The meeting begins at nine in the morning.\t4\tj",
    "Most trains leave from the second platform.\t4\tk",
    "The library is closed on the first Monday.\t4\tl",
    "[NAME] moved the table from the middle.\t4,6\ti",
)
VOICE = "espeak/en-us+f3@1.00,1.00"
SPOKEN = "Bob, leave my vivid map behind the big door. We pump five buckets of fresh water."


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "texts.tsv"
    path.write_text("\n".join(LINES))
    return path


@pytest.fixture(scope="module")
def troupe(table: Path) -> Troupe:
    texts = read_texts(table, held=False, one_of=1_000_003)
    speakers = Speakers()

    def voice(rng: Rng) -> MadeVoice:
        return MadeVoice(speakers, VOICE)

    return Troupe("train", Playwright(Settings(), texts), voice, Others(voice, (), 0.0))


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(seconds=(20.0, 24.0), neutral_takes=0.0)


@pytest.fixture(scope="module")
def take(settings: Settings, troupe: Troupe) -> Take:
    return take_of(settings, troupe, 3)


@pytest.fixture(scope="module")
def said() -> Utterance:
    spoken = MadeVoice(Speakers(), VOICE).say(np.random.default_rng(0), SPOKEN, {})
    assert spoken is not None
    return spoken


@pytest.fixture(scope="module")
def mouth(said: Utterance) -> Mouth:
    return mouth_of([said.chunk(960 * 10)], len(said.pcm) // 960 + 20, 0.0)


def mixtures() -> list[tuple[str, np.ndarray]]:
    alone = [(name, np.eye(6, dtype=np.float32)[at]) for at, name in enumerate(EMOTIONS)]
    return alone + [(name, sum(dict(alone)[part] for part in COMPOUNDS[name]))
                    for name in COMPOUNDS]  # fmt: skip


def test_a_take_is_whole(take: Take) -> None:
    frames = len(take.activity)
    assert 20 * FPS <= frames <= 40 * FPS
    assert len(take.pcm) == len(take.heard) == frames * 640
    assert take.neutral.shape == take.rig.shape == (frames, SIZE)
    assert take.emotion.shape == (frames, 6) and take.cues.shape == (frames, 9)
    assert take.style.shape == (4,) and take.phone_times.shape == (len(take.phones), 2)
    assert np.isfinite(take.rig.astype(np.float32)).all()
    assert (np.diff(take.phone_times[:, 0]) >= 0).all()
    assert {int(Activity.SPEAKING)} < set(take.activity.tolist())


def test_sound_is_where_somebody_speaks(take: Take) -> None:
    loud = np.abs(take.pcm.reshape(-1, 640)).max(1) > 300
    assert loud[take.activity == Activity.SPEAKING].mean() > 0.5
    assert not loud[take.activity == Activity.LISTENING].any()


def test_the_same_number_is_the_same_take(settings: Settings, troupe: Troupe, take: Take) -> None:
    again, other = take_of(settings, troupe, 3), take_of(settings, troupe, 4)
    assert all(
        np.array_equal(getattr(take, name), getattr(again, name))
        for name in Take.__dataclass_fields__
    )
    assert take.clauses != other.clauses


def test_production_goes_on_where_it_was(
    settings: Settings, troupe: Troupe, tmp_path: Path
) -> None:
    count, seconds = produce(settings, troupe, tmp_path, range(0, 10, 2), 30.0)
    files = sorted((tmp_path / "train").iterdir())
    assert [path.name for path in files] == ["00000.npz", "00002.npz"][:count] and seconds >= 30
    before = [path.stat().st_mtime_ns for path in files]
    assert produce(settings, troupe, tmp_path, range(0, 10, 2), 30.0) == (count, seconds)
    assert [path.stat().st_mtime_ns for path in files] == before
    loaded = load_take(files[0])
    assert np.array_equal(loaded.rig, take_of(settings, troupe, 0).rig)


@pytest.mark.parametrize(("name", "strengths"), mixtures())
def test_lips_keep_their_contacts_under_every_feeling(
    said: Utterance, mouth: Mouth, name: str, strengths: np.ndarray
) -> None:
    felt = np.broadcast_to(felt_rig(strengths), mouth.rig.shape)
    rig = shown(mouth.rig, felt, mouth.speaking, mouth.contact)
    opening, words = lip_opening(rig), lip_opening(mouth.rig)
    closures = bites = 0
    for phone in said.phones:
        middle = 10 + (phone.start + phone.end) // 2 // 960
        near = slice(middle - 2, middle + 3)
        if phone.symbol in "mbp":
            closures += 1
            assert opening[near].min() <= 0
        elif phone.symbol in "fv":
            bites += 1
            at = middle - 2 + int(mouth.contact[near].argmax())
            assert abs(opening[at] - words[at]) < 0.12  # cm
            assert rig[at, INDEX["mouthRollLower"]] > 0.35
    assert closures >= 8 and bites >= 6
    speaking = mouth.speaking > 0.9
    assert np.corrcoef(opening[speaking], words[speaking])[0, 1] > 0.95


def test_closed_lips_are_closed_on_the_surface_too(said: Utterance, mouth: Mouth) -> None:
    from avatar.semo.loading import load_surface
    from avatar.semo.neutral import FaceAtLandmarks

    surface = load_surface()
    face = FaceAtLandmarks(surface, surface.rest(np.zeros(surface.identity_size, np.float32)))
    for strengths in (felt_rig(row) for _, row in mixtures()):
        rig = shown(
            mouth.rig, np.broadcast_to(strengths, mouth.rig.shape), mouth.speaking, mouth.contact
        )
        shut = mouth.contact > 0.99
        tightest = [
            min(face.lip_gap(row) for row in rig[at - 1 : at + 2])
            for at in (10 + (p.start + p.end) // 2 // 960 for p in said.phones if p.symbol in "bp")
        ]
        assert shut.any() and np.median(tightest) < 0.1  # cm; a rest mouth has about 0.1


def test_without_feeling_the_two_performances_are_one(troupe: Troupe) -> None:
    take = take_of(Settings(seconds=(12.0, 14.0), neutral_takes=1.0), troupe, 1)
    assert not take.emotion.any()
    open_eyes = take.cues[:, 0] == 0
    away = np.abs(take.rig.astype(np.float32) - take.neutral)
    assert away[open_eyes].max() < 0.01
    # In a blink, lids that meet the lower ones earlier stop earlier.
    lids = [at for name, at in INDEX.items() if name.startswith(("eyeBlink", "eyeSquint"))]
    assert np.delete(away, lids, 1).max() < 0.01


def test_a_feeling_is_shown_as_strong_as_it_is_told(take: Take) -> None:
    """Where nobody speaks, the difference is the feeling's own rig."""
    silent = (take.activity != Activity.SPEAKING) & (take.cues[:, 0] == 0)
    felt = felt_rig(take.emotion.astype(np.float32)) * lopsided(0.10 * float(take.style[3]))
    brows = [INDEX[name] for name in ("browInnerUp_L", "browDown_R", "noseSneer_L")]
    shown_brows = (take.rig.astype(np.float32) - take.neutral)[:, brows]
    free = silent[:, None] & (take.rig[:, brows] < 1.05) & (take.neutral[:, brows] >= 0)
    assert np.abs(shown_brows - felt[:, brows])[free].max() < 0.03


def test_mixtures_give_way_to_one_another_and_grow_with_intensity() -> None:
    happy = felt_rig(np.array([1, 0, 0, 0, 0, 0], np.float32))
    both = felt_rig(np.array([1, 0, 0, 0, 0, 1], np.float32))
    assert happy[: len(feeling("happy"))] == pytest.approx(feeling("happy"))
    compound = COMPOUND_SHARE * (feeling("happy") + feeling("surprised"))
    assert both[: len(compound)] == pytest.approx(compound, abs=1e-5)
    assert felt_rig(0.4 * np.array([1, 0, 0, 0, 0, 1], np.float32)) == pytest.approx(0.4 * both)
    assert not felt_rig(np.zeros((3, 6), np.float32)).any()


def test_envelopes_reach_what_is_felt_and_let_it_go() -> None:
    felt = [Felt(0, {}), Felt(50, {"happy": 0.8}), Felt(150, {})]
    out = envelope(np.random.default_rng(1), 250, felt, [Flash(220, {"angry": 0.5})])
    happy, angry = out[:, 0], out[:, 2]
    assert happy[:40].max() == 0 and happy[90:140].mean() == pytest.approx(0.8, abs=0.12)
    assert happy[50] > 0.02  # it shows before the first word
    assert happy[210:].max() < 0.05
    assert 0.2 < angry[218:235].max() < 0.6 and angry[:210].max() == 0
    assert np.abs(np.diff(out, axis=0)).max() < 0.35  # the flash; an onset takes longer
    assert np.abs(np.diff(happy)).max() < 0.2


def test_blinks_close_the_eyes_whatever_is_felt() -> None:
    neutral = np.zeros((1, SIZE), np.float32)
    neutral[:, [INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]] = 1
    nobody = np.zeros(1, np.float32)
    for _, strengths in mixtures():
        rig = shown(neutral, felt_rig(strengths)[None], nobody, nobody)
        effects = {INDEX[f"{name}_L"]: effect for name, effect in LID_EFFECT.items()}
        opening = LID_OPENING + sum(rig[0, at] * effect for at, effect in effects.items())
        assert -0.01 < opening < 0.11  # cm, of 0.83 at rest


def test_a_listener_answers_what_is_heard() -> None:
    """Nods come after the pauses of the other, not before; without sound there are none."""
    nods = {True: 0.0, False: 0.0}
    for audible in nods:
        for seed in range(6):
            rng = np.random.default_rng(seed)
            timeline = Timeline()
            voice = MadeVoice(Speakers(), VOICE)
            others = Others(lambda _, voice=voice: voice, (), 0.0)
            others.meet(rng)
            timeline.live(rng, Beat(Activity.LISTENING, {}, text=SPOKEN), voice, others)
            if not audible:
                timeline.heard.clear()
            take = perform(np.random.default_rng(seed), timeline, VOICE, "train")
            pitch = take.neutral[:, INDEX["pitch"]] - take.cues[:, HEAD_CUE][:, 1]
            nods[audible] = max(nods[audible], float(pitch.max()))
    assert nods[True] > 0.035 > nods[False]


def test_sentences_and_voices_of_the_splits_do_not_meet(table: Path) -> None:
    known, held = (read_texts(table, held=held, one_of=2) for held in (False, True))
    texts = [{s.text for pool in t.by_feeling.values() for s in pool} for t in (known, held)]
    assert texts[0] and texts[1] and not texts[0] & texts[1]
    assert all(is_held(text, 2) for text in texts[1])
    assert is_held("So it is!", 7) == is_held("so it  is", 7)
    assert not set(known_variants()) & set(HELD_VARIANTS)
    assert len(known_variants()) >= 30
    names = [{name for name, _ in cast_of(held=held).named} for held in (False, True)]
    assert not names[0] & names[1]


def test_texts_say_what_may_be_said(table: Path, tmp_path: Path) -> None:
    texts = read_texts(table, held=False, one_of=1_000_003)
    surprised = {sentence.text for sentence in texts.by_feeling["surprised"]}
    assert any("moved the table" in text and "[" not in text for text in surprised)
    empty = tmp_path / "empty.tsv"
    empty.write_text("see http://x.y/z now please\t4\ta")
    with pytest.raises(MediaError, match="no sentences"):
        read_texts(empty, held=False, one_of=16)
    with pytest.raises(MediaError, match="cannot be read"):
        read_texts(tmp_path / "none.tsv", held=False, one_of=16)


def test_a_script_feels_what_its_settings_ask() -> None:
    texts = Texts({"neutral": ()})
    playwright = Playwright(Settings(), texts)
    rng = np.random.default_rng(0)
    drawn = [playwright._feeling(rng, True) for _ in range(2000)]
    assert np.mean([not f for f in drawn]) == pytest.approx(0.15, abs=0.03)
    assert np.mean([len(f) > 1 for f in drawn]) == pytest.approx(0.85 * 0.42, abs=0.05)
    assert {name for f in drawn for name in f} == set(EMOTIONS)
    assert all(playwright._feeling(rng, False) == {} for _ in range(20))


def test_cues_of_a_take_are_those_of_a_session() -> None:
    activity = np.array([Activity.IDLE] * 30 + [Activity.SPEAKING] * 30, np.uint8)
    assert np.array_equal(cues_of(5, activity, 1.0), cues_of(5, activity, 1.0))


def test_festival_speaks_with_exact_times() -> None:
    from avatar.training.performance.festival import Festival

    if not Festival().available():
        pytest.skip("festival is not installed (it is only used for training)")
    with Speakers() as speakers:
        slow, quick = (
            MadeVoice(speakers, "festival/kal").say(np.random.default_rng(0), SPOKEN, feeling)
            for feeling in ({"sad": 1.0}, {"angry": 1.0})
        )
    assert slow is not None and quick is not None
    assert len(slow.pcm) > 1.2 * len(quick.pcm)  # the feeling is heard
    symbols = [phone.symbol for phone in quick.phones]
    assert {"b", "m", "f", "v", "p"} <= set(symbols)
    assert quick.phones[-1].end == len(quick.pcm)
    silent = [np.abs(quick.pcm[p.start : p.end]).mean() for p in quick.phones if p.symbol == "pau"]
    said = [np.abs(quick.pcm[p.start : p.end]).mean() for p in quick.phones if p.symbol == "aa"]
    assert np.median(silent) < 0.2 * np.median(said)
