"""Builds the engines from the settings, and sessions from the engines.

This is the only place that knows which plug-ins are in use. Voice, ears, mind and avatar live in
worker processes; the language model is asynchronous I/O.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from agent.agent import Agent, Limits
from agent.brain import EmbeddedBrain
from agent.models import ModelChoice, detect_models
from agent.persona import Persona, load_persona
from avatar.portraits import gallery
from avatar.types import Portrait
from emotion.errors import LimnerError
from pipeline.brains import access_of, brain_model, chosen
from pipeline.casting import Cast
from pipeline.clock import MediaClock
from pipeline.config import Settings
from pipeline.encoders import H264Encoder, JpegEncoder
from pipeline.frames import RemoteAvatar, RemoteAvatarStream
from pipeline.outlet import Outlet
from pipeline.packets import VideoCodec
from pipeline.parts import Parts
from pipeline.pictures import RemotePictures
from pipeline.plugins import reference
from pipeline.remote import RemoteEars, RemoteMind, RemoteVoice
from pipeline.session import Session
from pipeline.workers import Worker, WorkerEvent
from speech.turns import TurnDetector, TurnSettings
from speech.types import FPS, PLAY_RATE, Voice
from speech.vad import SileroVad

log = structlog.get_logger(__name__)


class Engines:
    """All engines of one server. `start` before use, `close` after; both on the same event loop.

    on_event: hears of workers that die and come back.
    """

    def __init__(
        self, settings: Settings, on_event: Callable[[WorkerEvent], None] = lambda event: None
    ) -> None:
        self.settings = settings
        self.voices: list[Voice] = []
        self.brains: list[ModelChoice] = []
        self._seeds = itertools.count(1)
        self._vad = SileroVad()
        self._voice = Worker("voice", "pipeline.hosts:VoiceHost",
                             {"engine": reference("limner.tts", settings.voice.engine)},
                             on_event)  # fmt: skip
        self._ears = Worker("ears", "pipeline.hosts:EarsHost",
                            {"engine": reference("limner.asr", settings.ears.engine)},
                            on_event)  # fmt: skip
        self._mind = Worker("mind", "pipeline.hosts:MindHost",
                            {"appraiser": reference("limner.emotion", settings.emotion.engine)},
                            on_event)  # fmt: skip
        self._avatar = RemoteAvatar(
            reference("limner.avatar", settings.avatar.engine),
            streams=2 * settings.server.max_sessions,  # a changed portrait overlaps its successor
            on_event=on_event,
        )
        self.pictures = RemotePictures(
            Worker("pictures", "pipeline.pictures:PictureHost", {}, on_event)
        )
        self.mind = RemoteMind(self._mind)
        self._built_in = EmbeddedBrain(embedder=self.mind)  # keeps nothing of a conversation
        self._warming: list[asyncio.Task[None]] = []

    @property
    def workers(self) -> dict[str, Worker]:
        """The worker processes by name; that of the pictures once there was one."""
        always = (self._avatar.worker, self._voice, self._mind, self._ears)
        pictures = (self.pictures.worker,) if self.pictures.worker.starts else ()
        return {w.name: w for w in (*always, *pictures)}

    async def start(self) -> None:
        """Start the workers; returns when face and voice are ready, the others follow.

        Raises ProviderError or ConfigError when face or voice cannot be built.
        """
        self._warming = [asyncio.create_task(self._warm_up(w)) for w in (self._mind, self._ears)]
        self.brains, *_ = await asyncio.gather(
            detect_models(access_of(self.settings.llm)), self._avatar.start(), self._voice.start()
        )
        self.voices = await self._voice.call("voices")
        self._warming.append(asyncio.create_task(self._warm_up(self._voice)))

    async def close(self) -> None:
        """End the workers."""
        for task in self._warming:
            task.cancel()
        await asyncio.gather(
            self._avatar.close(), self._voice.close(), self._mind.close(), self._ears.close(),
            self.pictures.close(),
        )  # fmt: skip

    async def open_session(self, choices: dict[str, Any]) -> Session:
        """A session with choices `persona`, `portrait`, `voice` (names; absent: the settings').

        Raises ConfigError or PortraitError for names that do not exist.
        """
        persona = load_persona(choices.get("persona") or self.settings.persona)
        portrait = choices.get("portrait") or self._face(persona)
        cast = Cast(persona, portrait, choices.get("voice") or self.settings.voice.id)
        clock = MediaClock()
        parts = Parts(
            dialogue=self._agent(persona),
            mind=self.mind,
            voice=RemoteVoice(self._voice),
            voice_id=cast.voice_id(self.voices),
            avatar=await self._portrait(portrait, clock),
            ears=RemoteEars(self._ears),
            turns=self._turn_detector,
            resting=persona.mood(),
            cast=cast,
        )
        lead = self.settings.stream.lead_speaking_ms * PLAY_RATE // 1000
        return Session(parts, clock, lead, self.configure)

    async def configure(self, session: Session, **wishes: Any) -> None:
        """Change a live session: `persona` and `voice` by name, `portrait` by name or itself,
        `feeling` (None: automatic). What is not named stays; a new persona brings its own face and
        voice. Raises ConfigError or PortraitError; the session is then as it was.
        """
        parts = session.parts
        assert parts.cast is not None
        cast = self._recast(parts.cast, wishes)
        voice_id = cast.voice_id(self.voices)
        agent = self._agent(cast.persona) if "persona" in wishes else None
        if cast.portrait != parts.cast.portrait:
            avatar = await self._portrait(cast.portrait, session.clock)
            await session.playout.replace_avatar(avatar)
            parts.avatar = avatar
        if agent:
            await session.stop()
            parts.dialogue, parts.resting = agent, cast.persona.mood()
            session.playout.settle(parts.resting)
        parts.cast, parts.voice_id = cast, voice_id
        if "feeling" in wishes:
            session.playout.hold(wishes["feeling"])
        await session.enter(session.activity)

    def _recast(self, cast: Cast, wishes: dict[str, Any]) -> Cast:
        if "persona" in wishes:
            persona = load_persona(wishes["persona"])
            cast = Cast(persona, self._face(persona))
        changes = {key: wishes[key] for key in ("portrait", "voice") if wishes.get(key)}
        return replace(cast, **changes)

    def outlet(self, codecs: list[str], generation: int) -> Outlet:
        """The way out to a page that can decode these codecs."""
        wanted = self.settings.stream.codec
        size = self.settings.avatar.size
        if wanted != "jpeg" and "h264" in codecs:
            return Outlet(H264Encoder(size, FPS), VideoCodec.H264, generation)
        return Outlet(JpegEncoder(size), VideoCodec.JPEG, generation)

    @property
    def brain(self) -> ModelChoice:
        """The language model that new sessions talk to."""
        return chosen(self.settings.llm, self.brains)

    def status(self) -> dict[str, Any]:
        """What the page shows of the engines."""
        workers = {name: worker.pid is not None for name, worker in self.workers.items()}
        return {"brain": self.brain, "brains": self.brains, "voices": self.voices,
                "workers": workers}  # fmt: skip

    def _agent(self, persona: Persona) -> Agent:
        choice, llm = self.brain, self.settings.llm
        model = brain_model(choice, llm, lambda: self._built_in)
        limits = Limits(
            first_token=llm.first_token_timeout_s, message=self.settings.limits.max_message_chars
        )
        return Agent(model, persona, limits, choice.title)

    def _turn_detector(self) -> TurnDetector:
        silence = self.settings.ears.end_of_turn_ms / 1000
        return TurnDetector(self._vad.open(), TurnSettings(end_silence=silence))

    def _face(self, persona: Persona) -> str:
        return self.settings.avatar.portrait or persona.portrait or gallery()[0].name

    async def _portrait(self, portrait: str | Portrait, clock: MediaClock) -> RemoteAvatarStream:
        stream = await self._avatar.open(portrait, self.settings.avatar.size, next(self._seeds))
        await stream.clear(clock.frame())
        return stream

    async def _warm_up(self, worker: Worker) -> None:
        """Start and load what is slow while the page loads; who needs it meanwhile waits."""
        try:
            if not worker.up:
                await worker.start()
            await worker.call("warm_up")
            if worker is self._mind:
                await self._built_in.warm(load_persona(self.settings.persona).knowledge)
                await self._built_in.ainvoke("Hello")  # what is imported at the first reply
        except LimnerError as error:  # its first use meets this again and reports it
            log.warning("warm_up_failed", worker=worker.name, error=str(error))
