"""One connection's way out: codes pictures, orders packets, bounds what waits."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.types import Activity
from pipeline.encoders import VideoEncoder
from pipeline.packets import Kind, MediaPacket, Message, VideoCodec
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME

UNSEEN = 2 * PLAY_RATE  # pictures stop when the page's acknowledgement is this far behind
WAITING = 50  # and when this many packets wait for the socket


class Outlet:
    """Packets and messages for one connected page, in order.

    hidden: the tab is not visible, pictures are not wanted.
    offload: runs the encoder away from the event loop.
    """

    def __init__(
        self,
        encoder: VideoEncoder,
        codec: VideoCodec,
        generation: int = 0,
        offload: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        self.hidden = False
        self.codec = codec
        self._encoder = encoder
        self._offload = offload
        self._generation = generation
        self._items: deque[bytes | str] = deque()
        self._ready = asyncio.Event()
        self._closed = False
        self._sent_pts = 0
        self._acked_pts: int | None = None
        self.pictures = 0
        self.dropped = 0

    @property
    def congested(self) -> bool:
        """Whether pictures should pause because the link cannot carry them."""
        unseen = self._acked_pts is not None and self._sent_pts - self._acked_pts > UNSEEN
        if unseen or len(self._items) > WAITING:
            self.dropped += 1
            return True
        return False

    def acknowledge(self, pts: int) -> None:
        """The page says which media sample it is playing."""
        self._acked_pts = pts

    def message(self, message: Message) -> None:
        """Queue a JSON message."""
        self._put(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    def sound(self, pcm: NDArray[np.float32], pts: int, generation: int, turn: int) -> None:
        """Queue sound: pcm (T,) float32 in [-1, 1] at 24 kHz."""
        data = (np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes()
        self._put(
            MediaPacket(
                Kind.AUDIO, 0, True, Activity.SPEAKING, generation, turn, pts, len(pcm), data
            ).encode()
        )

    async def picture(
        self, rgb: NDArray[np.uint8], pts: int, generation: int, turn: int, activity: Activity
    ) -> None:
        """Code a frame off the event loop and queue it: rgb (H, W, 3) uint8."""
        coded = await self._offload(self._encoder.encode, rgb, pts)
        if generation != self._generation:  # cut meanwhile; it may have taken the key frame along
            self._encoder.force_key()
            return
        self.pictures += 1
        self._sent_pts = pts
        self._put(
            MediaPacket(
                Kind.VIDEO, self.codec, coded.key, activity, generation, turn, pts,
                SAMPLES_PER_FRAME, coded.data,
            ).encode()
        )  # fmt: skip

    def cut(self, generation: int, pts: int) -> None:
        """Barge-in: the page must hear of it before anything else; waiting media is dropped.

        The next picture is a key frame, since the page throws away what it had not decoded.
        """
        self._generation = generation
        waiting = [item for item in self._items if isinstance(item, str)]
        self._items = deque(waiting)
        self._encoder.force_key()
        message = {"type": "generation", "generation": generation, "pts": pts}
        self._items.appendleft(json.dumps(message, separators=(",", ":")))
        self._ready.set()

    def close(self) -> None:
        """End `items` once what waits is out."""
        self._closed = True
        self._ready.set()

    async def items(self) -> AsyncIterator[bytes | str]:
        """What is to be sent: bytes are media packets, str are JSON messages."""
        while True:
            while self._items:
                yield self._items.popleft()
            if self._closed:
                return
            await self._ready.wait()
            self._ready.clear()

    def _put(self, item: bytes | str) -> None:
        if not self._closed:
            self._items.append(item)
            self._ready.set()
