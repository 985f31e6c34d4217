"""Reads voices into the space of feeling: how aroused one sounds, and `VoiceNet`'s latent.

The net learned from synthetic voices whose feeling is rules of prosody, and hardly tells feelings
of voices it never heard (see the weights' card). So it gives the latent its share, while strengths
are those of the arousal measure, never above `MAX_INTENSITY`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emotion.latent_space import LatentSpace
from emotion.voice_arousal import strengths_from_voice, voice_arousal
from emotion.voice_features import VoiceFeatures, voice_features
from emotion.weight_files import WEIGHTS, floats, stored_arrays

if TYPE_CHECKING:
    from emotion.voice_net import VoiceNet

Vector = NDArray[np.float32]

FORMAT = "limner-emotion-voice-1"
VOICE = WEIGHTS / "voice.safetensors"
_SHORTEST = 13  # frames that the net needs


@dataclass(frozen=True, slots=True, eq=False)
class VoiceReading:
    """strengths: (6,) in [0, `MAX_INTENSITY`] of how aroused the voice is; arousal: in [0, 1],
    0.5 is everyday talk; chance: (7,) in [0, 1] by the net; latent: (4, 64)."""

    strengths: Vector
    arousal: float
    chance: Vector
    latent: Vector


class VoiceEncoder:
    """Deterministic; any thread. Raises ConfigError at first use when weights are missing."""

    def __init__(self, space: LatentSpace, path: Path = VOICE) -> None:
        self._space = space
        self._path = path

    def read(self, audio: Vector) -> VoiceReading | None:
        """audio: (T,) float32 in [-1, 1] at 16 kHz; None where nobody speaks.

        Raises MediaError when it is empty, not one-dimensional, or holds NaN.
        """
        heard = voice_features(audio)
        arousal = voice_arousal(audio) if heard.speech else None
        if arousal is None:
            return None
        presence, query = self._out(heard)
        latent = self._space.attend(query)[0]
        chance = np.asarray(1 / (1 + np.exp(-presence[0])), np.float32)
        return VoiceReading(strengths_from_voice(audio), arousal, chance, latent)

    def _out(self, heard: VoiceFeatures) -> tuple[Vector, Vector]:
        import torch

        size = max(len(heard.frames), _SHORTEST)
        frames = np.zeros((1, size, heard.frames.shape[1]), np.float32)
        frames[0, : len(heard.frames)] = heard.frames
        mask = np.arange(size)[None] < len(heard.frames)
        with torch.inference_mode():
            out = self._net(*map(torch.from_numpy, (frames, mask, heard.manner[None])))
        return out.presence.numpy(), out.query.numpy()

    @cached_property
    def _net(self) -> "VoiceNet":
        import torch

        from emotion.voice_net import VoiceNet

        arrays = floats(stored_arrays(self._path, FORMAT))
        net = VoiceNet()
        net.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        return net.eval().requires_grad_(False)
