"""The trainable twin of `avatar.semo.surface`. Axis legend: see there."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from avatar.semo.surface import Mlp, SurfaceWeights
from avatar.semo.types import TOKEN, Chart

INVISIBLE = 0.002  # cm; a movement that shifts a point by less leaves it alone


def local(basis: np.ndarray) -> np.ndarray:
    """(K,N,3) with invisible shifts set to 0, so that few points must be moved."""
    kept = np.linalg.norm(basis, axis=2, keepdims=True) >= INVISIBLE
    return np.where(kept, basis, 0).astype(np.float32)


class SkipMlp(nn.Module):
    """y = skip @ x + layers(x), SiLU between the layers."""

    def __init__(self, sizes: tuple[int, ...], skip: Tensor) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.skip = nn.Parameter(skip.clone())
        last = self.layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in) to (B, out)."""
        y = x
        for at, layer in enumerate(self.layers):
            y = layer(y)
            if at + 1 < len(self.layers):
                y = nn.functional.silu(y)
        return y + x @ self.skip.T

    def adopt(self, net: Mlp) -> None:
        """Take the numbers of an exported net."""
        linear = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        with torch.no_grad():
            self.skip.copy_(torch.from_numpy(net.skip))
            for layer, weight, bias in zip(linear, net.weights, net.biases, strict=True):
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(bias))

    def exported(self) -> Mlp:
        """As plain arrays."""
        linear = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        return Mlp(
            tuple(layer.weight.detach().numpy().copy() for layer in linear),
            tuple(layer.bias.detach().numpy().copy() for layer in linear),
            self.skip.detach().numpy().copy(),
        )


class SurfaceModel(nn.Module):
    """rig -> token -> expression coefficients -> displacement of every chart point."""

    rig_scale: Tensor
    limit: Tensor

    def __init__(self, basis: Tensor, rig_scale: Tensor, limit: Tensor, hidden: int) -> None:
        """basis: (K, N*3) first guess; rig_scale: (R,); limit: (K,)."""
        super().__init__()
        rigs, count = len(rig_scale), len(basis)
        turn = torch.linalg.qr(torch.randn(TOKEN, rigs))[0]
        self.encode = SkipMlp((rigs, hidden, TOKEN), turn)
        known = torch.zeros(count, rigs)
        known[: rigs - 8, : rigs - 8] = torch.diag(rig_scale[: rigs - 8])
        self.shape = SkipMlp((TOKEN, hidden, hidden, count), known @ turn.T)
        self.probe = SkipMlp((TOKEN, hidden, rigs), turn.T)
        self.basis = nn.Parameter(basis)
        self.register_buffer("rig_scale", rig_scale)
        self.register_buffer("limit", limit)

    def token(self, rigs: Tensor) -> Tensor:
        """(B, R) rigs to (B, D)."""
        out: Tensor = self.encode(rigs / self.rig_scale)
        return out

    def displacement(self, token: Tensor) -> Tensor:
        """(B, D) to (B, N*3) cm."""
        raw = self.shape(token)
        out: Tensor = (self.limit * torch.tanh(raw / self.limit)) @ self.basis
        return out

    def adopt(self, weights: SurfaceWeights) -> None:
        """Go on from exported weights of the same chart and configuration."""
        self.encode.adopt(weights.encode)
        self.shape.adopt(weights.shape)
        self.probe.adopt(weights.probe)
        with torch.no_grad():
            flat = weights.expression.reshape(len(self.basis), -1)
            self.basis.copy_(torch.from_numpy(flat.copy()))

    def exported(self, chart: Chart, mean: np.ndarray, identity: np.ndarray) -> SurfaceWeights:
        """As plain arrays; mean (N,3), identity (I,N,3)."""
        return SurfaceWeights(
            chart,
            mean,
            identity,
            local(self.basis.detach().numpy().reshape(len(self.basis), -1, 3)),
            self.limit.numpy().copy(),
            self.rig_scale.numpy().copy(),
            self.encode.exported(),
            self.shape.exported(),
            self.probe.exported(),
        )
