"""Learn a policy from recordings: do what was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from vdworld.agents.policies.distribution import ActionDistribution
from vdworld.agents.policies.observing import Seen
from vdworld.agents.policies.policy import Policy
from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.envs.dream_spaces import bare, frame_space
from vdworld.training.assemble import action_codec


class BehaviourCloning:
    """Imitate recorded actions; see ``learn``."""

    @staticmethod
    def learn(
        dataset: Dataset,
        *,
        num_updates: int = 2_000,
        horizon: int = 15,
        batch_size: int = 32,
        readings: Sequence[str] = (),
        learning_rate: float = 3e-4,
        max_gradient_norm: float = 1.0,
        hidden_dim: int = 256,
        recurrent: bool = True,
        device: str | torch.device = "cpu",
        seed: int = 0,
        report: Callable[[int, dict[str, float]], None] | None = None,
    ) -> Policy:
        """Maximise the likelihood of the recorded actions of the training episodes, given all since a clip's start.

        The policy has the spaces of dreams in a world that was trained on the dataset with the same readings.

        Args:
            dataset: Recordings; its split ``"train"`` is used.
            num_updates: Gradient steps.
            horizon: Actions of a clip; the memory begins empty at its start.
            batch_size: Clips per step.
            readings: Which of ``dataset.readings`` to see beside the frames; not known in a clip's first frame.
            learning_rate: Of Adam.
            max_gradient_norm: Beyond which gradients are scaled down.
            hidden_dim: Width of the network.
            recurrent: Whether the policy has a memory.
            device: Where to learn.
            seed: Of the initial weights and the clips.
            report: Is told, after every step, its number and the loss.

        Raises:
            ValueError: No training episode has `horizon` transitions, an unknown reading, or a number below 1.
        """
        for name, value in (("num_updates", num_updates), ("horizon", horizon), ("batch_size", batch_size)):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1, got {value}.")
        place, rng = torch.device(device), torch.Generator().manual_seed(seed)
        policy = _new_policy(dataset, readings, hidden_dim, recurrent, seed).to(place)
        named = {bare(name): name for name in readings}
        ordered = [named[name] for name in policy.observer.readings]
        clips = ClipSampler(dataset.split("train"), context_length=1, horizon=horizon, readings=ordered)
        network = policy.network.train()
        optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
        for update in range(1, num_updates + 1):
            batch = clips.sample(batch_size, rng)
            network.scale.update(batch.readings.to(place))
            loss = _loss(policy, batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), max_gradient_norm)
            optimizer.step()
            if report is not None:
                report(update, {"loss": loss.item()})
        network.eval().requires_grad_(False)
        policy.record = {"objective": "cloning", "num_updates": num_updates, "horizon": horizon, "seed": seed}
        return policy


def _new_policy(dataset: Dataset, readings: Sequence[str], hidden_dim: int, recurrent: bool, seed: int) -> Policy:
    if unknown := [name for name in readings if name not in dataset.readings]:
        raise ValueError(f"`readings` must be among {list(dataset.readings)}, got {unknown}.")
    counts = {name: dataset.readings[name] for name in readings}
    space = frame_space(dict.fromkeys(dataset.cameras, dataset.image_size), counts)
    codec = action_codec(dataset)
    return Policy(space, codec, cameras=dataset.cameras, hidden_dim=hidden_dim, recurrent=recurrent, seed=seed)


def _loss(policy: Policy, clips: Clips) -> Tensor:
    """Return the mean negative log likelihood of the actions of clips that have one context frame."""
    actions = policy.codec.encode_flat(clips.actions.to(policy.device))
    b, t, _ = actions.shape
    unknown = torch.full_like(clips.readings[:, :1], float("nan"))  # clips tell those of later frames alone
    readings = torch.cat([unknown, clips.readings[:, :-1]], dim=1)
    seen = Seen(clips.frames[:, :-1].to(policy.device), readings.to(policy.device))
    previous = torch.cat([torch.zeros_like(actions[:, :1]), actions[:, :-1]], dim=1)
    begins = torch.zeros(b, t, dtype=torch.bool, device=policy.device)
    hidden = policy.network.blank(b).hidden[:, None].expand(-1, t, -1)
    outputs, _ = policy.network.unroll(seen, previous, hidden, begins)
    return -ActionDistribution(policy.layout, outputs).log_prob(actions).mean()
