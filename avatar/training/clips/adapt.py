"""Adaptation to one person in minutes: what a clip teaches about how this face moves.

Frames of the clip are made from calm ones by the surface; tokens of all frames, a correction of the
encoder's reading, and a `Person` (gains and landmark moves of the movements, depth) descend
together on the difference of the pictures. The nets themselves stay.

Axis legend: F frames, K expression coefficients, I identity dims, D token dims, B batch.
"""

import json
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from avatar.semo.encoder import SIDE, MaskedMotionEncoder
from avatar.semo.personal import Person, depth_modes, nobody
from avatar.semo.prepared import prepared
from avatar.semo.surface import FaceSurface
from avatar.semo.types import TOKEN
from avatar.training.clips.driving import Heads, driven, heads
from avatar.training.clips.films import Filmed
from avatar.training.clips.scenes import pairs_of
from avatar.training.motion.reconstruction import Pyramid, reconstruction_loss, sampled_at
from avatar.training.motion.twin import Sitters, StageTwin

LOG = logging.getLogger(__name__)


class AdaptSettings(BaseModel):
    """Everything that decides the result; stored in the person's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 29
    minutes: float = Field(default=4.0, gt=0)
    most_steps: int = 900
    batch: int = 10
    token_rate: float = 0.02
    person_rate: float = 4e-3
    move_rate: float = 4e-4  # cm; faster ones tear the corners of the mouth
    read_rate: float = 2e-3
    landmarks: float = 0.02  # weight of our net's landmarks, of their distance in % of the face
    # Pulls to the general person, in spreads of what persons do.
    pull: float = 0.01
    gain_spread: float = 0.25
    move_spread: float = 0.06  # cm
    identity_spread: float = 0.6
    read_spread: float = 0.05
    token_pull: float = 0.02  # of the frames' own corrections to what the encoder reads


class PersonalTwin(StageTwin):
    """The stage of one person."""

    spread: Tensor
    spread_points: Tensor

    def __init__(self, surface: FaceSurface) -> None:
        super().__init__(surface)
        correction = prepared(surface).correction
        self.register_buffer("spread", torch.from_numpy(correction.basis), False)
        points = torch.from_numpy(correction.points.astype(np.int64))
        self.register_buffer("spread_points", points, False)
        count, dims = len(surface.weights.expression), surface.identity_size
        self.gain = nn.Parameter(torch.ones(count))
        self.moves = nn.Parameter(torch.zeros(count, self.spread.shape[1], 3))
        self.identity = nn.Parameter(torch.zeros(dims))
        self.matrix = nn.Parameter(torch.zeros(TOKEN, TOKEN))
        self.offset = nn.Parameter(torch.zeros(TOKEN))
        self.model.requires_grad_(False)
        self._moved = self._movements()

    def movements(self) -> Tensor:
        """See `StageTwin`; as they were at the last `refresh`."""
        return self._moved

    def refresh(self) -> None:
        """Take changed gains and moves over: they serve several times in a step."""
        self._moved = self._movements()

    def _movements(self) -> Tensor:
        count = len(self.gain)
        more = torch.einsum("pl,klc->kpc", self.spread, self.moves)
        basis = (self.model.basis * self.gain[:, None]).view(count, -1, 3)
        return basis.index_add(1, self.spread_points, more).view(count, -1)

    def deepened(self, sitters: Sitters, modes: Tensor) -> Sitters:
        """With this person's depth; modes (I,N*3) of the sitter, the same one B times."""
        moved = self.identity @ modes
        return replace(sitters, rest=sitters.rest + moved.view(1, -1, 3))

    def read(self, tokens: Tensor) -> Tensor:
        """(B,64) of the encoder, corrected."""
        return tokens + tokens @ self.matrix.T + self.offset

    def person(self, surface: FaceSurface, fingerprint: str) -> Person:
        """What was learned."""
        arrays = (self.gain, self.moves, self.identity, self.matrix, self.offset)
        gain, moves, identity, matrix, offset = (a.detach().numpy().copy() for a in arrays)
        start = nobody(surface, fingerprint)
        return replace(
            start, gain=gain, moves=moves, identity=identity, matrix=matrix, offset=offset
        )


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the encoder says of all frames of a film: tokens (F,64), placements (F,3); squares
    (F,3): centre x, y and side in px."""

    tokens: Tensor
    placements: Tensor
    squares: Tensor


def reading(film: Filmed, encoder: MaskedMotionEncoder) -> Reading:
    """Of the canonical squares around the head."""
    images = film.scene.shard.images
    cuts = np.stack([s.cut(i, SIDE) for s, i in zip(film.squares, images, strict=True)])
    parts = [encoder.encode(cuts[at : at + 16]) for at in range(0, len(cuts), 16)]
    tokens, places = (
        torch.from_numpy(np.concatenate([getattr(part, name) for part in parts]))
        for name in ("token", "placement")
    )
    squares = torch.tensor([[s.x, s.y, s.side] for s in film.squares])
    return Reading(tokens, places, squares)


def tokens_read(
    film: Filmed, read: Reading, frames: Tensor, twin: StageTwin, fix: PersonalTwin | None = None
) -> Tensor:
    """(B,64) tokens that show the frames (B,) on the film's source, as the encoder read them; fix:
    whose correction of the reading counts."""
    size = film.scene.shard.images.shape[1]
    source = torch.full_like(frames, film.scene.source)
    many = film.scene.sitter.take(torch.zeros_like(frames))
    persons = film.person.take(torch.zeros_like(frames))

    def seen(at: Tensor) -> Heads:
        token = read.tokens[at] if fix is None else fix.read(read.tokens[at])
        return heads((token, read.placements[at]), read.squares[at], many, twin, size)

    return driven(seen(frames), seen(source), persons, many, twin)


def adapt(
    films: list[Filmed],
    readings: list[Reading] | None,
    surface: FaceSurface,
    settings: AdaptSettings,
) -> tuple[PersonalTwin, list[Tensor]]:
    """films: of one person; readings: of the encoder, None: the scaffold stands in for it. Returns
    the person and the tokens (F,64) of each film."""
    torch.manual_seed(settings.seed)
    twin = PersonalTwin(surface)
    own = [torch.zeros_like(film.scene.tokens).requires_grad_() for film in films]
    modes = [torch.from_numpy(depth_modes(film.scene.fitted, surface)).flatten(1) for film in films]
    groups = [
        # Each frame is drawn now and then only: no momentum, and a short memory of its gradients.
        {"params": own, "peak": settings.token_rate, "betas": (0.0, 0.5)},
        {"params": [twin.gain, twin.identity], "peak": settings.person_rate},
        {"params": [twin.moves], "peak": settings.move_rate},
        {"params": [twin.matrix, twin.offset], "peak": settings.read_rate},
    ]
    optimiser = torch.optim.Adam([{**group, "lr": group["peak"]} for group in groups])
    rng, begun, step = np.random.default_rng(settings.seed), time.monotonic(), 0
    while (done := _done(begun, step, settings)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * (0.5 + 0.5 * math.cos(math.pi * done))
        twin.refresh()
        at = step % len(films)
        count = min(settings.batch, films[at].frames)
        frames = torch.from_numpy(rng.choice(films[at].frames, count, replace=False))
        start = _start(films[at], readings[at] if readings else None, frames, twin)
        tokens = start + own[at][frames]
        many = films[at].scene.sitter.take(torch.zeros_like(frames))
        sitters = twin.deepened(many, modes[at])
        loss = _difference(films[at], frames, (tokens, sitters), twin, (settings, done))
        loss = loss + _pulls(twin, own[at][frames], settings)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step % 100 == 0:
            LOG.info("step %d: %.4f", step, float(loss.detach()))
        step += 1
    LOG.info("%d steps in %.0f s", step, time.monotonic() - begun)
    with torch.no_grad():
        twin.refresh()
        every = [torch.arange(film.frames) for film in films]
        given: Sequence[Reading | None] = readings or [None] * len(films)
        tokens_of = [
            _start(film, read, some, twin) + mine
            for film, read, some, mine in zip(films, given, every, own, strict=True)
        ]
    return twin, [tokens.detach() for tokens in tokens_of]


def _done(begun: float, step: int, settings: AdaptSettings) -> float:
    spent = (time.monotonic() - begun) / (60 * settings.minutes)
    return max(spent, step / settings.most_steps)


def _start(film: Filmed, read: Reading | None, frames: Tensor, twin: PersonalTwin) -> Tensor:
    if read is None:
        return film.scene.tokens[frames]
    return tokens_read(film, read, frames, twin, twin)


def _difference(
    film: Filmed,
    frames: Tensor,
    shown: tuple[Tensor, Sitters],
    twin: StageTwin,
    now: tuple[AdaptSettings, float],
) -> Tensor:
    """() pictures and landmarks of tokens (B,64) on sitters against the film's frames."""
    settings, done = now
    pairs = pairs_of([film.scene], [(0, at) for at in frames.tolist()])
    pyramid = Pyramid()
    source = [level.expand(len(frames), -1, -1, -1) for level in pyramid(pairs.source[:1])]
    there = sampled_at(twin(*shown), pairs.samples)
    level = 1 if done < 0.4 else 0
    places = (pairs.samples.at, there)
    picture = reconstruction_loss(
        source, pyramid(pairs.target), places, film.visible[frames], level
    )
    shard = film.scene.shard
    scale = np.float32(100 / np.ptp(film.scene.fitted.landmarks, axis=0).max())
    away = twin.landmarks(*shown) - twin.landmarks(
        film.scene.sitter.rest_token.expand(len(frames), -1), shown[1]
    )
    moved = (shard.points[frames.numpy()] - shard.points[film.scene.source]) / shard.images.shape[1]
    off = (away - torch.from_numpy(moved)).norm(dim=-1) * scale
    out: Tensor = picture + settings.landmarks * ((off.square() + 1).sqrt() - 1).mean()
    return out


def _pulls(twin: PersonalTwin, own: Tensor, settings: AdaptSettings) -> Tensor:
    pulled = [
        ((twin.gain - 1) / settings.gain_spread).square().mean(),
        (twin.moves / settings.move_spread).square().sum() / len(twin.gain),
        (twin.identity / settings.identity_spread).square().mean(),
        (twin.matrix / settings.read_spread).square().mean(),
    ]
    total = torch.stack(pulled).sum()
    out: Tensor = settings.pull * total + settings.token_pull * own.square().mean()
    return out


def story(settings: AdaptSettings, figures: dict[str, object]) -> str:
    """For the person's file."""
    return json.dumps({"settings": settings.model_dump(), "figures": figures}, sort_keys=True)
