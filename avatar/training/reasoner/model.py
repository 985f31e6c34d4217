"""The net: from ten shown frames and what is heard, said and felt to the next five frames.

It predicts the clean motion from a noisy one (flow matching in its x1 form, Lipman et al. 2023:
x_t = (1 - t) noise + t x1, velocity = (x1 - x_t) / (1 - t)). Conditions reach every layer frame by
frame through adaptive layer norm (DiT, Peebles and Xie 2023). The base answers what a face does
without any feeling, whatever feelings the shown frames bear; the experts add the feeling.
Axis legend: B chunks, L 5 frames, C 10 shown frames, D whitened token dims, d width.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from avatar.training.reasoner.config import Shape
from emotion.experts import Feeling, Gate, MoEE, Parts, given_or_predicted, predicted

CHUNK, CONTEXT, TOKEN = 5, 10, 64
STYLE, CUES, ACTIVITIES = 4, 9, 4
LATENT = 64  # E


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Conditions of B chunks: audio, heard (B,L,W); phones (B,L,K); activity (B,L) int64;
    style (B,4); cues (B,L,9). has: (B,5) in {0, 1}, which of audio, heard, phones, style and cues
    are there."""

    audio: Tensor
    heard: Tensor
    phones: Tensor
    activity: Tensor
    style: Tensor
    cues: Tensor
    has: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Felt:
    """given: the feeling as named; known: (B,) 1 where it is, 0 where the gate has to read it;
    shown: (B,) share of its strength that is shown."""

    given: Feeling
    known: Tensor
    shown: Tensor


# About the spread of each cue in the takes: blink, gaze (rad), posture (rad and cm).
CUE_UNITS = (1.0, 0.1, 0.04, 0.02, 0.017, 0.011, 0.09, 0.05, 0.25)

Logits = tuple[Tensor, Tensor]


class Listener(nn.Module):
    """The conditions of a chunk as one vector a frame."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.width
        self.audio = _two(shape.audio, d)
        self.heard = _two(shape.audio, d)
        self.phones = _two(shape.phones, d)
        self.style = nn.Linear(STYLE, d)
        self.cues = _two(CUES, d)
        self.absent = nn.Parameter(torch.zeros(5, d))
        self.activity = nn.Embedding(ACTIVITIES, d)
        self.place = nn.Parameter(torch.randn(CHUNK, d) * 0.1)
        self.mix = nn.Sequential(nn.SiLU(), nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, given: Given) -> Tensor:
        """To (B,L,d)."""
        style = self.style(given.style)[:, None]
        parts = (
            self.audio(given.audio),
            self.heard(given.heard),
            self.phones(given.phones),
            style,
            self.cues(given.cues / given.cues.new_tensor(CUE_UNITS)),
        )
        out = self.place + self.activity(given.activity)
        for at, part in enumerate(parts):
            here = given.has[:, at, None, None]
            out = out + here * part + (1 - here) * self.absent[at]
        mixed: Tensor = out + self.mix(out)
        return mixed


class Layer(nn.Module):
    """Attention of the chunk's frames to one another and to the shown ones, then a small MLP."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.width
        self.heads = shape.heads
        self.adapt = nn.Linear(d, 6 * d)
        self.query, self.out = nn.Linear(d, d), nn.Linear(d, d)
        self.keys, self.shown = nn.Linear(d, 2 * d), nn.Linear(d, 2 * d)
        self.up, self.down = nn.Linear(d, 3 * d), nn.Linear(3 * d, d)
        for zero in (self.adapt, self.out, self.down):
            nn.init.normal_(zero.weight, std=0.02)
            nn.init.zeros_(zero.bias)

    def forward(self, x: Tensor, heard: Tensor, shown: Tensor) -> Tensor:
        """x, heard (B,L,d); shown (B,9,2d): keys and values of the shown frames."""
        shift, scale, gate, shift2, scale2, gate2 = self.adapt(heard).chunk(6, -1)
        seen = norm(x) * (1 + scale) + shift
        x = x + (1 + gate) * self.out(self._attend(seen, shown))
        seen = norm(x) * (1 + scale2) + shift2
        grown: Tensor = x + (1 + gate2) * self.down(nn.functional.gelu(self.up(seen)))
        return grown

    def _attend(self, x: Tensor, shown: Tensor) -> Tensor:
        keys = torch.cat([shown, self.keys(x)], 1)
        key, value = (self._split(part) for part in keys.chunk(2, -1))
        query = self._split(self.query(x))
        score = query @ key.transpose(-1, -2) / (x.shape[-1] / self.heads) ** 0.5
        mixed: Tensor = (torch.softmax(score, -1) @ value).transpose(1, 2).flatten(2)
        return mixed

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class Base(nn.Module):
    """The reasoner without feelings, and the whitening of tokens that both stages use."""

    mean: Tensor
    whiten: Tensor
    colour: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.width
        self.register_buffer("mean", torch.zeros(TOKEN))
        self.register_buffer("whiten", torch.eye(TOKEN))
        self.register_buffer("colour", torch.eye(TOKEN))
        self.listener = Listener(shape)
        self.time = _two(1 + 2 * len(WAVES), d)
        self.enter = nn.Linear(3 * TOKEN, d)
        self.remember = nn.Sequential(nn.Linear(2 * TOKEN, d), nn.GELU(), nn.Linear(d, d))
        self.age = nn.Parameter(torch.randn(CONTEXT - 1, d) * 0.1)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.say = nn.Linear(d, TOKEN)
        # What goes on as it went: a linear guess from the last frame and the step that led to it.
        self.carry = nn.Parameter(torch.zeros(CHUNK, 2 * TOKEN, TOKEN))

    def whitened(self, tokens: Tensor) -> Tensor:
        """(...,64) tokens to unit variance, uncorrelated."""
        return (tokens - self.mean) @ self.whiten

    def tokens(self, whitened: Tensor) -> Tensor:
        """The inverse of `whitened`."""
        return whitened @ self.colour + self.mean

    def memory(self, frames: Tensor) -> list[Tensor]:
        """(B,10 + 5k,D) frames to keys and values of each layer, (B,1 + k,9,2d), of what each of
        1 + k chunks was shown before it: frames with the step that led to them."""
        known = self.remember(torch.cat([frames[:, 1:], frames[:, 1:] - frames[:, :-1]], -1))
        out = []
        for layer in self.layers:
            assert isinstance(layer, Layer)
            age = nn.functional.linear(self.age, layer.shown.weight)
            keys = layer.shown(known).unfold(1, CONTEXT - 1, CHUNK)
            out.append(keys.transpose(-1, -2) + age)
        return out

    def begun(self, noisy: Tensor, shown: Tensor, heard: Tensor) -> Tensor:
        """First hidden states (B,L,d) of the noisy frames (B,L,D) after the shown (B,10,D)."""
        known = going(shown)[:, None].expand(-1, CHUNK, -1)
        out: Tensor = self.enter(torch.cat([noisy, known], -1)) + heard
        return out

    def said(self, x: Tensor, shown: Tensor) -> Tensor:
        """Last hidden states (B,L,d) after the shown frames (B,10,D) to whitened tokens (B,L,D)."""
        new: Tensor = self.say(norm(x))
        # In full precision: what goes on slowly moves by less than a half number's rounding.
        with torch.autocast(x.device.type, enabled=False):
            return new.float() + torch.einsum("bk,lkd->bld", going(shown), self.carry)

    def timed(self, t: Tensor) -> Tensor:
        """(B,) times in [0, 1) to (B,1,d)."""
        angles = t[:, None] * torch.tensor(WAVES, dtype=t.dtype, device=t.device)
        out: Tensor = self.time(torch.cat([t[:, None], angles.sin(), angles.cos()], -1))[:, None]
        return out


class Reasoner(nn.Module):
    """Base and experts together."""

    def __init__(self, shape: Shape, parts: Parts = Parts()) -> None:  # noqa: B008
        super().__init__()
        self.shape = shape
        self.base = Base(shape)
        d = shape.width
        mixtures = (MoEE(d, LATENT, shape.expert_width, parts) for _ in range(shape.expert_layers))
        self.experts = nn.ModuleList(mixtures)
        self.gate = Gate(d, LATENT)
        # What the experts added speaks for itself: the base never learned to say a feeling.
        self.express = nn.Linear(d, TOKEN, bias=False)
        nn.init.normal_(self.express.weight, std=0.02)

    def forward(
        self, noisy: Tensor, shown: Tensor, memory: list[Tensor], heard: Tensor, felt: Felt | None
    ) -> tuple[Tensor, Logits | None]:
        """The clean chunk (B,L,D) as it seems, and what the gate reads; heard: conditions with the
        time (B,L,d)."""
        x, added, logits = self.base.begun(noisy, shown, heard), None, None
        first = len(self.base.layers) - len(self.experts)
        for at, layer in enumerate(self.base.layers):
            x = layer(x, heard, memory[at])
            if felt is None or at < first:
                continue
            if logits is None:
                logits = self.gate(norm(x), felt.given.latent)
                read = predicted(logits, felt.given.latent, CHUNK)
                feeling = given_or_predicted(felt.given, read, felt.known)
                feeling = replace(feeling, strength=feeling.strength * felt.shown[:, None])
            more = self.experts[at - first](norm(x), feeling)
            x, added = x + more, more if added is None else added + more
        out = self.base.said(x, shown)
        return (out if added is None else out + self.express(added)), logits


WAVES = (3.0, 6.0, 12.0)


def going(shown: Tensor) -> Tensor:
    """(B,10,D) to (B,2D): the last frame and the step that led to it."""
    return torch.cat([shown[:, -1], shown[:, -1] - shown[:, -2]], -1)


def norm(x: Tensor) -> Tensor:
    """Layer norm without gains."""
    return nn.functional.layer_norm(x, (int(x.shape[-1]),))


def _two(inside: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inside, width), nn.GELU(), nn.Linear(width, width))
