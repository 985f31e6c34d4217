"""The main path in virtual time: real session, playout and outlet; scripted engines."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from avatar.types import Activity
from emotion.errors import ProviderError
from emotion.types import EmotionState
from pipeline.outlet import Outlet
from pipeline.packets import Kind, MediaPacket, Message, VideoCodec
from pipeline.parts import Parts
from pipeline.replay import replay
from pipeline.session import APOLOGY, Session
from speech.turns import Mode, SpeechEnded, SpeechStarted
from speech.types import FPS, PLAY_RATE, SAMPLES_PER_FRAME
from tests.fakes import (
    CountingAvatar,
    RawEncoder,
    ScriptedDialogue,
    ScriptedEars,
    ToneVoice,
    VirtualClock,
    WordMind,
    inline,
    settle,
)

LEAD = int(0.4 * PLAY_RATE)


@dataclass
class ScriptedTurns:
    """Says what happens at the next piece of sound."""

    events: list[object] = field(default_factory=list)
    pressed: bool = False

    def feed(self, pcm: object) -> list[object]:
        events, self.events = self.events, []
        return events

    mode: Mode = Mode.HANDS_FREE

    def press(self) -> list[object]:
        self.pressed = True
        return self.feed(None)

    def release(self) -> list[object]:
        return self.feed(None)

    def set_mode(self, mode: Mode) -> list[object]:
        self.mode = mode
        return []


class Bench:
    """A session with its page: collects what the page would receive."""

    def __init__(self, dialogue: ScriptedDialogue | None = None) -> None:
        self.clock = VirtualClock()
        self.dialogue = dialogue or ScriptedDialogue()
        self.voice, self.avatar, self.ears = ToneVoice(), CountingAvatar(), ScriptedEars()
        self.turns = ScriptedTurns()
        parts = Parts(
            self.dialogue, WordMind(), self.voice, "tone/a", self.avatar, self.ears,
            lambda: self.turns, EmotionState.neutral(),
        )  # fmt: skip
        self.session = Session(parts, self.clock, LEAD, self._configure)
        self.messages: list[Message] = []
        self.video: list[MediaPacket] = []
        self.audio: list[MediaPacket] = []

    async def _configure(self, session: Session, **choices: object) -> None:
        self.configured = choices

    def connect(self) -> Outlet:
        self.encoder = RawEncoder()
        outlet = Outlet(self.encoder, VideoCodec.JPEG, self.session.playout.generation, inline)
        self.session.playout.attach(outlet)
        self._reading = asyncio.create_task(self._read(outlet))
        return outlet

    async def _read(self, outlet: Outlet) -> None:
        async for item in outlet.items():
            if isinstance(item, str):
                self.messages.append(json.loads(item))
                continue
            packet = MediaPacket.decode(item)
            (self.video if packet.kind is Kind.VIDEO else self.audio).append(packet)

    def of(self, kind: str) -> list[Message]:
        return [m for m in self.messages if m["type"] == kind]


@asynccontextmanager
async def running(dialogue: ScriptedDialogue | None = None) -> AsyncIterator[Bench]:
    bench = Bench(dialogue)
    outlet = bench.connect()
    task = asyncio.create_task(bench.session.run())
    await settle()
    try:
        yield bench
    finally:
        task.cancel()
        (bench.session.playout.outlet or outlet).close()
        await asyncio.gather(task, bench._reading, return_exceptions=True)


async def test_idle_portrait_moves_at_25_fps_and_says_nothing() -> None:
    async with running() as bench:
        await bench.clock.advance(2.0)
        assert len(bench.video) in (2 * FPS, 2 * FPS + 1)
        steps = np.diff([p.pts for p in bench.video])
        assert set(steps) == {SAMPLES_PER_FRAME}
        assert bench.audio == []
        assert {p.activity for p in bench.video} == {Activity.IDLE}


async def test_a_message_is_answered_clause_by_clause_on_one_clock() -> None:
    async with running() as bench:
        await bench.clock.advance(1.0)
        await bench.session.hear_text("hi", "m1")
        await bench.clock.advance(3.0)
        sound = np.concatenate([np.frombuffer(p.payload, "<i2") for p in bench.audio])
        assert len(sound) == 5 * PLAY_RATE // 4  # five words of a quarter of a second
        starts = [p.pts for p in bench.audio]
        assert starts[0] >= PLAY_RATE and starts[0] - PLAY_RATE <= 2 * SAMPLES_PER_FRAME
        assert all(
            a.pts + a.duration == b.pts for a, b in zip(bench.audio, bench.audio[1:], strict=False)
        )
        assert [t for t, _, _ in bench.voice.spoken] == ["Hello there.", "How are you?"]
        assert [e.text for e in bench.session.transcript] == ["hi", "Hello there. How are you?"]
        assert bench.session.transcript[1].status == "done"
        assert bench.session.transcript[1].emotion is not None
        assert bench.session.transcript[1].emotion.dominant() == "happy"


async def test_speaking_frames_cover_exactly_the_sound() -> None:
    async with running() as bench:
        await bench.session.hear_text("hi")
        await bench.clock.advance(3.0)
        first, last = bench.audio[0].pts, bench.audio[-1].pts + bench.audio[-1].duration
        speaking = [p.pts for p in bench.video if p.activity is Activity.SPEAKING]
        assert speaking[0] == first
        assert last - SAMPLES_PER_FRAME <= speaking[-1] < last
        assert {p.turn for p in bench.audio} == {1}


async def test_states_follow_the_turn_and_captions_carry_word_times() -> None:
    async with running() as bench:
        await bench.session.hear_text("hi")
        await bench.clock.advance(3.0)
        assert [m["activity"] for m in bench.of("state")] == ["thinking", "speaking", "idle"]
        captions = bench.of("caption")
        assert [c["text"] for c in captions] == ["Hello there.", "How are you?"]
        assert captions[0]["words"][1][1] - captions[0]["start"] == PLAY_RATE // 4
        assert captions[0]["emotion"]["label"] == "happy"
        assert [(m["status"], m["id"]) for m in bench.of("turn")] == [("started", ""), ("done", "")]
        stages = bench.of("quality")[-1]["ms"]
        assert set(stages) >= {"clause", "emotion", "voice", "first_packet"}


async def test_media_is_sent_at_most_the_lead_ahead() -> None:
    async with running() as bench:
        await bench.session.hear_text("hi")
        await settle()
        assert max(p.pts for p in bench.audio) <= bench.clock.sample() + LEAD
        assert max(p.pts for p in bench.video) <= bench.clock.sample() + LEAD
        assert max(p.pts for p in bench.audio) >= LEAD - SAMPLES_PER_FRAME


async def test_stop_silences_cuts_memory_to_what_was_heard_and_shows_idle() -> None:
    async with running() as bench:
        await bench.session.hear_text("hi")
        await bench.clock.advance(0.6)  # "Hello there." is over after 0.5 s
        heard_before = len(bench.audio)
        await bench.session.stop()
        await settle()
        cut = bench.of("generation")[-1]
        assert cut["generation"] == 1 and abs(cut["pts"] - 0.6 * PLAY_RATE) < 100
        await bench.clock.advance(1.0)
        assert len(bench.audio) == heard_before
        after = [p for p in bench.video if p.generation == 1]
        assert after[0].pts - cut["pts"] <= 2 * SAMPLES_PER_FRAME
        assert {p.activity for p in after} == {Activity.IDLE}
        assert bench.session.transcript[-1].status == "interrupted"
        assert bench.session.transcript[-1].text == "Hello there."
        assert bench.dialogue.heard_texts == [(1, "Hello there.")]
        assert bench.encoder.forced >= 1


async def test_stop_while_nothing_is_said_changes_nothing() -> None:
    async with running() as bench:
        await bench.session.stop()
        assert bench.session.playout.generation == 0
        assert bench.of("generation") == []


async def test_a_new_message_interrupts_the_running_reply() -> None:
    async with running() as bench:
        await bench.session.hear_text("one", "a")
        await bench.clock.advance(0.3)
        await bench.session.hear_text("two", "b")
        await bench.clock.advance(3.0)
        assert [e.status for e in bench.session.transcript] == [
            "done",
            "interrupted",
            "done",
            "done",
        ]
        turns = [p.turn for p in bench.audio if p.generation == 1]
        assert set(turns) == {2}


async def test_the_reply_after_a_barge_in_is_heard_from_its_first_sample() -> None:
    async with running() as bench:
        await bench.session.hear_text("one")
        await bench.clock.advance(0.1)  # 0.4 s of sound are out already
        await bench.session.hear_text("two")
        await bench.clock.advance(3.0)
        second = [p for p in bench.audio if p.generation == 1]
        assert sum(p.duration for p in second) == 5 * PLAY_RATE // 4
        caption = next(c for c in bench.of("caption") if c["generation"] == 1)
        assert second[0].pts == caption["start"]


async def test_a_message_sent_again_after_reconnect_is_answered_once() -> None:
    async with running() as bench:
        await bench.session.hear_text("one", "a")
        await bench.session.hear_text("one", "a")
        await bench.clock.advance(3.0)
        assert len(bench.dialogue.turns) == 1
        assert [m["id"] for m in bench.of("turn")][:2] == ["a", "a"]


async def test_a_failing_brain_becomes_a_spoken_apology_and_the_reason_in_the_chat() -> None:
    broken = ProviderError("The LLM refused the key.", "Set OPENAI_API_KEY.")
    async with running(ScriptedDialogue(clauses=(), error=broken)) as bench:
        await bench.session.hear_text("hi", "m")
        await bench.clock.advance(4.0)
        assert bench.voice.spoken[-1][0] == APOLOGY
        entry = bench.session.transcript[-1]
        assert entry.status == "failed" and "refused the key" in entry.text
        assert bench.session.transcript[0].text == "hi"
        assert bench.of("error")[0]["remedy"] == "Set OPENAI_API_KEY."
        assert bench.session.activity is Activity.IDLE
        bench.dialogue.error, bench.dialogue.clauses = None, (("Back again.", ""),)
        await bench.session.hear_text("again")
        await bench.clock.advance(2.0)
        assert bench.session.transcript[-1].status == "done"


async def test_a_bug_in_an_engine_does_not_end_the_conversation() -> None:
    async with running(ScriptedDialogue(clauses=(), error=ValueError("a bug"))) as bench:  # type: ignore[arg-type]
        await bench.session.hear_text("hi")
        await bench.clock.advance(4.0)
        assert bench.session.transcript[-1].status == "failed"
        assert "ValueError" in bench.session.transcript[-1].text
        assert bench.session.activity is Activity.IDLE


async def test_a_dead_voice_leaves_the_text_in_the_chat() -> None:
    async with running() as bench:
        bench.voice.error = ProviderError("The voice died.", "Wait.")
        await bench.session.hear_text("hi")
        await bench.clock.advance(1.0)
        entry = bench.session.transcript[-1]
        assert entry.status == "failed" and entry.text.startswith("Hello there.")


async def test_a_dead_renderer_does_not_delay_sound_and_pictures_come_back() -> None:
    async with running() as bench:
        await bench.clock.advance(0.2)
        bench.avatar.errors = [
            ProviderError("The avatar worker died.", "Wait.", retryable=True)
        ] * 3
        await bench.session.hear_text("hi")
        await bench.clock.advance(2.0)
        assert sum(p.duration for p in bench.audio) == 5 * PLAY_RATE // 4
        speaking = [p for p in bench.video if p.activity is Activity.SPEAKING]
        assert speaking, "pictures must resume while the reply is still heard"
        assert speaking[-1].pts >= bench.audio[-1].pts - SAMPLES_PER_FRAME


async def test_without_a_page_the_turn_goes_on_and_a_reconnect_joins_it() -> None:
    async with running() as bench:
        await bench.session.hear_text("hi")
        await bench.clock.advance(0.3)
        bench.session.playout.attach(None)
        await bench.clock.advance(0.5)
        count = len(bench.audio)
        bench.connect()
        await bench.clock.advance(2.0)
        rest = bench.audio[count:]
        assert rest and rest[0].pts >= int(0.8 * PLAY_RATE)
        assert bench.session.transcript[-1].status == "done"
        assert bench.avatar.skipped > 0


async def test_a_hidden_tab_gets_sound_only() -> None:
    async with running() as bench:
        outlet = bench.session.playout.outlet
        assert outlet is not None
        outlet.hidden = True
        await bench.session.hear_text("hi")
        shown = len(bench.video)
        await bench.clock.advance(2.0)
        assert bench.audio and len(bench.video) == shown


async def test_spoken_turns_interrupt_transcribe_and_answer() -> None:
    async with running() as bench:
        await bench.session.hear_text("hi")
        await bench.clock.advance(0.3)
        await bench.session.listener.set_mode("hands_free")
        bench.turns.events = [SpeechStarted(0)]
        await bench.session.listener.feed(b"\0\0" * 320)
        assert bench.session.activity is Activity.LISTENING
        assert bench.session.transcript[-1].status == "interrupted"
        bench.ears.text = "what time is it"
        bench.turns.events = [SpeechEnded(np.zeros(16000, np.float32), 0, 16000)]
        await bench.session.listener.feed(b"\0\0" * 320)
        await bench.clock.advance(3.0)
        assert bench.of("heard")[-1]["text"] == "what time is it"
        assert bench.dialogue.turns[-1].text == "what time is it"
        assert bench.dialogue.turns[-1].audio is not None
        assert bench.session.transcript[-1].status == "done"


async def test_speech_that_is_not_understood_is_said_so() -> None:
    async with running() as bench:
        await bench.session.listener.set_mode("hands_free")
        bench.ears.text = " "
        bench.turns.events = [SpeechEnded(np.zeros(1600, np.float32), 0, 1600)]
        await bench.session.listener.feed(b"\0\0" * 320)
        await settle()
        assert bench.of("notice")[-1]["code"] == "not_understood"
        assert bench.session.activity is Activity.IDLE and bench.session.transcript == []


async def test_replay_says_a_reply_again_without_asking_the_brain() -> None:
    async with running() as bench:
        await bench.session.hear_text("hi")
        await bench.clock.advance(3.0)
        before = len(bench.audio)
        await replay(bench.session, 1)
        await bench.clock.advance(3.0)
        assert len(bench.audio) == 2 * before
        assert len(bench.dialogue.turns) == 1 and len(bench.session.transcript) == 2


@pytest.mark.parametrize("held", [{"angry": 0.9}, {"sad": 0.4, "surprised": 0.4}])
async def test_a_held_feeling_overrides_the_appraisal(held: dict[str, float]) -> None:
    async with running() as bench:
        bench.session.playout.hold(EmotionState.from_strengths(held))
        await bench.session.hear_text("hi")
        await bench.clock.advance(1.0)
        assert bench.voice.spoken[0][2] is bench.session.playout.held


async def test_two_sessions_do_not_mix() -> None:
    async with running() as one, running() as two:
        await one.session.hear_text("only for one")
        await one.clock.advance(2.0)
        await two.clock.advance(2.0)
        assert one.audio and not two.audio
        assert two.session.transcript == [] and two.of("caption") == []


async def test_a_face_that_feels_by_itself_is_told_only_how_it_rests() -> None:
    async with running(ScriptedDialogue(clauses=(("warm words", ""),))) as bench:
        await bench.session.hear_text("hi")
        await bench.clock.advance(6.0)
        assert [e.intensity for s, e, a in bench.avatar.pushed if s is None] == [0.0, 0.0]
        said = [e.intensity for s, e, a in bench.avatar.pushed if s is not None]
        assert said == [pytest.approx(0.8)]


async def test_the_page_is_told_how_the_face_feels_on_the_media_clock() -> None:
    async with running(ScriptedDialogue(clauses=(("warm words", ""),))) as bench:
        await bench.clock.advance(1.0)
        await bench.session.hear_text("hi")
        await bench.clock.advance(12.0)
        news = bench.of("feeling")
        start, end = bench.audio[0].pts, bench.audio[-1].pts
        peak = max(news, key=lambda n: n["intensity"])
        assert peak["label"] == "happy" and peak["intensity"] == pytest.approx(0.8, abs=0.01)
        assert start <= peak["pts"] <= end + PLAY_RATE // 2
        assert news[0]["intensity"] == 0 and news[-1]["intensity"] < 0.05
        assert all(b["pts"] - a["pts"] >= PLAY_RATE // 5 for a, b in pairwise(news))
        assert len(news) < 40 and not any(n["held"] for n in news)
        assert {n["generation"] for n in news} == {0}


async def test_after_an_interruption_the_page_is_told_anew() -> None:
    async with running(ScriptedDialogue(clauses=(("warm " * 20, ""),))) as bench:
        await bench.session.hear_text("hi")
        await bench.clock.advance(2.0)
        await bench.session.stop()
        await bench.clock.advance(0.1)
        first = next(n for n in bench.of("feeling") if n["generation"] == 1)
        assert first["pts"] <= bench.clock.sample() and first["intensity"] > 0.5
        await bench.clock.advance(8.0)
        assert bench.of("feeling")[-1]["intensity"] < 0.05


async def test_what_was_felt_fades_on_the_resting_face() -> None:
    async with running(ScriptedDialogue(clauses=(("warm words", ""),))) as bench:
        bench.avatar.feels = False  # nor fades by itself
        await bench.session.hear_text("hi")
        await bench.clock.advance(12.0)
        resting = [e.intensity for s, e, a in bench.avatar.pushed if s is None]
        after = resting[resting.index(max(resting)) :]
        assert all(a >= b for a, b in pairwise(after))
        assert 0.3 < after[0] < 0.81 and after[-1] < 0.1 and len(after) > 5
