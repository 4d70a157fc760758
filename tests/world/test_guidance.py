"""Claims about guidance in worlds whose networks keep a cache of the past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from vdworld.networks import Context, KVCache
from vdworld.world import Sampling, WorldModel, WorldState
from vdworld.world.guidance import count_contexts, make_guidance

MakeWorld = Callable[..., WorldModel]
Draw = Callable[[Sampling, Context], torch.Tensor]


def guided_world(make_world: MakeWorld, network: str) -> WorldModel:
    return make_world(network=network, trained_without=("actions", "history"))


def dreamt(world: WorldModel, make_past: Callable) -> WorldState:
    """Dreams whose caches hold frames and actions from beyond the context."""
    state = world.start(*make_past(), seed=3)
    for move in ([1.0, -2.0], [2.0, 1.0], [-1.0, 0.5], [0.5, 0.5]):
        state, _ = world.step(state, torch.tensor([move] * 3))
    return state


def context_of(world: WorldModel, state: WorldState, known: bool = True) -> Context:
    actions = torch.cat([state.actions, torch.ones(3, 1, 2)], dim=1)
    action_mask = torch.full(actions.shape[:2], known)
    return world.generator.clean_context(state.frames, actions, action_mask, state.cache)


def drawer(world: WorldModel, state: WorldState) -> Draw:
    def draw(sampling: Sampling, context: Context) -> torch.Tensor:
        world.sampling = sampling
        return world.generator.draw_frame(context, state.seed, state.counter, 2)

    return draw


@pytest.mark.parametrize("network", ["StackedUNet", "VideoUNet", "Transformer"])
@pytest.mark.parametrize("settings", [{}, {"context_noise": 0.2}, {"sampler": "ancestral"}])
def test_guidance_by_actions_that_are_all_unknown_changes_nothing(
    make_world: MakeWorld, make_past: Callable, network: str, settings: dict[str, Any]
) -> None:
    world = guided_world(make_world, network)
    state = dreamt(world, make_past)
    draw, unknown, known = drawer(world, state), context_of(world, state, known=False), context_of(world, state)
    plain, guided = Sampling(**settings), Sampling(action_guidance=3.0, **settings)
    assert torch.equal(draw(guided, unknown), draw(plain, unknown))
    assert not torch.allclose(draw(guided, known), draw(plain, known), atol=1e-3)


@pytest.mark.parametrize("network", ["VideoUNet", "Transformer"])
@pytest.mark.parametrize(
    "settings",
    [
        {"action_guidance": 3.0},
        {"history_guidance": 2.0},
        {"history_guidance": 2.0, "history_noise": 0.5},
        {"action_guidance": 2.0, "history_guidance": 0.5},
    ],
)
def test_what_guides_does_not_depend_on_the_cache(
    make_world: MakeWorld, make_past: Callable, network: str, settings: dict[str, Any]
) -> None:
    """The cache holds actions and frames that the branches must do without; it belongs to the whole context alone."""
    world = guided_world(make_world, network)
    state = dreamt(world, make_past)
    context = context_of(world, state)
    guidance = make_guidance(
        Sampling(**settings), world.process, context, context, lambda: torch.ones_like(state.frame)
    )
    assert [past.cache is context.cache for past in guidance.contexts] == [True] + [False] * len(guidance.contexts[1:])
    assert all(past.cache is None for past in guidance.contexts[1:])
    used = {index for _, *pair in guidance.differences for index in pair}
    assert used == set(range(1, len(guidance.contexts)))


def test_the_branches_lack_what_guides_and_keep_the_rest(make_world: MakeWorld, make_past: Callable) -> None:
    world = guided_world(make_world, "VideoUNet")
    context = context_of(world, dreamt(world, make_past))
    sampling = Sampling(action_guidance=1.5, history_guidance=3.0)
    guidance = make_guidance(sampling, world.process, context, context, lambda: torch.ones_like(context.frames[:, 0]))
    _, recent, actionless, blind = guidance.contexts
    assert guidance.differences == [(0.5, 1, 2), (2.0, 1, 3)]
    assert not actionless.action_mask.any()
    assert torch.equal(actionless.frames, context.frames)
    assert torch.equal(recent.frames, context.frames)
    assert recent.action_mask.all()
    assert blind.action_mask.all()
    assert torch.equal(blind.frames, torch.ones_like(context.frames))  # nothing but the noise
    assert (blind.level == 0).all()


def test_a_guided_estimate_by_hand(make_world: MakeWorld, make_past: Callable) -> None:
    world = guided_world(make_world, "Transformer")
    context = context_of(world, dreamt(world, make_past))
    sampling = Sampling(action_guidance=1.5, history_guidance=3.0, history_noise=0.5)
    guidance = make_guidance(sampling, world.process, context, context, lambda: torch.ones_like(context.frames[:, 0]))
    values = iter([0.1, 0.2, 0.4, 0.8, 1.6])  # whole, recent, actionless, without history, with a noisy one
    guided = guidance.combine(lambda past: torch.full((1, 1, 1, 1), next(values)))
    assert guided.item() == pytest.approx(0.1 + 0.5 * (0.2 - 0.4) + 2 * (1.6 - 0.8))


@pytest.mark.parametrize("network", ["StackedUNet", "Transformer"])
@pytest.mark.parametrize("action", [1.0, 2.0])
@pytest.mark.parametrize("history", [1.0, 0.5])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_evaluations_are_counted(
    make_world: MakeWorld, make_past: Callable, network: str, action: float, history: float, noise: float
) -> None:
    world = guided_world(make_world, network)
    context = context_of(world, dreamt(world, make_past))
    sampling = Sampling(action_guidance=action, history_guidance=history, history_noise=noise)
    guidance = make_guidance(sampling, world.process, context, context, lambda: torch.ones_like(context.frames[:, 0]))
    count = count_contexts(sampling, has_cache=isinstance(context.cache, KVCache))
    assert count == len(guidance.contexts)
