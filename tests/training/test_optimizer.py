from __future__ import annotations

import pytest
import torch
from torch import nn

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
