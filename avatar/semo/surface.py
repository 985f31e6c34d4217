"""The learned face surface: identity code and motion token to the position of every chart point.

Plain numpy for one frame at a time; the torch twin that is trained lives in
`avatar.training.surface`. Axis legend: B batch, N chart points, I identity dims, K expression
coefficients, R rig parameters, D token dims. Lengths in cm, angles in radians.
"""

from dataclasses import dataclass

import numpy as np

from avatar.semo.blend import LocalBasis
from avatar.semo.types import Chart, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Mlp:
    """y = skip @ x + the layers, SiLU between them; weights[i] (out, in), biases[i] (out,)."""

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    skip: Floats

    def __call__(self, x: Floats) -> Floats:
        """(..., in) to (..., out)."""
        if not self.weights:
            return np.asarray(x @ self.skip.T, np.float32)
        y = x
        for at, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            y = y @ weight.T + bias
            if at + 1 < len(self.weights):
                y = y / (1 + np.exp(-y.clip(-60, 60)))
        return np.asarray(y + x @ self.skip.T, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceWeights:
    """mean (N,3) cm; identity (I,N,3) cm per unit; expression (K,N,3) cm per coefficient;
    limit (K,) bound of each coefficient; rig_scale (R,) divides a rig before `encode`;
    encode: (R,) to (D,); shape: (D,) to (K,); probe: (D,) to (R,) divided by rig_scale."""

    chart: Chart
    mean: Floats
    identity: Floats
    expression: Floats
    limit: Floats
    rig_scale: Floats
    encode: Mlp
    shape: Mlp
    probe: Mlp


class FaceSurface:
    """Positions of the chart's points; holds nothing that changes."""

    def __init__(self, weights: SurfaceWeights) -> None:
        self._w = weights
        self.chart = weights.chart
        self._local = LocalBasis.of(weights.expression)

    @property
    def weights(self) -> SurfaceWeights:
        """What was learned."""
        return self._w

    @property
    def identity_size(self) -> int:
        """I, the length of an identity code (unit variance, 0 is the mean person)."""
        return len(self._w.identity)

    def rest(self, identity: Floats) -> Floats:
        """(I,) identity code to (N, 3): the person without expression, in model space."""
        return np.asarray(self._w.mean + np.tensordot(identity, self._w.identity, 1), np.float32)

    def displacement(self, tokens: Floats) -> Floats:
        """(..., D) motion tokens to (..., N, 3): what the expression adds to `rest`.

        Eyeballs and the turn of the head are not in it, see `avatar.semo.pose`.
        """
        coefficients = self.coefficients(tokens)
        if coefficients.ndim == 1:
            return self._local(coefficients)
        return np.asarray(np.tensordot(coefficients, self._w.expression, 1), np.float32)

    def coefficients(self, tokens: Floats) -> Floats:
        """(..., D) to (..., K), bounded by the learned limits."""
        limit = self._w.limit
        return np.asarray(limit * np.tanh(self._w.shape(tokens) / limit), np.float32)

    def rig_to_token(self, rigs: Floats) -> Floats:
        """(..., 63) rig vectors to (..., 64) tokens."""
        return self._w.encode(np.asarray(rigs, np.float32) / self._w.rig_scale)

    def token_to_rig(self, tokens: Floats) -> Floats:
        """(..., 64) tokens to the (..., 63) rig vectors they mean (the shipped probe)."""
        return np.asarray(self._w.probe(tokens) * self._w.rig_scale, np.float32)


def linear(weight: Floats) -> Mlp:
    """y = weight @ x as an `Mlp`."""
    return Mlp((), (), np.asarray(weight, np.float32))
