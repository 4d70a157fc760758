"""Behaviour cloning: learn a policy by imitating recordings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vdworld.agents.checks import check_counts
from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.agents.policies.hindsight import HindsightGoals, relabel_goals
from vdworld.agents.policies.observation_batch import ObservationBatch
from vdworld.agents.policies.policy import Policy
from vdworld.agents.progress import Report
from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.envs.frame_spaces import frame_space, strip_prefix
from vdworld.memory_errors import out_of_memory
from vdworld.seeds import as_seed
from vdworld.training.assemble_world import action_codec
from vdworld.training.gradient_step import gradient_step


class BehaviourCloning:
    """Imitate recorded actions; see ``learn``."""

    @staticmethod
    @out_of_memory("Lower `batch_size`, `horizon` or `hidden_dim`.")
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
        report: Report | None = None,
    ) -> Policy:
        """Maximise the likelihood of the recorded actions in clips of the training episodes.

        The policy has the spaces of dreams in a world that was trained on the dataset with the same readings. With
        `goal_offset` it learns to reach goals: later frames of the same episode serve as goals.

        Args:
            dataset: Recordings; the split ``"train"`` is used.
            goal_offset: Most steps from before the last imitated action to its goal, at least 1 (see
                ``vdworld.agents.policies.hindsight``); None trains without goals.
            num_updates: Number of gradient steps.
            max_minutes: Stop after this many minutes if that comes first; None sets no limit.
            horizon: Actions per clip; the recurrent state is reset at its start.
            batch_size: Clips per gradient step.
            readings: Which of ``dataset.readings`` to observe beside the frames; unknown in a clip's first frame.
            learning_rate: Learning rate of Adam.
            max_gradient_norm: Largest norm of the gradient, which is scaled down beyond it.
            hidden_dim: Width of the network.
            recurrent: Whether the policy has a recurrent cell.
            frame_stack: Number of frames that it observes at once, the newest included.
            deterministic: Whether the policy takes the most likely action instead of a sample; None does so with goals.
            device: Device to train on.
            seed: Seeds the initial weights and the clips.
            report: Called after every gradient step with its number and the loss.

        Raises:
            ValueError: No training episode; an unknown reading; or a number below 1.
            FloatingPointError: A loss or a gradient is NaN or infinite.
        """
        seed = as_seed(seed)
        counts = {"num_updates": num_updates, "horizon": horizon, "batch_size": batch_size}
        check_counts(**counts, goal_offset=goal_offset, frame_stack=frame_stack)
        if max_minutes is not None and max_minutes <= 0:
            raise ValueError(f"`max_minutes` must be positive, got {max_minutes}.")
        sizes: dict[str, Any] = {"hidden_dim": hidden_dim, "recurrent": recurrent, "frame_stack": frame_stack}
        policy = _new_policy(dataset, readings, goals=goal_offset is not None, seed=seed, **sizes).to(device)
        clips = _clip_sampler(policy, dataset.split("train"), readings, horizon, goal_offset)
        optimizer = torch.optim.Adam(policy.network.train().parameters(), lr=learning_rate)
        rng, update, began = torch.Generator().manual_seed(seed), 0, time.monotonic()
        while update < num_updates and not (max_minutes and time.monotonic() - began >= 60 * max_minutes):
            update += 1
            loss = _loss(policy, clips.sample(batch_size, rng), goal_offset, rng)
            gradient_step({"loss": loss}, list(policy.network.parameters()), [optimizer], max_gradient_norm)
            if report is not None:
                report(update, {"loss": loss.item()})
        policy.network.eval().requires_grad_(False)
        policy.reset(seed=seed)
        policy.deterministic = policy.goals if deterministic is None else deterministic
        policy.training_info = {"objective": "cloning", "num_updates": update, "horizon": horizon, "seed": seed}
        policy.training_info["goal_offset"] = goal_offset
        return policy


def _new_policy(dataset: Dataset, readings: Sequence[str], **settings: Any) -> Policy:
    if unknown := [name for name in readings if name not in dataset.readings]:
        raise ValueError(f"`readings` must be among {list(dataset.readings)}, got {unknown}.")
    counts = {name: dataset.readings[name] for name in readings}
    space = frame_space(dict.fromkeys(dataset.cameras, dataset.image_size), counts)
    return Policy(space, action_codec(dataset), cameras=dataset.cameras, **settings)


def _clip_sampler(
    policy: Policy, dataset: Dataset, readings: Sequence[str], horizon: int, goal_offset: int | None
) -> ClipSampler:
    """Return a sampler of clips of `horizon` actions and the frames up to the farthest goal."""
    num_transitions = horizon + (goal_offset or 1) - 1
    recorded_names = {strip_prefix(name): name for name in readings}
    ordered = [recorded_names[name] for name in policy.observer.readings]
    return ClipSampler(dataset, context_length=1, horizon=num_transitions, readings=ordered)


def _loss(policy: Policy, clips: Clips, goal_offset: int | None, rng: torch.Generator) -> Tensor:
    """Return the mean negative log likelihood of the actions of clips, and update the scale of the readings.

    Args:
        policy: The policy in training.
        clips: Clips with one context frame.
        goal_offset: Most steps to a goal; None imitates whole clips without goals.
        rng: Draws the goals.
    """
    policy.network.scale.update(clips.readings.to(policy.device))
    hindsight = None if goal_offset is None else relabel_goals(clips, goal_offset=goal_offset, rng=rng)
    observations, actions, step_mask = _imitation_batch(policy, clips, hindsight)
    previous_actions = torch.cat([torch.zeros_like(actions[:, :1]), actions[:, :-1]], dim=1)
    outputs = policy.network.unroll_actor(observations, previous_actions, step_mask)
    log_prob = ActionDistribution(policy.layout, outputs).log_prob(actions[step_mask])
    shares = 1 / _num_clips_with(clips.steps, actions.shape[1]).to(log_prob)[step_mask]
    return -(log_prob * shares).sum() / shares.sum()


def _num_clips_with(steps: Tensor, horizon: int) -> Tensor:
    """Return how many clips hold each of the `horizon` actions from these steps on ``[b, horizon]``."""
    return (steps[:, None] + torch.arange(1, horizon + 1)).clamp(max=horizon)


def _imitation_batch(
    policy: Policy, clips: Clips, hindsight: HindsightGoals | None
) -> tuple[ObservationBatch, Tensor, Tensor]:
    """Return observations ``[b, t, ...]``, encoded actions ``[b, t, a]`` and which are imitated ``[b, t]``."""
    actions = policy.codec.encode_flat(clips.actions.to(policy.device))
    step_mask = clips.target_mask if hindsight is None else hindsight.step_mask
    step_mask, t = step_mask.to(policy.device), step_mask.shape[1]
    unknown = torch.full_like(clips.readings[:, :1], float("nan"))  # clips hold those of later frames only
    readings = torch.cat([unknown, clips.readings[:, : t - 1]], dim=1)
    observations = ObservationBatch(clips.frames[:, :t].to(policy.device), readings.to(policy.device))
    if hindsight is not None:
        observations = observations.with_goal(hindsight.goals.to(policy.device))
    return observations, actions[:, :t], step_mask
