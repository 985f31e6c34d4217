"""Small video files for tests: a gallery face that moves, with a voice or without."""

from pathlib import Path

import av
import numpy as np

from avatar.portraits import load_portrait
from avatar.training.clips.reading import SOUND_RATE


def face_frames(count, name="mara", size=192):
    """`count` frames of a gallery portrait that wanders a little."""
    import cv2

    rgb = load_portrait(name).rgb
    small = cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA)
    out = []
    for at in range(count):
        shift = np.float32([[1, 0, 2 * np.sin(at / 4)], [0, 1, np.cos(at / 5)]])
        out.append(cv2.warpAffine(small, shift, (size, size), borderMode=cv2.BORDER_REPLICATE))
    return out


def write_clip(path, frames, pcm=None, rate=25):
    """An MP4 (H.264, AAC) of (H, W, 3) uint8 frames; pcm at SOUND_RATE."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("h264", rate=rate)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        sound = None
        if pcm is not None:
            sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(video.encode(None))
        if sound is not None:
            data = np.ascontiguousarray(pcm[None], np.float32)
            audio = av.AudioFrame.from_ndarray(data, format="fltp", layout="mono")
            audio.rate = SOUND_RATE
            container.mux(sound.encode(audio))
            container.mux(sound.encode(None))
    return Path(path)
