"""Learn a policy from recordings: do what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.agents.policies.hindsight import Hindsight, relabel_goals
from vdworld.agents.policies.observation_batch import ObservationBatch
from vdworld.agents.policies.policy import Policy, beside_goal
from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.envs.frame_spaces import frame_space, strip_prefix
from vdworld.training.assemble_world import action_codec
from vdworld.training.calibration import longest_episode


class BehaviourCloning:
    """Imitate recorded actions; see ``learn``."""

    @staticmethod
    def learn(
        dataset: Dataset,
        *,
        goal_offset: int | None = None,
        num_updates: int = 2_000,
        max_minutes: float | None = None,
        horizon: int = 15,
        batch_size: int = 32,
        readings: Sequence[str] = (),
        learning_rate: float = 1e-3,
        max_gradient_norm: float = 1.0,
        hidden_dim: int = 256,
        recurrent: bool = True,
        frame_stack: int = 1,
        deterministic: bool | None = None,
        device: str | torch.device = "cpu",
        seed: int = 0,
        report: Callable[[int, dict[str, float]], None] | None = None,
    ) -> Policy:
        """Maximise the likelihood of the recorded actions of the training episodes, given all since a clip's start.

        The policy has the spaces of dreams in a world that was trained on the dataset with the same readings. With
        `goal_offset` it learns to reach goals: what was recorded later in the episode is shown to it as the goal.

        Args:
            dataset: Recordings; its split ``"train"`` is used.
            goal_offset: How many steps a goal may lie ahead of the last action that leads to it, at least 1 (see
                ``vdworld.agents.policies.hindsight``); None learns without goals.
            num_updates: Gradient steps.
            max_minutes: Stop after so many minutes, if that comes first; None sets no limit.
            horizon: Actions of a clip; the memory begins empty at its start.
            batch_size: Clips per step.
            readings: Which of ``dataset.readings`` to see beside the frames; not known in a clip's first frame.
            learning_rate: Of Adam.
            max_gradient_norm: Beyond which gradients are scaled down.
            hidden_dim: Width of the network.
            recurrent: Whether the policy has a recurrent memory.
            frame_stack: How many frames it sees at once, the newest included.
            deterministic: Whether the policy takes the most likely action instead of a draw; None does so with goals.
            device: Where to learn.
            seed: Of the initial weights and the clips.
            report: Is told, after every step, its number and the loss.

        Raises:
            ValueError: No training episode has `horizon` transitions, those up to the farthest goal included, an
                unknown reading, or a number below 1.
        """
        counts = {"num_updates": num_updates, "horizon": horizon, "batch_size": batch_size, "goal_offset": goal_offset}
        counts["frame_stack"] = frame_stack
        for name, value in counts.items():
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1, got {value}.")
        if max_minutes is not None and max_minutes <= 0:
            raise ValueError(f"`max_minutes` must be positive, got {max_minutes}.")
        place, rng = torch.device(device), torch.Generator().manual_seed(seed)
        built: dict[str, Any] = {"hidden_dim": hidden_dim, "recurrent": recurrent, "frame_stack": frame_stack}
        built |= {"goals": goal_offset is not None, "seed": seed}
        policy = _new_policy(dataset, readings, built).to(place)
        clips = _clips(policy, dataset.split("train"), readings, horizon, goal_offset)
        network = policy.network.train()
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
        update, began = 0, time.monotonic()
        while update < num_updates and not (max_minutes and time.monotonic() - began >= 60 * max_minutes):
            update += 1
            batch = clips.sample(batch_size, rng)
            network.scale.update(batch.readings.to(place))
            known = None if goal_offset is None else relabel_goals(batch, goal_offset=goal_offset, rng=rng)
            loss = _loss(policy, batch, known)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), max_gradient_norm)
            optimizer.step()
            if report is not None:
                report(update, {"loss": loss.item()})
        network.eval().requires_grad_(False)
        policy.reset(seed=seed)
        policy.deterministic = policy.goals if deterministic is None else deterministic
        policy.training_info = {"objective": "cloning", "num_updates": update, "horizon": horizon, "seed": seed}
        policy.training_info["goal_offset"] = goal_offset
        return policy


def _new_policy(dataset: Dataset, readings: Sequence[str], settings: dict[str, Any]) -> Policy:
    if unknown := [name for name in readings if name not in dataset.readings]:
        raise ValueError(f"`readings` must be among {list(dataset.readings)}, got {unknown}.")
    counts = {name: dataset.readings[name] for name in readings}
    space = frame_space(dict.fromkeys(dataset.cameras, dataset.image_size), counts)
    codec = action_codec(dataset)
    return Policy(space, codec, cameras=dataset.cameras, **settings)


def _clips(
    policy: Policy, dataset: Dataset, readings: Sequence[str], horizon: int, goal_offset: int | None
) -> ClipSampler:
    """Sample clips of `horizon` actions, with what comes up to the farthest goal."""
    whole, longest = horizon + (goal_offset or 1) - 1, longest_episode(dataset)
    if goal_offset is not None and longest < whole:
        raise ValueError(
            "`goal_offset` must leave room for a clip before the goal, `horizon` + `goal_offset` - 1 steps in all, got "
            f"{horizon} + {goal_offset} - 1 with {longest} steps in the longest episode. Lower one of them."
        )
    named = {strip_prefix(name): name for name in readings}
    ordered = [named[name] for name in policy.observer.readings]
    return ClipSampler(dataset, context_length=1, horizon=whole, readings=ordered)


def _loss(policy: Policy, clips: Clips, known: Hindsight | None) -> Tensor:
    """Return the mean negative log likelihood of the actions of clips that have one context frame.

    Args:
        policy: Who acts.
        clips: What was done.
        known: The goals of the clips, and which actions led there; None where none are shown and all count.
    """
    actions = policy.codec.encode_flat(clips.actions.to(policy.device))
    counted = torch.ones(actions.shape[:2], dtype=torch.bool) if known is None else known.leading
    counted, t = counted.to(policy.device), counted.shape[1]
    actions = actions[:, :t]
    unknown = torch.full_like(clips.readings[:, :1], float("nan"))  # clips tell those of later frames alone
    readings = torch.cat([unknown, clips.readings[:, : t - 1]], dim=1)
    seen = ObservationBatch(clips.frames[:, :t].to(policy.device), readings.to(policy.device))
    seen = seen if known is None else beside_goal(seen, known.goals.to(policy.device))
    previous = torch.cat([torch.zeros_like(actions[:, :1]), actions[:, :-1]], dim=1)
    outputs = policy.network.imitate(seen, previous, counted)
    return -ActionDistribution(policy.layout, outputs).log_prob(actions[counted]).mean()
