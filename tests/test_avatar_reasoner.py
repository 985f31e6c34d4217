"""The shipped motion reasoner at work: shapes, state, noise, idling, closures, silence, feeling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.audio_encoder import AudioEncoder
from avatar.life import LifeCues
from avatar.phone_features import phone_features
from avatar.reasoner import (
    CHUNK,
    CONTEXT,
    STYLE,
    TOKEN,
    WEIGHTS,
    Conditions,
    Guidance,
    MotionReasoner,
    ReasonerState,
)
from avatar.rig import EXPRESSIONS, INDEX, POSE_AT
from avatar.semo.loading import load_surface
from avatar.training.recipes import lip_opening
from avatar.types import Activity
from avatar.visemes import Phone
from emotion.errors import ConfigError
from emotion.latent_space import load_space
from emotion.types import EmotionState
from speech.pcm import resample
from speech.tts import EmbeddedVoices
from speech.types import FEATURE_RATE, FPS, PLAY_RATE, SAMPLES_PER_FRAME
from tests.reasoner_setting import conditions

Floats = NDArray[np.float32]
TEXT = "Maybe Bob and Pam must map my apartment. Put five more pebbles by the empty barn."
FACE = slice(0, len(EXPRESSIONS))


@pytest.fixture(scope="module")
def reasoner() -> MotionReasoner:
    return MotionReasoner()


@pytest.fixture(scope="module")
def silence() -> Floats:
    """(5, W) features of silence."""
    return np.repeat(AudioEncoder().silence[None], CHUNK, 0)


@pytest.fixture(scope="module")
def spoken() -> tuple[Floats, list[Phone]]:
    """(F, W) features of speech with two seconds of silence behind it, and its phones."""
    engine, phones, pcm = EmbeddedVoices(), [], []
    voice = engine.voices()[0].id
    for chunk in engine.stream(TEXT, voice, EmotionState.neutral()):
        at = chunk.start_sample
        phones += [Phone(p.symbol, at + p.start, at + p.end) for p in chunk.phones]
        pcm.append(chunk.pcm)
    sound = resample(np.concatenate(pcm), PLAY_RATE, FEATURE_RATE)
    return AudioEncoder().features(np.concatenate([sound, np.zeros(2 * FEATURE_RATE)])), phones


def idle(silence: Floats, cues: LifeCues, **changed: object) -> Conditions:
    """The next chunk of somebody who does nothing."""
    steps = np.stack([cues.step(Activity.IDLE) for _ in range(CHUNK)])
    return conditions(audio=silence, heard=silence, cues=steps, **changed)


def play(
    reasoner: MotionReasoner,
    spoken: tuple[Floats, list[Phone]],
    silence: Floats,
    *,
    known: bool = True,
) -> Floats:
    """(F, 63) rigs of who says it."""
    audio, phones = spoken
    end = max(phone.end for phone in phones) // SAMPLES_PER_FRAME
    state, cues, out = reasoner.start(5), LifeCues(5), []
    for first in range(0, len(audio) - CHUNK + 1, CHUNK):
        busy = Activity.SPEAKING if first < end else Activity.IDLE
        given = conditions(
            audio=audio[first : first + CHUNK],
            heard=silence,
            phones=phone_features(phones, first, CHUNK),
            phones_known=known,
            activity=np.full(CHUNK, busy),
            cues=np.stack([cues.step(busy) for _ in range(CHUNK)]),
        )
        tokens, state = reasoner.step(state, given)
        out.append(tokens)
    return load_surface().token_to_rig(np.concatenate(out))


def closed_share(rigs: Floats, phones: list[Phone]) -> float:
    """Of the sounds m, b, p: in whose time, a frame more on both sides, the lips meet."""
    gap = lip_opening(rigs)
    spans = [
        (p.start // SAMPLES_PER_FRAME - 1, p.end // SAMPLES_PER_FRAME + 2)
        for p in phones
        if p.symbol in "mbp"
    ]
    assert len(spans) > 12
    return float(np.mean([gap[max(a, 0) : b].min() < 0.03 for a, b in spans]))


def test_a_chunk_and_the_state_after_it(reasoner: MotionReasoner, silence: Floats) -> None:
    state = reasoner.start(3, np.zeros(STYLE, np.float32))
    before = state.context.copy()
    tokens, after = reasoner.step(state, idle(silence, LifeCues(3)))
    assert tokens.shape == (CHUNK, TOKEN) and tokens.dtype == np.float32
    assert np.isfinite(tokens).all()
    assert (after.frame, after.seed) == (CHUNK, 3)
    np.testing.assert_array_equal(after.context[-CHUNK:], tokens)
    np.testing.assert_array_equal(after.context[:-CHUNK], before[CHUNK:])
    # The state that was given is a value: nothing happened to it.
    np.testing.assert_array_equal(state.context, before)
    assert state.frame == 0


def test_the_same_again_is_the_same(reasoner: MotionReasoner, silence: Floats) -> None:
    given = idle(silence, LifeCues(1))
    state = reasoner.start(1)
    first, after = reasoner.step(state, given)
    reasoner.step(after, given)
    again, _ = reasoner.step(state, given)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, MotionReasoner().step(state, given)[0])


def test_noise_comes_from_seed_and_frame(reasoner: MotionReasoner, silence: Floats) -> None:
    given, state = idle(silence, LifeCues(1)), reasoner.start(1)
    first, _ = reasoner.step(state, given)
    for other in (replace(state, seed=2), replace(state, frame=5)):
        assert np.abs(reasoner.step(other, given)[0] - first).max() > 1e-4


def test_showing_less_than_a_chunk(reasoner: MotionReasoner) -> None:
    state = reasoner.start(0)
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(CONTEXT + 2, TOKEN)).astype(np.float32)
    assert state.having_shown(tokens[:0]).frame == 0
    two = state.having_shown(tokens[:2])
    assert two.frame == 2 and two.context.shape == (CONTEXT, TOKEN)
    np.testing.assert_array_equal(two.context[-2:], tokens[:2])
    np.testing.assert_array_equal(two.context[:-2], state.context[2:])
    many = two.having_shown(tokens)
    np.testing.assert_array_equal(many.context, tokens[-CONTEXT:])
    assert many.frame == CONTEXT + 4


def test_motion_goes_on_from_what_was_shown(reasoner: MotionReasoner, silence: Floats) -> None:
    """Planned anew after two frames: no seam larger than motion itself."""
    cues, state = LifeCues(2), reasoner.start(2)
    for _ in range(6):
        tokens, after = reasoner.step(state, idle(silence, cues))
        state, before = after, state
    again, _ = reasoner.step(before.having_shown(tokens[:2]), idle(silence, cues))
    read = load_surface().token_to_rig
    seam = np.abs(read(again[:1]) - read(tokens[1:2]))[:, FACE]
    assert seam[:, [INDEX["jawOpen"], INDEX["mouthClose"]]].max() < 0.1


@pytest.mark.parametrize(
    "changed",
    [
        {"audio": np.zeros((CHUNK, 3), np.float32)},
        {"phones": np.zeros((CHUNK + 1, 580), np.float32)},
        {"cues": np.zeros(9, np.float32)},
        {"latent": np.zeros((4, 32), np.float32)},
        {"activity": np.full(CHUNK, 4)},
        {"activity": np.full(CHUNK, -1)},
    ],
)
def test_bad_conditions_are_refused(reasoner: MotionReasoner, changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        reasoner.step(reasoner.start(0), conditions(**changed))


def test_bad_starts_are_refused(reasoner: MotionReasoner) -> None:
    with pytest.raises(ValueError, match="seed"):
        reasoner.start(-1)
    with pytest.raises(ValueError, match="style"):
        reasoner.start(0, np.zeros(STYLE + 1, np.float32))


def test_missing_weights_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        MotionReasoner(tmp_path / "none.onnx")


def test_the_net_is_small() -> None:
    assert WEIGHTS.stat().st_size < 10e6


def test_a_minute_of_idling_does_not_drift(reasoner: MotionReasoner, silence: Floats) -> None:
    state, cues, out = reasoner.start(11), LifeCues(11), []
    for _ in range(60 * FPS // CHUNK):
        tokens, state = reasoner.step(state, idle(silence, cues))
        out.append(tokens)
    rigs = load_surface().token_to_rig(np.concatenate(out))
    turn = np.degrees(rigs[:, POSE_AT.start : POSE_AT.start + 3])
    assert np.abs(turn).max() < 20
    early, late = rigs[5 * FPS : 20 * FPS], rigs[-15 * FPS :]
    lids = [INDEX[f"eyeBlink_{side}"] for side in "LR"]
    gaze = [at for name, at in INDEX.items() if name.startswith("eye")]
    still = np.setdiff1d(np.arange(len(EXPRESSIONS)), [*lids, *gaze])
    assert np.abs(late.mean(0) - early.mean(0))[still].max() < 0.08
    assert late[:, still].std(0).max() < early[:, still].std(0).max() + 0.05
    assert lip_opening(rigs[2 * FPS :]).max() < 0.25  # at rest 0.08
    # Alive all the same: it blinks, and the head moves.
    shut = rigs[:, lids].min(1) > 0.5
    assert 3 <= (shut[1:] & ~shut[:-1]).sum() <= 45
    assert turn.std(0).max() > 0.05


@pytest.mark.parametrize(("known", "least"), [(True, 0.95), (False, 0.6)])
def test_lips_close_and_open_in_speech_and_rest_after_it(
    reasoner: MotionReasoner,
    spoken: tuple[Floats, list[Phone]],
    silence: Floats,
    known: bool,
    least: float,
) -> None:
    rigs = play(reasoner, spoken, silence, known=known)
    assert closed_share(rigs, spoken[1]) >= least
    gap = lip_opening(rigs)
    end = max(phone.end for phone in spoken[1]) // SAMPLES_PER_FRAME
    talking, after = gap[:end], gap[end + 15 :]
    assert np.percentile(talking, 90) > 0.3  # cm
    assert after.max() < 0.25
    assert np.abs(np.diff(after)).mean() < 0.1 * np.abs(np.diff(talking)).mean()


def test_the_mouth_follows_the_phones_of_its_own_speech(
    reasoner: MotionReasoner, spoken: tuple[Floats, list[Phone]], silence: Floats
) -> None:
    phones = spoken[1]
    rigs = play(reasoner, spoken, silence)
    end = max(phone.end for phone in phones) // SAMPLES_PER_FRAME
    gap = lip_opening(rigs)[:end]
    vowels = [p for p in phones if p.symbol in ("aa", "ae", "ao", "ay", "aw", "ah")]
    at = [min((p.start + p.end) // 2 // SAMPLES_PER_FRAME, end - 1) for p in vowels]
    assert gap[at].mean() > 1.4 * gap.mean()


@pytest.mark.parametrize("guidance", [Guidance(1.0, 1.0), Guidance(1.3, 1.4)])
def test_feelings_show_and_differ(guidance: Guidance, silence: Floats) -> None:
    reasoner, space = MotionReasoner(guidance=guidance), load_space()
    faces: dict[str, Floats] = {}
    for name, kind in (("neutral", None), ("happy", 0), ("sad", 1), ("surprised", 5)):
        strengths = np.zeros(6, np.float32)
        if kind is not None:
            strengths[kind] = 0.9
        latent = space.label_latents(strengths[None])[0]
        told = {"emotion": np.tile(strengths, (CHUNK, 1)), "latent": latent}
        state, cues, out = reasoner.start(4), LifeCues(4), []
        for _ in range(10):
            tokens, state = reasoner.step(state, idle(silence, cues, **told))
            out.append(tokens)
        faces[name] = load_surface().token_to_rig(np.concatenate(out[5:])).mean(0)
    smile, brows = INDEX["mouthSmile_L"], INDEX["browInnerUp_L"]
    assert faces["happy"][smile] > faces["neutral"][smile] + 0.2
    assert faces["happy"][smile] > max(faces["sad"][smile], faces["surprised"][smile]) + 0.2
    assert faces["surprised"][brows] > faces["neutral"][brows] + 0.15
    assert np.abs(faces["sad"] - faces["neutral"])[FACE].max() > 0.15


def test_guidance_of_nothing_changes_nothing(reasoner: MotionReasoner, silence: Floats) -> None:
    """Idle without feeling, no row is added: the same to the bit, whatever the guidance."""
    given, state = idle(silence, LifeCues(0)), reasoner.start(0)
    led = MotionReasoner(guidance=Guidance(1.5, 2.0))
    np.testing.assert_array_equal(reasoner.step(state, given)[0], led.step(state, given)[0])


def test_an_unnamed_feeling_is_read_from_the_latent(
    reasoner: MotionReasoner, silence: Floats
) -> None:
    strengths = np.array([0.9, 0, 0, 0, 0, 0], np.float32)
    latent = load_space().label_latents(strengths[None])[0]
    unnamed = np.full((CHUNK, 6), np.nan, np.float32)
    state: ReasonerState = reasoner.start(4)
    cues = LifeCues(4)
    for _ in range(8):
        given = idle(silence, cues, emotion=unnamed, latent=latent)
        tokens, state = reasoner.step(state, given)
    assert np.isfinite(tokens).all()
    rigs = load_surface().token_to_rig(tokens)
    assert rigs[:, INDEX["mouthSmile_L"]].mean() > 0.1
