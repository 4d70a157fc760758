from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from vdworld.training.optimizer import Muon, orthogonalize, split_parameters


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(16, 16), (16, 144), (96, 48)])
def test_an_orthogonalised_matrix_keeps_its_directions_and_evens_their_lengths(shape: tuple[int, int]) -> None:
    matrix = drawn(*shape)
    left, lengths, right = torch.linalg.svd(matrix, full_matrices=False)
    lengths = lengths.clamp(min=0.2 * lengths.max())
    result = orthogonalize(left @ lengths.diag() @ right)
    turned = left.T @ result @ right.T
    assert ((turned.diagonal() > 0.6) & (turned.diagonal() < 1.3)).all()
    assert (turned - turned.diagonal().diag()).abs().max() < 1e-4


def test_the_scale_of_a_gradient_does_not_matter() -> None:
    matrix = drawn(8, 20)
    torch.testing.assert_close(orthogonalize(matrix), orthogonalize(1e4 * matrix), rtol=1e-3, atol=1e-3)


def low_rank() -> torch.Tensor:
    return drawn(48, 4) @ drawn(4, 200)


def fading() -> torch.Tensor:
    """A matrix whose singular values fall from 1 to 1e-4, as those of gradients do."""
    left, right = (torch.linalg.qr(drawn(size, 48)).Q for size in (48, 200))
    return left @ torch.logspace(0, -4, 48).diag() @ right.T


class TensorFloat32(TorchDispatchMode):
    """Round the operands of matrix products to 10 bits, as TF32 does on a GPU."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.ops.aten.mm.default:
            bits = [operand.contiguous().view(torch.int32) for operand in args]
            args = tuple((((value + 2**12) >> 13) << 13).view(torch.float32) for value in bits)
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("make", [low_rank, fading])
@pytest.mark.parametrize("make_arithmetic", [TensorFloat32, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_rounded_products_do_not_blow_an_update_up(make: Callable, make_arithmetic: Callable) -> None:
    matrix = make()
    exact = torch.linalg.matrix_norm(orthogonalize(matrix.double()), 2)
    with make_arithmetic():
        rounded = orthogonalize(matrix)
    assert torch.linalg.matrix_norm(rounded.float(), 2) == pytest.approx(exact.item(), rel=0.02)


def test_the_emulated_arithmetic_is_that_of_tf32() -> None:
    with TensorFloat32():
        product = torch.full((1, 1), 1 + 2.0**-10 + 2.0**-12) @ torch.ones(1, 1)
    assert product.item() == 1 + 2.0**-10


@pytest.mark.parametrize(("shape", "scale"), [((8, 8), 1.0), ((4, 16), 1.0), ((16, 4), 2.0), ((36, 2, 2, 2), 2.121)])
def test_tall_matrices_take_longer_steps(shape: tuple[int, ...], scale: float) -> None:
    weight = nn.Parameter(torch.zeros(shape))
    weight.grad = drawn(*shape)
    Muon([weight], lr=0.1, weight_decay=0.0).step()
    step = orthogonalize(weight.grad.flatten(1)).reshape(shape)
    torch.testing.assert_close(weight.detach(), -0.1 * scale * step, rtol=1e-3, atol=1e-5)


def test_a_step_goes_downhill_by_the_learning_rate_and_decay_shrinks() -> None:
    weight = nn.Parameter(torch.zeros(4, 4))
    optimizer = Muon([weight], lr=0.1, weight_decay=0.0)
    (weight * torch.eye(4)).sum().backward()  # the gradient is the identity
    optimizer.step()
    assert (weight.detach().diagonal() < -0.06).all()
    assert (weight.detach().diagonal() > -0.13).all()
    static_l1 = nn.Parameter(torch.ones(4, 4))
    static_l1.grad = torch.zeros(4, 4)
    Muon([static_l1], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(static_l1.detach(), torch.full((4, 4), 0.95))


def test_momentum_by_hand() -> None:
    """The second update is that of g2 looked ahead along the running mean of g1 and g2 (Nesterov)."""
    first, second = drawn(4, 6), drawn(6, 4).T.contiguous()
    weight = nn.Parameter(torch.zeros(4, 6))
    optimizer = Muon([weight], lr=0.1, momentum=0.9, weight_decay=0.0)
    for gradient in (first, second):
        before, weight.grad = weight.detach().clone(), gradient
        optimizer.step()
    running = 0.9 * (0.1 * first) + 0.1 * second
    expected = -0.1 * orthogonalize(0.1 * second + 0.9 * running)
    torch.testing.assert_close(weight.detach() - before, expected, rtol=1e-3, atol=1e-5)


def test_a_matrix_is_fitted() -> None:
    goal, layer = drawn(6, 3, 3, 3), nn.Conv2d(3, 6, 3)
    optimizer = Muon([layer.weight], lr=0.1, weight_decay=0.0)
    errors = []
    for _ in range(100):
        optimizer.zero_grad()
        error = (layer.weight - goal).square().mean()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.02 * errors[0]


def test_every_parameter_has_one_optimiser_and_edges_stay_with_adam() -> None:
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.middle, self.last = (nn.Conv2d(3, 3, 1) for _ in range(3))
            self.linear = nn.Linear(2, 2)
            self.hidden, self.edge_layers = nn.Linear(2, 2), [self.first, self.last]
            self.hidden_layers = [self.hidden]

    network = Network()
    inner, outer = split_parameters(network)
    assert {id(p) for p in inner} == {id(network.middle.weight), id(network.hidden.weight)}
    assert {id(p) for p in inner + outer} == {id(p) for p in network.parameters()}
    assert len(inner + outer) == len(list(network.parameters()))
