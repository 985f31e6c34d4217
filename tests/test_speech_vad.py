import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from speech_sounds import needs_flite, noise, spoken

from emotion.errors import ConfigError
from speech import vad
from speech.vad import WINDOW, SileroVad


@pytest.fixture(scope="module")
def network() -> SileroVad:
    return SileroVad()


@needs_flite
@pytest.mark.parametrize("voice", ["flite/slt", "flite/rms"])
def test_speech_is_speech_and_the_rest_is_not(network: SileroVad, voice: str) -> None:
    speech = spoken("What time is it now, my friend?", voice)
    found = np.array(network.open().push(np.concatenate([noise(1), speech, noise(1)])))
    before, after = 16_000 // WINDOW, (16_000 + len(speech)) // WINDOW
    assert found[: before - 1].max() < 0.5
    assert np.mean(found[before + 2 : after - 8] > 0.5) > 0.8
    assert found[-12:].max() < 0.5


@pytest.mark.parametrize("kind", ["silence", "noise", "loud noise", "tone"])
def test_other_sounds_are_not_speech(network: SileroVad, kind: str) -> None:
    time = np.arange(32_000) / 16_000
    sound = {
        "silence": np.zeros(32_000, np.float32),
        "noise": noise(2, 0.01),
        "loud noise": noise(2, 0.3),
        "tone": (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32),
    }[kind]
    assert np.mean(np.array(network.open().push(sound)) > 0.5) < 0.05


def test_the_size_of_the_pieces_does_not_matter(network: SileroVad) -> None:
    sound = noise(1, 0.1)
    stream = network.open()
    pieces = [p for at in range(0, len(sound), 333) for p in stream.push(sound[at : at + 333])]
    assert pieces == network.open().push(sound)
    assert len(pieces) == len(sound) // WINDOW


@needs_flite
def test_sessions_do_not_mix(network: SileroVad) -> None:
    speech, still = spoken("What time is it now?"), np.zeros(16_000, np.float32)
    alone = network.open().push(still)
    one, other = network.open(), network.open()
    found = []
    for at in range(0, 16_000, WINDOW):
        one.push(speech[at : at + WINDOW])
        found += other.push(still[at : at + WINDOW])
    assert found == alone[: len(found)]


def test_reset_forgets(network: SileroVad) -> None:
    stream = network.open()
    first = stream.push(noise(0.5, 0.1))
    stream.reset()
    assert stream.push(noise(0.5, 0.1)) == first


def test_a_missing_network_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vad, "_FILES", ("no-such.onnx",))
    with pytest.raises(ConfigError, match="silero-vad"):
        SileroVad().open().push(np.zeros(WINDOW, np.float32))


def test_torch_is_not_imported() -> None:
    code = (
        "import sys, numpy, speech.vad as v;"
        "v.SileroVad().open().push(numpy.zeros(512, numpy.float32));"
        "sys.exit('torch' in sys.modules or 'silero_vad' in sys.modules)"
    )
    root = Path(vad.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
