"""The reasoner as one ONNX file: conditions and noise in, five tokens out, the solver unrolled.

`limner train reasoner --export`: of a checkpoint's averaged weights.
"""

import argparse
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from avatar.training.onnx_file import Ports, store
from avatar.training.reasoner.config import Config
from avatar.training.reasoner.model import (
    CHUNK,
    CONTEXT,
    CUES,
    LATENT,
    STYLE,
    TOKEN,
    Felt,
    Given,
    Reasoner,
)
from avatar.training.reasoner.sampler import Rows, Sampler
from emotion.experts import felt

INPUTS = (
    "tokens", "white", "audio", "heard", "phones", "activity", "style", "cues", "has", "latent",
    "strengths", "known", "sound", "feeling", "weight",
)  # fmt: skip


class Served(nn.Module):
    """The sampler as serving calls it, see `avatar.reasoner`."""

    def __init__(self, net: Reasoner) -> None:
        super().__init__()
        self.sampler = Sampler(net, net.shape)

    def forward(self, *fed: Tensor) -> Tensor:
        """Inputs in the order of INPUTS, with one stream, to tokens (1,5,64)."""
        tokens, white, *rest = fed
        given = Given(*rest[:7])
        latent, strengths, known, sound, feeling, weight = rest[7:]
        felt_ = Felt(felt(latent, strengths), known, torch.ones_like(known))
        out: Tensor = self.sampler(tokens, white, given, felt_, Rows(sound, feeling, weight))
        return out


def example(net: Reasoner, rows: int = 2) -> tuple[Tensor, ...]:
    """Inputs of the right shapes, drawn at random."""
    shape, one = net.shape, (1, CHUNK)
    return (
        torch.randn(1, CONTEXT, TOKEN), torch.randn(*one, TOKEN), torch.randn(*one, shape.audio),
        torch.randn(*one, shape.audio), torch.rand(*one, shape.phones),
        torch.randint(0, 4, one), torch.randn(1, STYLE), torch.randn(*one, CUES), torch.ones(1, 5),
        torch.randn(1, 4, LATENT), torch.rand(*one, 6), torch.ones(1), torch.ones(rows),
        torch.ones(rows), torch.full((rows,), 1 / rows),
    )  # fmt: skip


def export(net: Reasoner, path: Path) -> None:
    """Write the net, large weights as float16, whole or not at all. Needs the package `onnx`."""
    made = path.with_name(path.name + ".part")
    rows = dict.fromkeys(("sound", "feeling", "weight"), "rows")
    store(Served(net).eval(), example(net), Ports(INPUTS, ("tokens_out",), rows), made)
    os.replace(made, path)


def net_of(checkpoint: Path) -> Reasoner:
    """The averaged net of a checkpoint."""
    stored = torch.load(checkpoint, weights_only=True)
    config = Config.model_validate_json(stored["config"])
    net = Reasoner(config.shape, config.parts)
    net.load_state_dict(stored["average"])
    return net.eval()


def main(arguments: list[str]) -> None:
    """Write a checkpoint's net."""
    parser = argparse.ArgumentParser(prog="limner train reasoner --export", description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="checkpoint")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file")
    given = parser.parse_args(arguments)
    export(net_of(given.start), given.out)
