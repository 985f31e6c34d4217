"""Other voices, rooms, noises, lines and levels for the same mouth.

Changes of tempo move the labels in time; all else leaves them where they are. Axis legend: F frames
of 40 ms, L labels.
"""

from collections.abc import Iterator

import numpy as np

from avatar.training.audio import sounds
from avatar.training.audio.takes import ACTIVE, CLOSURE, LABELS, SAMPLES, Floats, Take

Rng = np.random.Generator

SEGMENT = (5.0, 14.0)  # s for which a voice or a place stays
MOST_TEMPO = 1.25


def augmented(take: Take, seed: tuple[int, ...]) -> Take:
    """The same performance by another voice somewhere else; the same for the same seed."""
    rng = np.random.default_rng(seed)
    pcm, where = _other_voice(take.pcm, rng)
    frames = len(pcm) // SAMPLES
    middle = (np.arange(frames) + 0.5) * SAMPLES
    source = np.interp(middle, where[0], where[1]) / SAMPLES - 0.5
    placed = np.concatenate([_placed(pcm[a:b], take.pcm, rng) for a, b in _segments(len(pcm), rng)])
    return Take(placed[: frames * SAMPLES], _labels_at(take.labels, source))


def only_noise(frames: int, seed: tuple[int, ...]) -> Take:
    """Sounds that are not speech, during which the mouth rests."""
    rng = np.random.default_rng(seed)
    pieces = []
    for first, last in _segments(frames * SAMPLES, rng):
        loud = 10 ** (rng.uniform(-55, -12) / 20)
        quiet = rng.random() < 0.15
        piece = sounds.noise(last - first, rng) * (0 if quiet else loud)
        pieces.append(sounds.line(piece, rng) if rng.random() < 0.2 else piece)
    return Take(np.concatenate(pieces).astype(np.float32), np.zeros((frames, LABELS), np.float32))


def _segments(size: int, rng: Rng) -> Iterator[tuple[int, int]]:
    start = 0
    while start < size:
        end = start + int(rng.uniform(*SEGMENT) * 16_000)
        if end > size - 16_000:
            end = size
        yield start, end
        start = end


def _other_voice(pcm: Floats, rng: Rng) -> tuple[Floats, tuple[list[int], list[int]]]:
    """The sound by other voices, and pairs of its samples and the original's."""
    pieces: list[Floats] = []
    new, old = [0], [0]
    for first, last in _segments(len(pcm), rng):
        pieces.append(_voice(pcm[first:last], rng))
        new.append(new[-1] + len(pieces[-1]))
        old.append(last)
    return np.concatenate(pieces), (new, old)


def _voice(pcm: Floats, rng: Rng) -> Floats:
    speed = float(np.exp(rng.uniform(-0.17, 0.17))) if rng.random() < 0.6 else 1.0
    tempo = float(np.exp(rng.uniform(-0.15, 0.15))) if rng.random() < 0.5 else 1.0
    if rng.random() < 0.4:
        pcm = sounds.formants_moved(pcm, float(np.exp(rng.uniform(-0.16, 0.16))))
    if speed != 1:
        pcm = sounds.faster(pcm, speed)
    # Half of the time the tempo stays as it was, and only pitch and formants move.
    stretch = tempo * speed if rng.random() < 0.5 else tempo
    stretch = float(np.clip(stretch, 1 / MOST_TEMPO, MOST_TEMPO))
    return sounds.stretched(pcm, stretch) if abs(stretch - 1) > 0.01 else pcm


def _placed(pcm: Floats, others: Floats, rng: Rng) -> Floats:
    """In a room, with noise, over a line, at some level."""
    loud = float(np.sqrt(np.mean(pcm**2))) + 1e-4
    if rng.random() < 0.5:
        pcm = sounds.room(pcm, rng)
    if rng.random() < 0.7:
        level = loud * 10 ** (-rng.uniform(4, 36) / 20)
        pcm = pcm + np.float32(level) * sounds.noise(len(pcm), rng, others)
    if rng.random() < 0.4:
        pcm = sounds.line(pcm, rng)
    top = float(np.abs(pcm).max()) + 1e-6
    gain = 10 ** (rng.uniform(-33, -1) / 20) / top
    return np.asarray(np.round(pcm * gain * 32767) / 32768, np.float32)


def _labels_at(labels: Floats, source: Floats) -> Floats:
    """(F', L) labels at the source's frames (F',)."""
    low = np.clip(np.floor(source).astype(int), 0, len(labels) - 1)
    high = np.minimum(low + 1, len(labels) - 1)
    part = np.clip(source - low, 0, 1)[:, None].astype(np.float32)
    out = labels[low] * (1 - part) + labels[high] * part
    out[:, CLOSURE : ACTIVE + 1] = labels[np.where(part[:, 0] < 0.5, low, high)][:, CLOSURE:]
    return np.asarray(out, np.float32)
