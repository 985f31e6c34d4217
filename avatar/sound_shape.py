"""What the bare sound says about the mouth: loudness, and roughly the vowel, every 10 ms."""

from collections import deque
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from avatar.motion import f32
from speech.types import PLAY_RATE

HOP = PLAY_RATE // 100
WINDOW = 3 * HOP
SPAN = 5  # hops averaged for one look, 50 ms
# Hz; roughly voice bar and low first formant, high first formant, second formant, friction.
BANDS = ((80, 500), (500, 1100), (1500, 3200), (4000, 9000))
FLOOR = 0.004  # rms below which there is silence
PEAK_DECAY = 0.9995  # of the speaker's loudest, per hop


@dataclass(frozen=True, slots=True)
class Cues:
    """All in [0, 1]. known: there is sound at this time; shaped: it was analysed for vowels."""

    level: float = 0.0
    openness: float = 0.0
    spread: float = 0.0
    rounding: float = 0.0
    known: bool = False
    shaped: bool = False


class SoundShape:
    """Cues of the speech of one session, on the media clock."""

    def __init__(self) -> None:
        self._hops: deque[tuple[int, NDArray[np.float32], bool]] = deque()
        self._peak = 0.06

    def clear(self) -> None:
        """Forget all sound, but not how loud this speaker is."""
        self._hops.clear()

    def push(self, pcm: NDArray[np.float32], start: int, *, shaped: bool) -> None:
        """Add (T,) float32 in [-1, 1] from sample `start`; shaped: also analyse the vowel."""
        for offset in range(0, len(pcm), HOP):
            piece = pcm[offset : offset + (WINDOW if shaped else HOP)]
            level = self._level(piece[:HOP])
            shape = _vowel(piece, level) if shaped else np.zeros(3, np.float32)
            self._hops.append((start + offset, f32([level, *shape]), shaped))

    def _level(self, piece: NDArray[np.float32]) -> float:
        rms = float(np.sqrt(np.mean(piece * piece)))
        self._peak = max(self._peak * PEAK_DECAY, rms, 0.02)
        return min(1.0, rms / self._peak) if rms > FLOOR else 0.0

    def at(self, sample: int, forget: int) -> Cues:
        """Cues around `sample`; hops before `forget` are dropped."""
        while self._hops and self._hops[0][0] < forget:
            self._hops.popleft()
        reach = SPAN * HOP // 2
        last = sample + reach - HOP // 2
        started = takewhile(lambda hop: hop[0] < last, self._hops)
        near = [hop for hop in started if hop[0] >= last - 2 * reach]
        if not near:
            return Cues()
        level, openness, spread, rounding = np.mean([hop[1] for hop in near], 0).tolist()
        return Cues(level, openness, spread, rounding, True, near[0][2])


def _vowel(piece: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    """(3,) openness, spread, rounding from band energies."""
    if level <= 0 or len(piece) < HOP:
        return np.zeros(3, np.float32)
    power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
    hertz = np.fft.rfftfreq(len(piece), 1 / PLAY_RATE)
    low, first, second, hiss = (
        float(power[(hertz >= a) & (hertz < b)].sum()) + 1e-9 for a, b in BANDS
    )
    voiced = low + first + second
    if hiss > voiced:
        return f32([0.16, 0.4, 0.0])
    openness = level**0.6 * (0.30 + 0.70 * min(1.0, 2.2 * first / voiced))
    spread = level * min(1.0, 4.0 * second / voiced)
    rounding = level * max(0.0, 1.0 - 8.0 * (first + second) / voiced)
    return f32([openness, spread, rounding])
