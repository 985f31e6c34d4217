"""Conditions, takes and nets of a toy size, to test the motion reasoner with."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avatar.phone_features import SEEN, phone_features
from avatar.reasoner import AUDIO, CHUNK, CUES, LATENT, STYLE, Conditions
from avatar.rig import INDEX, RIG
from avatar.semo.loading import load_surface
from avatar.training.reasoner.config import Config, Shape
from avatar.training.reasoner.takes import Takes
from avatar.types import Activity
from avatar.visemes import Phone

Floats = NDArray[np.float32]
TINY = Shape(width=32, layers=2, heads=2, expert_layers=1, expert_width=8)


def conditions(**changed: Any) -> Conditions:
    """A chunk of somebody idle and unfeeling, in silence, phones known; with some parts changed."""
    parts: dict[str, Any] = {
        "audio": np.zeros((CHUNK, AUDIO), np.float32),
        "heard": np.zeros((CHUNK, AUDIO), np.float32),
        "phones": phone_features([], 0, CHUNK),
        "phones_known": True,
        "activity": np.full(CHUNK, Activity.IDLE),
        "emotion": np.zeros((CHUNK, 6), np.float32),
        "latent": np.zeros(LATENT, np.float32),
        "style": np.zeros(STYLE, np.float32),
        "cues": np.zeros((CHUNK, CUES), np.float32),
    }
    return Conditions(**parts | changed)


def said(phones: list[Phone], first: int) -> Conditions:
    """The chunk from frame `first` on of speech with these phones."""
    activity = np.full(CHUNK, Activity.SPEAKING)
    return conditions(phones=phone_features(phones, first, CHUNK), activity=activity)


def toy_config(stage: int = 1, **changed: Any) -> Config:
    """Settings of a training of seconds."""
    small: dict[str, Any] = {"steps": 30, "windows": 6, "chunks": 2, "warm_up": 4, "average": 0.9}
    small |= {"precision": "fp32", "every": 1e9, "shape": TINY, "stage": stage}
    return Config(**small | changed)


def toy_takes(count: int = 3, frames: int = 140, seed: int = 0) -> Takes:
    """Takes of a jaw that follows the sound, with smiles that follow the feeling."""
    rng = np.random.default_rng(seed)
    parts = [_toy_take(rng, frames) for _ in range(count)]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    start = np.arange(count + 1) * frames
    style = rng.standard_normal((count, STYLE)).astype(np.float32)
    return Takes(**rows, start=start, style=style, voice=("toy",) * count)


def _toy_take(rng: np.random.Generator, frames: int) -> dict[str, Any]:
    time = np.arange(frames)
    talks = time < 0.8 * frames
    jaw = (0.3 + 0.25 * np.sin(time * 0.6 + rng.uniform(0, 6))) * talks
    smile = (np.sin(time * 0.1 + rng.uniform(0, 6)) > 0).astype(np.float32)
    rig = np.zeros((frames, len(RIG)), np.float32)
    rig[:, INDEX["jawOpen"]] = jaw
    rig[:, -3:] = rng.normal(0, 0.02, (frames, 3))
    felt = rig.copy()
    for side in "LR":
        felt[:, INDEX[f"mouthSmile_{side}"]] = 0.6 * smile
    audio = rng.normal(0, 0.1, (frames, AUDIO))
    audio[:, 0] = 4 * jaw
    emotion = np.zeros((frames, 6))
    emotion[:, 0] = 0.8 * smile
    surface = load_surface()
    halves: dict[str, NDArray[np.floating]] = {
        "neutral": surface.rig_to_token(rig), "rig": surface.rig_to_token(felt), "audio": audio,
        "heard": np.zeros((frames, AUDIO)), "emotion": emotion, "cues": np.zeros((frames, CUES)),
    }  # fmt: skip
    return {
        **{name: values.astype(np.float16) for name, values in halves.items()},
        "bins": (rng.integers(1, 29, (frames, SEEN)) * talks[:, None]).astype(np.uint8),
        "activity": np.where(talks, Activity.SPEAKING, Activity.IDLE).astype(np.uint8),
    }


def latents_of(strengths: torch.Tensor) -> torch.Tensor:
    """(B,6) to (B,4,64): strengths in the first columns, instead of the trained space."""
    out = torch.zeros(len(strengths), *LATENT)
    out[:, :, :6] = strengths[:, None]
    return out
