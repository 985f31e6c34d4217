"""What a voice says of the mouth and the head, frame by frame: the learned audio encoder at work.

Causal convolutions (trained in `avatar.training.audio`) read log-mel bands, pitch and energy
(`speech.features`). Frame f sees the sound up to the end of frame f + LOOKAHEAD and none later;
what is not there yet counts as silence. Axis legend: T samples, K hops of 10 ms, F frames of 40 ms,
W features.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ConfigError
from speech.features import ENERGY, FEATURES, HOP, PITCH, VOICED, FeatureStream, as_sound, features
from speech.onnx import session
from speech.pcm import checked, resample
from speech.types import FEATURE_RATE, FPS

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).parent / "weights" / "audio_encoder.onnx"
LEARNED = 96
# Columns after the learned ones: loudness 0..1.25 relative to the speaker; pitch in octaves from
# the voice's centre; voiced, speech, lips closed (m b p) and lip on teeth (f v) in 0..1; lip gap of
# the mean face in cm; rise of the loudness over the last 120 ms.
LOUDNESS, F0, IS_VOICED, SPEECH, CLOSURE, BITE, GAP, RISE = range(LEARNED, LEARNED + 8)
WIDTH = LEARNED + 8
LOOKAHEAD = 2  # frames
HOPS = 4  # of a frame
REACH = 20  # frames before a frame that may matter to it
_RISE = 3  # frames
_SAMPLES = HOPS * HOP  # of a frame
_KEPT = 2 * FPS  # frames that a track remembers behind the newest that was asked for
_GAP = FPS  # frames of silence after which nothing is left of what was heard before
_LONGEST = 20 * FPS  # frames of silence that a track keeps at most, whoever still wants them
_OVERLAP = 512  # samples of the sound before, so that changing the rate leaves no seam


class AudioEncoder:
    """The network; holds nothing that changes. Raises ConfigError when its weights are missing."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        try:
            self._net = session(weights)
        except OSError as error:
            raise ConfigError(
                f"The audio encoder's weights cannot be read: {error}.",
                "Install Limner again, or train them with: limner train audio",
            ) from error
        self.silence = self.of_hops(_silent_hops(REACH + 1 + LOOKAHEAD), 1)[0]

    def features(self, pcm: NDArray[np.float32] | NDArray[np.int16]) -> Floats:
        """(F, W) of a whole sound (T,) at 16 kHz, F = T // 640. Raises MediaError as
        `speech.features.as_sound`."""
        sound = as_sound(pcm)
        frames = len(sound) // _SAMPLES
        heard = features(sound[: frames * _SAMPLES])
        hops = np.concatenate([_silent_hops(REACH), heard, _silent_hops(LOOKAHEAD)])
        return self.of_hops(hops, frames)

    def of_hops(self, hops: Floats, count: int) -> Floats:
        """(count, W) of the last `count` frames before the look-ahead.

        hops: (4 (R + count + LOOKAHEAD), C): R frames come before them.
        """
        if count <= 0:
            return np.zeros((0, WIDTH), np.float32)
        learned, sides = self._net.run(None, {"hops": np.ascontiguousarray(hops, np.float32)})
        end = len(hops) // HOPS - LOOKAHEAD
        heard = hops[: end * HOPS].reshape(end, HOPS, FEATURES).mean(1)
        loud = heard[:, ENERGY]
        before = np.concatenate([np.repeat(loud[:1], _RISE), loud])[: len(loud)]
        out = np.empty((count, WIDTH), np.float32)
        # The net's answer n sees the hops of n: that of a frame comes LOOKAHEAD later.
        out[:, :LEARNED] = learned[-count:]
        out[:, LOUDNESS], out[:, F0] = loud[-count:], heard[-count:, PITCH]
        out[:, IS_VOICED] = heard[-count:, VOICED]
        out[:, [SPEECH, CLOSURE, BITE, GAP]] = sides[-count:]
        out[:, RISE] = (loud - before)[-count:]
        return out


class AudioTrack:
    """The sound of one speaker on the media clock, pushed in pieces, read frame by frame.

    Pieces come in order and may leave gaps; all times count from the media clock's zero.
    """

    def __init__(self, encoder: AudioEncoder) -> None:
        self._encoder = encoder
        self._asked = 0  # frame behind the newest that was asked for
        self._begin()

    def clear(self) -> None:
        """Forget all sound."""
        self._begin()

    def push(self, pcm: NDArray[np.float32], rate: int, start_sample: int) -> None:
        """Add (T,) sound whose first sample stands at `start_sample`, both at `rate` Hz.

        Sound that overlaps what is there already is cut at its start. Raises MediaError for
        what is no sound.
        """
        sound = checked(pcm, rate)
        start = round(start_sample * FEATURE_RATE / rate)
        fresh = self._resampled(sound, rate, start_sample)
        if start < self._end:
            fresh, start = fresh[self._end - start :], self._end
        if len(fresh) == 0:
            return
        if self._is_apart(start):
            # A voice that pauses keeps its loudness and pitch.
            self._stream.pass_silence((start - self._end) // HOP)
            self._begin_at(start, self._stream)
        self._take(np.concatenate([np.zeros(start - self._end, np.float32), fresh]))

    def at(self, first_frame: int, count: int) -> Floats:
        """(count, W) features from frame `first_frame` on; silence's where nothing is.

        Frames must not go back by more than two seconds from the newest asked for.
        """
        self._forget(first_frame)
        self._asked = max(self._asked, first_frame + count)
        first, after = self._first, self._first + len(self._hops) // HOPS
        out = np.repeat(self._encoder.silence[None], count, 0)
        low = max(first_frame, first)
        high = min(first_frame + count, after + REACH)
        if high > low and len(self._hops):
            self._compute(high)
            out[low - first_frame : high - first_frame] = self._done[low - first : high - first]
        return out

    def _is_apart(self, start: int) -> bool:
        """Whether what is there is no longer wanted when sound from sample `start` comes."""
        gap = (start - self._end) // _SAMPLES
        played = self._asked * _SAMPLES >= self._end + LOOKAHEAD * _SAMPLES
        return gap > _LONGEST or (gap > _GAP and (played or self._end == self._begun))

    def _begin(self) -> None:
        self._begin_at(0)
        self._asked = 0
        self._before = np.zeros(0, np.float32)
        self._rate = self._next = 0

    def _begin_at(self, start: int, stream: FeatureStream | None = None) -> None:
        """An empty track whose frames begin with that of sample `start`."""
        self._first = start // _SAMPLES - REACH  # the frame of the first hop
        self._stream = stream or FeatureStream()
        self._hops = _silent_hops(REACH)
        self._done = np.zeros((0, WIDTH), np.float32)  # features from the first frame on
        self._begun = start // _SAMPLES * _SAMPLES  # sample of the first frame with sound
        self._end = self._begun  # sample behind the last one taken
        self._sure = 0  # frames of `_done` that no later sound changes

    def _resampled(self, sound: Floats, rate: int, start: int) -> Floats:
        """At 16 kHz; what came just before goes through the filter with it."""
        joined = start == self._next and rate == self._rate
        before = self._before if joined else np.zeros(0, np.float32)
        # A whole number of samples at both rates.
        step = rate // np.gcd(rate, FEATURE_RATE)
        before = before[len(before) % step :] if len(before) else before
        both = resample(np.concatenate([before, sound]), rate, FEATURE_RATE)
        self._before = np.concatenate([before, sound])[-_OVERLAP:]
        self._rate, self._next = rate, start + len(sound)
        return both[round(len(before) * FEATURE_RATE / rate) :]

    def _take(self, sound: Floats) -> None:
        self._end += len(sound)
        self._hops = np.concatenate([self._hops, self._stream.push(sound)])

    def _compute(self, high: int) -> None:
        """Features up to frame `high` of the media clock, as far as they are not final."""
        wanted = high - self._first
        whole = len(self._hops) // HOPS
        if wanted <= min(len(self._done), self._sure):
            return
        since = max(0, self._sure - REACH)
        missing = max(0, (wanted + LOOKAHEAD) * HOPS - len(self._hops))
        known = self._hops[since * HOPS : (wanted + LOOKAHEAD) * HOPS]
        hops = np.concatenate([known, _silent_hops(0, missing)])
        count = wanted - self._sure
        new = self._encoder.of_hops(hops, count)
        self._done = np.concatenate([self._done[: self._sure], new])
        self._sure = max(self._sure, min(wanted, whole - LOOKAHEAD))

    def _forget(self, frame: int) -> None:
        """Drop what is long past."""
        old = frame - _KEPT - REACH - self._first
        whole = min(old, self._sure - REACH, len(self._hops) // HOPS)
        if whole < FPS:
            return
        self._first += whole
        self._hops, self._done = self._hops[whole * HOPS :], self._done[whole:]
        self._sure -= whole


def _silent_hops(frames: int, hops: int = 0) -> Floats:
    """(4 frames + hops, C) of digital silence."""
    return np.repeat(features(np.zeros(HOP, np.float32)), frames * HOPS + hops, 0)
