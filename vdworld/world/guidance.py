"""Guidance: differences between estimates with and without a part of the past."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from vdworld.diffusion import Process
from vdworld.networks import Context
from vdworld.types import Frame
from vdworld.world.context_noise import add_noise
from vdworld.world.sampling import Sampling


@dataclass(frozen=True)
class Guidance:
    """The contexts to denoise under, and what their estimates add to that of the whole context.

    Args:
        contexts: The whole context first.
        differences: Weights, each with the indices of the contexts with and without the part that guides.
    """

    contexts: list[Context]
    differences: list[tuple[float, int, int]]

    def combine(self, estimate: Callable[[Context], Frame]) -> Frame:
        """Return the guided estimate; each context is estimated once."""
        frames = [estimate(context) for context in self.contexts]
        guided = frames[0]
        for weight, with_part, without_part in self.differences:
            guided = guided + weight * (frames[with_part] - frames[without_part])
        return guided


def make_guidance(
    sampling: Sampling, process: Process, whole: Context, clean: Context, draw: Callable[[], Frame]
) -> Guidance:
    """Return the guidance of a context by its actions and its history.

    A cache holds keys and values of the actions and frames that a branch must do without. Both estimates of a
    difference therefore read the last K frames anew, so that they differ by the part that guides alone: without known
    actions, guidance by actions adds exactly zero.

    Args:
        sampling: The weights, and the noise on the history.
        process: The diffusion process that the world was trained with.
        whole: The context with the context noise of `sampling`, and with its cache.
        clean: The same without noise.
        draw: Returns fresh standard normal noise in the shape of a frame.
    """
    contexts, differences = [whole], []
    if whole.cache is not None and _compares_with_recent(sampling):
        contexts.append(replace(whole, cache=None))
    with_part = len(contexts) - 1
    if sampling.action_guidance != 1:
        differences.append((sampling.action_guidance - 1, with_part, len(contexts)))
        contexts.append(replace(whole, action_mask=torch.zeros_like(whole.action_mask), cache=None))
    if sampling.history_guidance != 1:
        without_part = len(contexts)
        contexts.append(add_noise(process, clean, math.inf, draw))
        if sampling.history_noise > 0:
            with_part = len(contexts)
            contexts.append(add_noise(process, clean, sampling.history_noise, draw))
        differences.append((sampling.history_guidance - 1, with_part, without_part))
    return Guidance(contexts, differences)


def count_contexts(sampling: Sampling, *, has_cache: bool) -> int:
    """Return the number of network evaluations per estimate.

    Args:
        sampling: The settings of the sampler.
        has_cache: Whether the network is a video network, which keeps a cache.
    """
    is_history_noised = sampling.history_guidance != 1 and sampling.history_noise > 0
    guides = (sampling.action_guidance != 1, sampling.history_guidance != 1, is_history_noised)
    return 1 + sum(guides) + int(has_cache and _compares_with_recent(sampling))


def _compares_with_recent(sampling: Sampling) -> bool:
    """Return whether a part is compared with the last K frames as they are."""
    return sampling.action_guidance != 1 or (sampling.history_guidance != 1 and sampling.history_noise == 0)
