"""Distributions over the actions of any space, as encoded by ``ActionCodec``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from gymnasium import spaces
from torch import Tensor
from torch.nn import functional as F

from vdworld.spaces import ActionCodec, leaf_size, leaves

STD_MIN, STD_MAX, STD_SHIFT = 0.1, 1.0, 2.0


@dataclass(frozen=True)
class ActionLayout:
    """The indices of the parts of an encoded action ``[a]``.

    Args:
        numbers: Indices of continuous numbers, from Boxes.
        binaries: Indices of binary numbers, -1 or 1.
        choices: Index of the first entry and number of entries of each one-hot part.
    """

    numbers: tuple[int, ...]
    binaries: tuple[int, ...]
    choices: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, codec: ActionCodec) -> ActionLayout:
        """Read the layout off a codec."""
        is_binary = [
            isinstance(leaf, spaces.MultiBinary) for leaf in leaves(codec.space) for _ in range(leaf_size(leaf))
        ]
        numbers, binaries, choices, place = [], [], [], 0
        for count, binary in zip(codec.num_choices, is_binary, strict=True):
            if count:
                choices.append((place, count))
            else:
                (binaries if binary else numbers).append(place)
            place += max(count, 1)
        return cls(tuple(numbers), tuple(binaries), tuple(choices))

    @property
    def dim(self) -> int:
        """The length a of an encoded action."""
        return len(self.numbers) + len(self.binaries) + sum(count for _, count in self.choices)

    @property
    def num_outputs(self) -> int:
        """Number of parameters of a distribution."""
        return self.dim + len(self.numbers)


class ActionDistribution:
    """Independent Gaussians, Bernoulli and categorical distributions over encoded actions.

    Means and standard deviations of Gaussians are bounded as in DreamerV3 (Hafner et al. 2023): means to [-1, 1],
    deviations to [0.1, 1]. Samples may lie outside [-1, 1]; the codec clips what an environment gets, and densities are
    those of the samples before clipping.

    Args:
        layout: The layout of the actions.
        outputs: Unbounded parameters ``[..., o]`` from a network: means, deviations, Bernoulli logits, categorical
            logits.
    """

    def __init__(self, layout: ActionLayout, outputs: Tensor) -> None:
        self.layout, self.outputs = layout, outputs
        n, m = len(layout.numbers), len(layout.binaries)
        mean, deviation, self.binary_logits, choices = outputs.split([n, n, m, layout.num_outputs - 2 * n - m], dim=-1)
        self.mean = mean.tanh()
        self.std = STD_MIN + (STD_MAX - STD_MIN) * (deviation + STD_SHIFT).sigmoid()
        parts = choices.split([count for _, count in layout.choices], dim=-1) if layout.choices else ()
        self.choices = [part.log_softmax(dim=-1) for part in parts]

    def sample(self, noise: Tensor) -> Tensor:
        """Map standard normal noise ``[..., a]`` to actions ``[..., a]``, deterministically."""
        layout = self.layout
        binaries = noise[..., layout.binaries] < torch.special.ndtri(self.binary_logits.sigmoid().double()).to(noise)
        gumbel = -(-torch.special.log_ndtr(noise)).clamp(min=1e-12).log()
        perturbed = [
            part + gumbel[..., place : place + count]
            for part, (place, count) in zip(self.choices, layout.choices, strict=True)
        ]
        return self._join(self.mean + self.std * noise[..., layout.numbers], binaries, perturbed)

    def mode(self) -> Tensor:
        """Return the most likely actions ``[..., a]``."""
        return self._join(self.mean, self.binary_logits > 0, self.choices)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return the log density ``[...]`` of encoded actions ``[..., a]``."""
        layout = self.layout
        scaled = (actions[..., layout.numbers] - self.mean) / self.std
        total = (-0.5 * scaled.square() - self.std.log() - 0.5 * math.log(2 * math.pi)).sum(dim=-1)
        total = total + F.logsigmoid(self.binary_logits * actions[..., layout.binaries].sign()).sum(dim=-1)
        for part, (place, count) in zip(self.choices, layout.choices, strict=True):
            total = total + (part * actions[..., place : place + count]).sum(dim=-1)
        return total

    def entropy(self) -> Tensor:
        """Return the entropy ``[...]``, in nats."""
        total = (self.std.log() + 0.5 * math.log(2 * math.pi * math.e)).sum(dim=-1)
        total = total + _bernoulli_cross_entropy(self.binary_logits, self.binary_logits).sum(dim=-1)
        return total - sum((part.exp() * part).sum(dim=-1) for part in self.choices)

    def kl(self, other: ActionDistribution) -> Tensor:
        """Return the divergence ``KL(self || other)`` ``[...]``, in nats."""
        distance = (self.std.square() + (self.mean - other.mean).square()) / (2 * other.std.square())
        total = (distance - 0.5 + (other.std / self.std).log()).sum(dim=-1)
        cross_entropy = _bernoulli_cross_entropy(self.binary_logits, other.binary_logits)
        entropy = _bernoulli_cross_entropy(self.binary_logits, self.binary_logits)
        total = total + (cross_entropy - entropy).sum(dim=-1)
        pairs = zip(self.choices, other.choices, strict=True)
        return total + sum((own.exp() * (own - others)).sum(dim=-1) for own, others in pairs)

    def _join(self, numbers: Tensor, binaries: Tensor, choices: list[Tensor]) -> Tensor:
        """Assemble encoded actions from their parts; the largest entry of a choice wins."""
        actions = numbers.new_zeros(*numbers.shape[:-1], self.layout.dim)
        actions[..., self.layout.numbers] = numbers
        actions[..., self.layout.binaries] = 2.0 * binaries - 1
        for part, (place, count) in zip(choices, self.layout.choices, strict=True):
            actions[..., place : place + count] = F.one_hot(part.argmax(dim=-1), count).to(actions)
        return actions


def _bernoulli_cross_entropy(true_logits: Tensor, logits: Tensor) -> Tensor:
    """Return the cross entropy of Bernoulli variables with ``true_logits`` under ``logits``."""
    return F.binary_cross_entropy_with_logits(logits, true_logits.sigmoid(), reduction="none")
