"""The media clock: time counted in samples at 24 kHz, from an injected time source."""

import asyncio
import time
from collections.abc import Callable

from speech.types import PLAY_RATE, SAMPLES_PER_FRAME


class MediaClock:
    """Samples since the session began. All stages of one session share one clock.

    now: monotonic seconds; tests inject a virtual one (and override `wait`).
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()

    def sample(self) -> int:
        """The sample that is due now."""
        return int((self._now() - self._began) * PLAY_RATE)

    def frame(self) -> int:
        """The 25 fps frame that is due now."""
        return self.sample() // SAMPLES_PER_FRAME

    async def wait(self, sample: int, wake: asyncio.Event) -> None:
        """Return when `sample` is due or `wake` is set, whichever comes first; clears `wake`."""
        seconds = (sample - self.sample()) / PLAY_RATE
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await wake.wait()
            except TimeoutError:
                return
        wake.clear()
