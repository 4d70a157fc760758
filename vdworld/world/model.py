"""The learned simulator: start a dream from real frames, step it, roll it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vdworld.diffusion import Process
from vdworld.networks import Network
from vdworld.spaces import ActionCodec
from vdworld.spec import EnvironmentSpec
from vdworld.types import Features, Frames, PastActionMask, PastActions
from vdworld.world import rolling, starting
from vdworld.world.generator import FrameGenerator
from vdworld.world.graphs import Tensors
from vdworld.world.heads import OutcomeHeads
from vdworld.world.noise import lane_seeds, lane_uniform
from vdworld.world.outcome import Outcome, Rollout
from vdworld.world.sampling import Sampling
from vdworld.world.start_clips import StartClips
from vdworld.world.state import WorldState

Policy = Callable[[WorldState], Any]
"""Maps the state of the dreams to one action per lane, in the environment's units."""


class WorldModel(FrameGenerator):
    """An environment learnt from recorded experience, imagined by a video diffusion model.

    Args:
        network: Estimates the clean next frame; its sizes fix those of the world.
        process: The diffusion process that the network was trained with.
        heads: Reward, continuation and readings.
        action_codec: Maps the environment's actions to the network's.
        image_size: Height and width of the frames in pixels.
        cameras: Names of the cameras; their frames lie behind one another on the channels.
        readings: Names of what can be read beside the frames, as recorded, and how many numbers each holds.
        fps: Steps per second of the environment's time.
        has_reward: Whether the data held rewards; without them `reward` is 0 and means nothing.
        sampling: How frames are drawn; None is one Euler step.
        shortcut_steps: The step count from which no step is a shortcut; 0 for a world trained without shortcuts.
        trained_without: Which of "actions" and "history" training sometimes hid, so that they can guide.
        spec: How to build the real environment again.
        starts: Real clips to begin from.
        training_info: How the world was trained, plain JSON values.
        uncertainty_quantiles: Of its uncertainty in held-out dreams, from 0% to 100%; empty where never measured.
    """

    def __init__(
        self,
        *,
        network: Network,
        process: Process,
        heads: OutcomeHeads,
        action_codec: ActionCodec,
        image_size: tuple[int, int],
        cameras: tuple[str, ...] = ("image",),
        readings: Mapping[str, int] | None = None,
        fps: float = 10.0,
        has_reward: bool = True,
        sampling: Sampling | None = None,
        shortcut_steps: int = 0,
        trained_without: tuple[str, ...] = (),
        spec: EnvironmentSpec | None = None,
        starts: StartClips | None = None,
        training_info: dict[str, Any] | None = None,
        uncertainty_quantiles: tuple[float, ...] = (),
    ) -> None:
        parts = (sampling or Sampling(), shortcut_steps, trained_without)
        super().__init__(network, process, action_codec, image_size, *parts)
        self.heads, self.cameras, self.fps, self.has_reward = heads, tuple(cameras), fps, has_reward
        self.readings = dict(readings or {})
        self.spec, self.starts, self.training_info = spec, starts, training_info or {}
        self.uncertainty_quantiles = uncertainty_quantiles
        self.eval()  # a trainer turns to training mode

    def start(
        self,
        frames: Frames,
        actions: Any = None,
        *,
        lengths: Tensor | None = None,
        seed: int | Sequence[int] | Tensor = 0,
    ) -> WorldState:
        """Begin a dream in every lane from real frames.

        Args:
            frames: The past ``[b, k, c, h, w]`` in [-1, 1], newest last; any k from 1, of which the last K + 1 count.
            actions: The k - 1 actions between them, in the environment's units with axes ``[b, k - 1, ...]``; None
                marks them unknown.
            lengths: How many of the k frames are real ``[b]``, counted from the newest; None means all.
            seed: An int, so that lane i gets ``seed + i``, or one per lane.

        Raises:
            ValueError: Shapes that don't fit this world.
        """
        return starting.from_frames(self, frames, actions, lengths, seed)

    def start_encoded(
        self, frames: Frames, actions: PastActions, action_mask: PastActionMask, seed: int | Sequence[int] | Tensor = 0
    ) -> WorldState:
        """Begin dreams from clips with encoded actions, whose padding is marked in `action_mask`."""
        return starting.from_encoded(self, frames, actions, action_mask, seed)

    def sample_start(
        self, num_lanes: int, seed: int | Sequence[int] | Tensor = 0, clips: StartClips | None = None
    ) -> WorldState:
        """Begin dreams from the world's own start clips, or from others; a lane's seed picks its clip.

        Raises:
            ValueError: The world carries no start clips.
        """
        seeds = lane_seeds(seed, num_lanes, self.device)
        clips = starting.own_clips(self) if clips is None else clips
        chosen = (lane_uniform(seeds, torch.zeros_like(seeds) - 1) * len(clips)).long()
        return starting.from_clips(self, clips, chosen, seeds)

    def start_from_clips(
        self, chosen: Tensor, seed: int | Sequence[int] | Tensor = 0, clips: StartClips | None = None
    ) -> WorldState:
        """Begin dreams from start clips picked by index ``[b]``, of the world's own or of others.

        Raises:
            ValueError: The world carries no start clips.
        """
        return starting.from_clips(self, starting.own_clips(self) if clips is None else clips, chosen, seed)

    def background(self) -> Tensor:
        """Return the median of the start clips' last frames ``[c, h, w]``: what stays where it is under one camera.

        Raises:
            ValueError: The world carries no start clips.
        """
        frames = starting.own_clips(self).frames[:, -1].float().div(127.5).sub(1.0)
        return frames.median(dim=0).values

    def step(
        self,
        state: WorldState,
        action: Any,
        *,
        num_sampling_steps: int | None = None,
        with_uncertainty: bool = False,
        encoded: bool = False,
        donate: bool = False,
    ) -> tuple[WorldState, Outcome]:
        """Imagine the next frame of every lane.

        Args:
            state: Where the dreams stand; stays valid.
            action: One action per lane in the environment's units, axes ``[b, ...]``.
            num_sampling_steps: Network evaluations for the frame; None takes the world's own number.
            with_uncertainty: Sample a second frame with other noise and report the root mean square difference.
            encoded: `action` is already encoded, ``[b, a]``.
            donate: The caller gives `state` up, and its memory may be used again. A stacked-frame world has no
                memory worth using again, so that nothing changes for it.
        """
        action = action if encoded else self.encode_actions(action, (len(state),))
        steps = self.num_sampling_steps if num_sampling_steps is None else num_sampling_steps
        state, outputs = self.advance(state, action, rolling.StepRequest(steps, uncertainty=with_uncertainty))
        return state, Outcome(
            **{"uncertainty": None, **outputs}, cameras=self.cameras, readings=self.read(outputs["features"])
        )

    def read(self, features: Features) -> dict[str, Tensor]:
        """Return what can be read beside frames, ``[b, d]`` each in the environment's units, off their features.

        ``state.features`` are those of a state's last frame.
        """
        if not self.readings:
            return {}
        parts = self.heads.read(features).split(list(self.readings.values()), dim=-1)
        return dict(zip(self.readings, parts, strict=True))

    def advance(self, state: WorldState, action: Tensor, request: rolling.StepRequest) -> tuple[WorldState, Tensors]:
        """Imagine as ``rolling.imagine`` does, with a recorded step where one serves; what ``step`` and ``rollout`` do.

        Args:
            state: Where the dreams stand; stays valid.
            action: Encoded ``[b, a]``.
            request: What to tell.
        """
        recorded = self.device.type == "cuda" and self.execution.cuda_graphs
        if recorded and not torch.is_grad_enabled() and not self.training:
            return rolling.imagine_recorded(self, state, action, request)
        return rolling.imagine(self, state, action, request)

    def rollout(
        self,
        state: WorldState,
        actions_or_policy: Any | Policy,
        *,
        horizon: int | None = None,
        num_sampling_steps: int | None = None,
        with_features: bool = False,
        with_uncertainty: bool = False,
        frames_only: bool = False,
        recompute: bool = False,
        encoded: bool = False,
    ) -> Rollout:
        """Imagine a future of every lane; differentiable in the actions.

        Args:
            state: Where the dreams stand; stays valid.
            actions_or_policy: Actions ``[b, h, ...]`` in the environment's units, or a function that maps the state
                to the next actions.
            horizon: Steps to imagine; needed with a policy, and by default as many as there are actions.
            num_sampling_steps: Network evaluations per frame; None takes the world's own number.
            with_features: Keep the features of every step.
            with_uncertainty: Keep the uncertainty of every step; doubles the cost.
            frames_only: Leave rewards and continuations out, about a third of the cost, where pictures alone count.
                With given actions only.
            recompute: With gradients, keep nothing of a step but its state, and compute it again on the way back: the
                memory of one step for about a third more time (Chen et al. 2016).
            encoded: The actions are already encoded, ``[b, h, a]``.

        Raises:
            ValueError: A policy without `horizon`, or actions of another shape.
        """
        future = None
        if not callable(actions_or_policy):
            future = actions_or_policy if encoded else rolling.encode_future(self, actions_or_policy, len(state))
        steps = rolling.count_steps(horizon, future)
        if frames_only and future is not None:
            return rolling.roll_frames(self, state, future[:, :steps], num_sampling_steps, recompute)
        step = rolling.recomputed(self.step) if recompute else self.step
        outcomes: list[Outcome] = []
        for t in range(steps):
            state, outcome = step(
                state,
                actions_or_policy(state) if future is None else future[:, t],
                num_sampling_steps=num_sampling_steps,
                with_uncertainty=with_uncertainty,
                encoded=encoded or future is not None,
                donate=t > 0,
            )
            outcomes.append(outcome)
        return Rollout.stack(outcomes, state, with_features)

    def save_pretrained(self, path: str | Path) -> Path:
        """Write a self-contained folder: config, weights, start clips and a model card."""
        from vdworld.world.pretrained import save_world

        return save_world(self, Path(path))

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path, device: torch.device | str = "cpu") -> WorldModel:
        """Load a world from a folder that ``save_pretrained`` wrote.

        Raises:
            FileNotFoundError: There is no such world.
            ValueError: The folder holds something else.
        """
        from vdworld.world.pretrained import load_world

        return load_world(path_or_name).to(device)
