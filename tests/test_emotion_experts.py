"""The mixture of emotion experts against the paper's equations worked out in numpy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from emotion.experts import (
    COUNT,
    HEADS,
    Feeling,
    Gate,
    MoEE,
    Parts,
    felt,
    given_or_predicted,
    predicted,
)

B, L, D, N, E, INNER = 2, 5, 24, 4, 16, 8
Doubles = NDArray[np.float64]


def layer(parts: Parts = Parts()) -> MoEE:  # noqa: B008
    """A mixture whose experts have something to say."""
    torch.manual_seed(4)
    out = MoEE(D, E, INNER, parts)
    torch.nn.init.normal_(out.experts.out)
    torch.nn.init.normal_(out.experts.bias)
    return out.eval()


def feeling(seed: int = 0) -> Feeling:
    """A mixture of feelings that changes from frame to frame."""
    generator = torch.Generator().manual_seed(seed)
    strengths = torch.rand(B, L, COUNT, generator=generator)
    return felt(torch.randn(B, N, E, generator=generator), strengths)


def hidden() -> torch.Tensor:
    return torch.randn(B, L, D, generator=torch.Generator().manual_seed(9))


def softmax(x: Doubles) -> Doubles:
    grown = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(grown / grown.sum(-1, keepdims=True))


def by_the_paper(net: MoEE, x: Doubles, latent: Doubles, gate: Doubles) -> Doubles:
    """X' - X of one chunk: sum_i g_i E_i(X * s_i), s = sigmoid(G_l(X)); one expert at a time."""
    stored = {name: value.detach().double().numpy() for name, value in net.named_parameters()}
    local = 1 / (1 + np.exp(-(x @ stored["local.weight"].T + stored["local.bias"])))
    out, size = np.zeros_like(x), INNER // HEADS
    for i in range(COUNT):
        query = (x * local[:, i : i + 1]) @ stored["experts.query"][i]
        key, value = latent @ stored["experts.key"][i], latent @ stored["experts.value"][i]
        heads = []
        for h in range(HEADS):
            part = slice(h * size, (h + 1) * size)
            share = softmax(query[:, part] @ key[:, part].T / size**0.5)
            heads.append(share @ value[:, part])
        said = np.concatenate(heads, 1) @ stored["experts.out"][i] + stored["experts.bias"][i]
        out += gate[:, i : i + 1] * said
    return out


def test_it_is_the_papers_mixture() -> None:
    net, x, given = layer(), hidden(), feeling()
    with torch.inference_mode():
        out = net(x, given).numpy()
    for b in range(B):
        parts = (part[b].double().numpy() for part in (x, given.latent, given.gate))
        wanted = by_the_paper(net, *parts) * given.strength[b].double().numpy()[:, None]
        np.testing.assert_allclose(out[b], wanted, atol=2e-5)
        assert np.abs(wanted).max() > 0.1


def test_no_feeling_leaves_x_to_the_bit() -> None:
    net, x = layer(), hidden()
    nothing = felt(torch.randn(B, N, E), torch.zeros(B, L, COUNT))
    out = x + net(x, nothing)
    assert torch.equal(out, x)
    strengths = torch.zeros(B, L, COUNT)
    strengths[:, 3, 2] = 0.5
    moved = (x + net(x, felt(torch.randn(B, N, E), strengths)) != x).any(-1)
    assert moved[:, 3].all() and moved.sum() == B


def test_a_new_layer_says_nothing_yet() -> None:
    torch.manual_seed(0)
    assert torch.equal(MoEE(D, E, INNER)(hidden(), feeling()), torch.zeros(B, L, D))


def test_a_named_feeling_sets_gate_and_strength() -> None:
    strengths = torch.tensor([[[0.2, 0.0, 0.6, 0.0, 0.0, 0.0], [0.0] * 6]])
    given = felt(torch.zeros(1, N, E), strengths)
    torch.testing.assert_close(given.gate[0, 0], torch.tensor([0.25, 0, 0.75, 0, 0, 0]))
    torch.testing.assert_close(given.strength[0], torch.tensor([0.6, 0.0]))
    assert given.gate[0, 1].sum() == 0


def test_the_predicted_gate_is_a_mixture() -> None:
    torch.manual_seed(2)
    gate, latent = Gate(D, E), torch.randn(B, N, E)
    read = predicted(gate(hidden(), latent), latent, L)
    assert read.gate.shape == (B, L, COUNT)
    torch.testing.assert_close(read.gate.sum(-1), torch.ones(B, L))
    assert ((read.strength > 0) & (read.strength < 1)).all()
    other = predicted(gate(hidden(), latent + 1), latent, L)
    assert not torch.allclose(read.gate, other.gate)


def test_what_is_named_goes_before_what_is_read() -> None:
    given, read = feeling(1), feeling(2)
    both = given_or_predicted(given, read, torch.tensor([1.0, 0.0]))
    assert torch.equal(both.gate[0], given.gate[0]) and torch.equal(both.gate[1], read.gate[1])
    assert torch.equal(both.strength[1], read.strength[1])
    assert both.latent is given.latent


def test_without_global_gate_all_count_the_same() -> None:
    net, x, given = layer(Parts(global_gate=False)), hidden(), feeling()
    even = replace(given, gate=torch.full_like(given.gate, 1 / COUNT))
    torch.testing.assert_close(net(x, given), layer()(x, even))
    assert not torch.allclose(layer()(x, given), layer()(x, even))


def test_without_local_gate_experts_see_all_of_x() -> None:
    open_ = layer()
    torch.nn.init.zeros_(open_.local.weight)
    torch.nn.init.constant_(open_.local.bias, 60.0)
    x, given = hidden(), feeling()
    torch.testing.assert_close(layer(Parts(local_gate=False))(x, given), open_(x, given))
    assert not torch.allclose(layer()(x, given), open_(x, given))


def test_one_shared_expert_does_not_ask_which_feeling() -> None:
    net, x, given = layer(Parts(experts=False)), hidden(), feeling()
    assert net.experts.count == 1
    other = replace(given, gate=given.gate.flip(-1))
    assert torch.equal(net(x, given), net(x, other))
    assert net(x, given).abs().max() > 0.1


@pytest.mark.parametrize("left_out", [0, 5])
def test_an_expert_that_is_left_out_says_nothing(left_out: int) -> None:
    net, x = layer(Parts(without=left_out)), hidden()
    latent = torch.randn(B, N, E)
    strengths = torch.zeros(B, L, COUNT)
    strengths[..., left_out] = 0.9
    assert torch.equal(net(x, felt(latent, strengths)), torch.zeros(B, L, D))
    strengths = strengths.roll(1, -1)
    torch.testing.assert_close(net(x, felt(latent, strengths)), layer()(x, felt(latent, strengths)))
