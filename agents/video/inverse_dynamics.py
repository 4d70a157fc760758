"""Inverse dynamics: infer the action between two frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vdworld.agents.checks import check_counts
from vdworld.agents.policies.distribution import ActionDistribution, ActionLayout
from vdworld.agents.policies.encoder import image_encoder
from vdworld.agents.progress import Report
from vdworld.data import Clips, ClipSampler, Dataset
from vdworld.memory_errors import out_of_memory
from vdworld.spaces import ActionCodec
from vdworld.training.assemble_world import action_codec
from vdworld.training.gradient_step import gradient_step
from vdworld.types import Frames


class InverseDynamics(nn.Module):
    """Infer the action between two frames from these, and optionally from frames before them.

    Use ``InverseDynamics.learn`` or ``InverseDynamics.from_pretrained`` to get one.

    Args:
        codec: Encodes the actions.
        num_channels: Channels of a frame, 3 per camera.
        image_size: Height and width of the frames, from 2 pixels.
        num_before: Frames up to the action that the network observes. 2 show velocities, but tempt the network to guess
            from earlier actions.
        hidden_dim: Width of the network.
        seed: Seeds the initial weights.
        training_info: How it was trained, as plain JSON values.

    Raises:
        ValueError: A number is out of range.
    """

    def __init__(
        self,
        codec: ActionCodec,
        *,
        num_channels: int,
        image_size: tuple[int, int],
        num_before: int = 1,
        hidden_dim: int = 256,
        seed: int = 0,
        training_info: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if num_before < 1:
            raise ValueError(
                f"`num_before` must be at least 1, the frame in which the action is taken, got {num_before}."
            )
        self.codec, self.layout, self.training_info = codec, ActionLayout.of(codec), dict(training_info or {})
        self.num_channels, self.num_before, self.hidden_dim = num_channels, num_before, hidden_dim
        self.image_size = (image_size[0], image_size[1])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.image_encoder = image_encoder((num_before + 1) * num_channels, self.image_size, hidden_dim)
            self.output = nn.Linear(hidden_dim, self.layout.num_outputs)
            nn.init.orthogonal_(self.output.weight, 0.01)
            nn.init.zeros_(self.output.bias)

    def forward(self, frames: Frames) -> ActionDistribution:
        """Return the distributions of the actions ``[b, h]`` between the frames of videos.

        Args:
            frames: ``[b, num_before + h, c, h, w]`` in [-1, 1], oldest first; the first action is taken in the frame
                number `num_before`. Repeat the oldest frame on the left if there is no past.

        Raises:
            ValueError: Frames of another shape, or too few.
        """
        length, shape = self.num_before + 1, (self.num_channels, *self.image_size)
        if frames.ndim != 5 or frames.shape[1] < length or tuple(frames.shape[2:]) != shape:
            rule = f"be [b, t, {', '.join(map(str, shape))}] with t from {length} on"
            raise ValueError(f"`frames` must {rule}, got {list(frames.shape)}.")
        windows = [frames[:, i : i + length].flatten(1, 2) for i in range(frames.shape[1] - length + 1)]
        stacked = torch.stack(windows, dim=1)  # [b, h, (num_before + 1) c, h, w]
        features = self.image_encoder(stacked.flatten(0, 1)).unflatten(0, stacked.shape[:2])
        return ActionDistribution(self.layout, self.output(features))

    @torch.no_grad()
    def read(self, frames: Frames) -> Tensor:
        """Return the most likely actions of videos, encoded and legal ``[b, h, a]``; frames as for ``forward``."""
        return self.codec.project(self(frames).mode())

    @staticmethod
    @out_of_memory("Lower `batch_size` or `hidden_dim`.")
    def learn(
        dataset: Dataset,
        *,
        num_updates: int = 2_000,
        batch_size: int = 64,
        num_before: int = 1,
        learning_rate: float = 1e-3,
        hidden_dim: int = 256,
        device: str | torch.device = "cpu",
        seed: int = 0,
        report: Report | None = None,
    ) -> InverseDynamics:
        """Maximise the likelihood of the recorded actions of the training episodes.

        Args:
            dataset: Recordings; the split ``"train"`` is used.
            num_updates: Number of gradient steps.
            batch_size: Transitions per gradient step.
            num_before: Frames up to the action that the network observes.
            learning_rate: Initial learning rate of Adam; it decays linearly to 0.
            hidden_dim: Width of the network.
            device: Device to train on.
            seed: Seeds the initial weights and the transitions.
            report: Called after every gradient step with its number and the loss.

        Raises:
            ValueError: A number is below 1, or there are no transitions to train on.
            FloatingPointError: A loss or a gradient is NaN or infinite.
        """
        check_counts(num_updates=num_updates, batch_size=batch_size, num_before=num_before)
        rng = torch.Generator().manual_seed(seed)
        clips = ClipSampler(dataset.split("train"), context_length=num_before, horizon=1)
        model = InverseDynamics(
            action_codec(dataset),
            num_channels=clips.frames.shape[1],
            image_size=clips.image_size,
            num_before=num_before,
            hidden_dim=hidden_dim,
            seed=seed,
            training_info={"num_updates": num_updates, "batch_size": batch_size, "seed": seed},
        ).to(device)
        optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=num_updates)
        for update in range(1, num_updates + 1):
            loss = _loss(model, clips.sample(batch_size, rng))
            gradient_step({"loss": loss}, list(model.parameters()), [optimizer])
            schedule.step()
            if report is not None:
                report(update, {"loss": loss.item()})
        return model.eval().requires_grad_(False)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write a folder that ``from_pretrained`` reads; nothing in it is pickled.

        Raises:
            FileExistsError: The folder holds something else, such as a world.
        """
        from vdworld.agents.video.video_policy_folder import save_inverse_dynamics

        return save_inverse_dynamics(self, Path(folder).expanduser())

    @classmethod
    def from_pretrained(cls, folder: str | Path, *, device: str | torch.device = "cpu") -> InverseDynamics:
        """Read a folder that ``save_pretrained`` wrote.

        Raises:
            FileNotFoundError: There is no such folder, or it holds no inverse dynamics.
            ValueError: It is damaged, or written by another version.
        """
        from vdworld.agents.video.video_policy_folder import load_inverse_dynamics

        return load_inverse_dynamics(Path(folder).expanduser()).to(device)


def _loss(model: InverseDynamics, clips: Clips) -> Tensor:
    """Return the mean negative log likelihood of the action before the only target frame of each clip."""
    device = model.output.weight.device
    frames = clips.frames.to(device).float().div(127.5).sub(1.0)
    actions = model.codec.encode_flat(clips.actions[:, -1:].to(device))
    return -model(frames).log_prob(actions).mean()
