"""Writing a clip: H.264 pictures at 25 fps and AAC sound, as cameras and phones do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from avatar.training.synthetic.buffers import Bytes, Floats
from speech.types import FPS, PLAY_RATE, SAMPLES_PER_FRAME

AAC_BITS = 96_000
QUALITY = "21"  # x264's constant rate factor: what a decent webcam programme stores
BT709, LIMITED = 1, 1  # codes of H.264


@dataclass(slots=True)
class Film:
    """An open clip; see `film`."""

    container: Any
    video: Any
    audio: Any
    frames: int = 0

    def add(self, rgb: Bytes, pcm: Floats) -> None:
        """The next picture (H,W,3) and its sound (960,) in -1..1."""
        from av import AudioFrame, VideoFrame

        if len(pcm) != SAMPLES_PER_FRAME:
            raise ValueError(f"a frame lasts {SAMPLES_PER_FRAME} samples, got {len(pcm)}")
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED)
        picture.pts, picture.time_base = self.frames, Fraction(1, FPS)
        sound = AudioFrame.from_ndarray(
            np.clip(pcm, -1, 1)[None].astype(np.float32), "fltp", "mono"
        )
        sound.rate, sound.time_base = PLAY_RATE, Fraction(1, PLAY_RATE)
        sound.pts = self.frames * SAMPLES_PER_FRAME
        self.frames += 1
        self.container.mux(self.video.encode(picture))
        self.container.mux(self.audio.encode(sound))


@contextmanager
def film(path: Path, width: int, height: int) -> Iterator[Film]:
    """A clip of even width and height px that appears under its name when it is whole."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part")
    try:
        with av.open(str(unfinished), "w", format="mp4") as container:
            video = container.add_stream("libx264", rate=FPS)
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            video.codec_context.color_primaries = video.codec_context.color_trc = BT709
            video.codec_context.colorspace = BT709
            video.codec_context.color_range = LIMITED
            # One thread: the same pictures give the same bytes.
            video.options = {"preset": "veryfast", "crf": QUALITY, "threads": "1"}
            audio = container.add_stream("aac", rate=PLAY_RATE, layout="mono")
            audio.bit_rate = AAC_BITS
            out = Film(container, video, audio)
            yield out
            container.mux(video.encode(None))
            container.mux(audio.encode(None))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
