"""Hosts: the embedded engines behind real worker processes."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest
import worker_fakes

from emotion.errors import ConfigError
from emotion.types import EmotionState
from pipeline.hosts import EarsHost, MindHost
from pipeline.workers import Worker
from speech.types import PLAY_RATE

VOICES = "speech.tts:EmbeddedVoices"
NEUTRAL = EmotionState.neutral()
LONG = "This is a rather long sentence, which goes on, and on, and on, for quite a while. " * 20


@pytest.fixture
async def voice() -> AsyncIterator[Worker]:
    worker = Worker("voice", "pipeline.hosts:VoiceHost", {"engine": VOICES})
    await worker.start()
    yield worker
    await worker.close()


async def test_voice_speaks_from_its_process(voice: Worker) -> None:
    voices = await voice.call("voices")
    chunks = [c async for c in voice.stream("stream", "Hello there.", voices[0].id, NEUTRAL)]
    end = 0
    for chunk in chunks:
        assert (chunk.rate, chunk.start_sample) == (PLAY_RATE, end)
        end += len(chunk.pcm)
    assert end > PLAY_RATE / 4 and max(np.abs(c.pcm).max() for c in chunks) > 0.05
    assert any(chunk.phones for chunk in chunks) and any(chunk.words for chunk in chunks)


async def test_cut_speech_frees_the_voice(voice: Worker) -> None:
    name = (await voice.call("voices"))[0].id
    async with aclosing(voice.stream("stream", LONG, name, NEUTRAL)) as chunks:
        first = await anext(chunks)
    after = [c async for c in voice.stream("stream", "Hello there.", name, NEUTRAL)]
    again = [c async for c in voice.stream("stream", LONG, name, NEUTRAL)]
    assert after and np.array_equal(again[0].pcm, first.pcm)
    assert sum(len(c.pcm) for c in again) > 30 * PLAY_RATE  # the cancel did not stick


async def test_unknown_voice_is_a_config_error(voice: Worker) -> None:
    with pytest.raises(ConfigError, match="nobody"):
        async with aclosing(voice.stream("stream", "Hello.", "flite/nobody", NEUTRAL)) as chunks:
            await anext(chunks)


def test_ears_pass_on_what_they_get() -> None:
    ears = EarsHost(f"{worker_fakes.__name__}:Deaf", word="beats")
    assert ears.transcribe(np.zeros(320, np.float32), 16_000).text == "320 beats at 16000"


def test_mind_embeds_and_appraises_with_one_model() -> None:
    mind = MindHost()
    mind.warm_up()
    rows = mind.embed(["I am glad.", "I am happy.", "The train leaves at nine."])
    assert rows.shape == (3, 384) and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert mind.appraise(text="I am so happy to see you!").dominant() == "happy"
    assert mind.appraise(labels={"sad": 0.7}).dominant() == "sad"
