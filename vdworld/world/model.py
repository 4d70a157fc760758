"""The learned simulator: start a dream from real frames, step it, roll it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from torch import Tensor, nn

from vdworld.diffusion import RectifiedFlow, sample_euler
from vdworld.networks import Context, StackedUNet
from vdworld.spaces import ActionCodec
from vdworld.spec import EnvironmentSpec
from vdworld.types import Actions, Features, Frame, Frames, LaneIntegers, PastActions, PastKnown
from vdworld.world.heads import OutcomeHeads
from vdworld.world.history import first_frames, fit_history
from vdworld.world.noise import lane_normal, lane_seeds, lane_uniform
from vdworld.world.outcome import Outcome, Rollout
from vdworld.world.starts import StartClips
from vdworld.world.state import WorldState

Policy = Callable[[WorldState], Any]
"""Maps the state of the dreams to one action per lane, in the environment's units."""


class WorldModel(nn.Module):
    """An environment learnt from recorded experience, imagined by a video diffusion model.

    Args:
        network: Estimates the clean next frame; its sizes fix those of the world.
        process: The diffusion process that the network was trained with.
        heads: Reward and continuation.
        action_codec: Maps the environment's actions to the network's.
        image_size: Height and width of the frames in pixels.
        cameras: Names of the cameras; their frames lie behind one another on the channels.
        fps: Steps per second of the environment's time.
        has_reward: Whether the data held rewards; without them `reward` is 0 and means nothing.
        num_sampling_steps: Network evaluations per frame unless a call says otherwise.
        spec: How to build the real environment again.
        starts: Real clips to begin from.
        record: How the world was trained, plain JSON values.
    """

    def __init__(
        self,
        *,
        network: StackedUNet,
        process: RectifiedFlow,
        heads: OutcomeHeads,
        action_codec: ActionCodec,
        image_size: tuple[int, int],
        cameras: tuple[str, ...] = ("image",),
        fps: float = 10.0,
        has_reward: bool = True,
        num_sampling_steps: int = 1,
        spec: EnvironmentSpec | None = None,
        starts: StartClips | None = None,
        record: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        # channels_last: 1.5 times faster on CPUs without AVX-512
        self.network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.process, self.heads, self.action_codec = process, heads, action_codec
        height, width = image_size
        self.image_size, self.cameras, self.fps = (height, width), tuple(cameras), fps
        self.has_reward, self.num_sampling_steps = has_reward, num_sampling_steps
        self.spec, self.starts, self.record = spec, starts, record or {}

    @property
    def context_length(self) -> int:
        """K, how many past frames the network sees."""
        return self.network.context_length

    @property
    def action_space(self) -> gym.Space:
        """The environment's action space."""
        return self.action_codec.space

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one frame."""
        return (self.network.frame_channels, *self.image_size)

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return next(self.parameters()).device

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
        if frames.ndim != 5 or tuple(frames.shape[2:]) != self.frame_shape:
            raise ValueError(f"`frames` must be [b, k, {', '.join(map(str, self.frame_shape))}], got {frames.shape}.")
        if not frames.is_floating_point():
            raise ValueError(
                f"`frames` must be floats in [-1, 1], got {frames.dtype}. Pixels [b, k, h, w, c] go through "
                "`vdworld.spaces.frames_to_float` first."
            )
        b, k = frames.shape[:2]
        frames = frames.to(self.device, torch.float32)
        first = first_frames(lengths, b, k, self.device)
        encoded = torch.zeros(b, k - 1, self.action_codec.dim, device=self.device)
        known = torch.zeros(b, k - 1, dtype=torch.bool, device=self.device)
        if actions is not None and k > 1:
            known = torch.arange(k - 1, device=self.device) >= first[:, None]
            encoded = self._encode(actions, (b, k - 1), known)
        return self._start(frames, encoded, known, lane_seeds(seed, b, self.device), first)

    def start_encoded(
        self, frames: Frames, actions: PastActions, known: PastKnown, seed: int | Sequence[int] | Tensor = 0
    ) -> WorldState:
        """Begin dreams from clips with encoded actions, whose padding is marked in `known`."""
        b, k = frames.shape[:2]
        first = first_frames(None, b, k, self.device)
        return self._start(frames, actions, known, lane_seeds(seed, b, self.device), first)

    def sample_start(self, num_lanes: int, seed: int | Sequence[int] | Tensor = 0) -> WorldState:
        """Begin dreams from the world's own start clips; a lane's seed picks its clip.

        Raises:
            ValueError: The world carries no start clips.
        """
        seeds = lane_seeds(seed, num_lanes, self.device)
        chosen = (lane_uniform(seeds, torch.zeros_like(seeds) - 1) * len(self._own_starts())).long()
        return self.start_from_clips(chosen, seeds)

    def start_from_clips(self, chosen: Tensor, seed: int | Sequence[int] | Tensor = 0) -> WorldState:
        """Begin dreams from start clips picked by index ``[b]``.

        Raises:
            ValueError: The world carries no start clips.
        """
        starts, rows = self._own_starts(), chosen.cpu()
        frames = starts.frames[rows].to(self.device).float().div(127.5).sub(1.0)
        known = starts.known[rows].to(self.device)
        encoded = self.action_codec.encode_flat(starts.actions[rows].to(self.device), known)
        return self.start_encoded(frames, encoded, known, seed)

    def background(self) -> Tensor:
        """Return the median of the start clips' last frames ``[c, h, w]``: what stays where it is under one camera.

        Raises:
            ValueError: The world carries no start clips.
        """
        frames = self._own_starts().frames[:, -1].float().div(127.5).sub(1.0)
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
        context = self._context(state, action if encoded else self._encode(action, (len(state),)))
        frame = self._sample(state, context, num_sampling_steps, state.counter)
        uncertainty = None
        if with_uncertainty:
            other = self._sample(state, context, num_sampling_steps, state.counter + 1)
            uncertainty = (frame - other).square().mean(dim=(1, 2, 3)).sqrt()
        features = self.network.features(frame, context.level, context)
        reward, continuation = self.heads.predict(features)
        terminated = lane_uniform(state.seed, state.counter + 2) > continuation
        after = _after(state, context, frame, features)
        return after, Outcome(frame, reward, continuation, terminated, features, uncertainty, self.cameras)

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
            encoded: The actions are already encoded, ``[b, h, a]``.

        Raises:
            ValueError: A policy without `horizon`, or actions of another shape.
        """
        future = None if callable(actions_or_policy) else self._future(actions_or_policy, len(state), encoded)
        longest = horizon if future is None else future.shape[1]
        steps = longest if horizon is None else horizon
        if steps is None or longest is None or not 1 <= steps <= longest:
            raise ValueError(f"`horizon` must be at least 1 and within the actions; a policy needs it. Got {horizon}.")
        if frames_only and future is not None:
            return self._rollout_frames(state, future[:, :steps], num_sampling_steps)
        outcomes: list[Outcome] = []
        for t in range(steps):
            state, outcome = self.step(
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

    def _own_starts(self) -> StartClips:
        if self.starts is None:
            raise ValueError("This world carries no start clips; begin with `world.start(frames, actions)`.")
        return self.starts

    def _future(self, actions: Any, num_lanes: int, encoded: bool) -> Actions:
        if encoded:
            return actions
        length = self.action_codec.flatten(actions).shape[1:2]
        return self._encode(actions, (num_lanes, *length))

    def _encode(self, actions: Any, batch: tuple[int, ...], known: Tensor | None = None) -> Tensor:
        flat = self.action_codec.flatten(actions).to(self.device)
        if flat.shape[:-1] != batch:
            raise ValueError(
                f"`actions` must have leading axes {list(batch)} before one action of {self.action_space}, "
                f"got {list(flat.shape[:-1])}."
            )
        return self.action_codec.encode_flat(flat, known)

    def _start(
        self, frames: Frames, actions: PastActions, known: PastKnown, seed: LaneIntegers, first: LaneIntegers
    ) -> WorldState:
        frames, actions, known = fit_history(frames, actions, known, first, self.context_length + 1)
        level = frames.new_full((len(frames),), self.process.clean_level)
        features = self.network.features(frames[:, -1], level, Context(frames[:, :-1], actions, known, level))
        return WorldState(frames[:, 1:], actions[:, 1:], known[:, 1:], seed, torch.zeros_like(seed), features)

    def _context(self, state: WorldState, action: Tensor) -> Context:
        actions = torch.cat([state.actions, action[:, None]], dim=1)
        known = torch.cat([state.known, state.known.new_ones(len(state), 1)], dim=1)
        return Context(state.frames, actions, known, state.frames.new_full((len(state),), self.process.clean_level))

    def _rollout_frames(self, state: WorldState, future: Actions, num_steps: int | None) -> Rollout:
        frames = []
        for t, action in enumerate(future.unbind(dim=1), start=1):
            context = self._context(state, action)
            frame = self._sample(state, context, num_steps, state.counter)
            last = t == future.shape[1]
            features = self.network.features(frame, context.level, context) if last else state.features
            state = _after(state, context, frame, features)
            frames.append(frame)
        nothing = future.new_zeros(len(state), 0)
        return Rollout(torch.stack(frames, dim=1), nothing, nothing, nothing.bool(), None, None, state)

    def _sample(self, state: WorldState, context: Context, num_steps: int | None, counter: Tensor) -> Frame:
        noise = lane_normal(state.seed, counter, self.frame_shape)
        levels = self.process.schedule(num_steps if num_steps is not None else self.num_sampling_steps)

        def denoise(noisy: Frame, level: float) -> Frame:
            return self.network(noisy, noisy.new_full((len(noisy),), level), context)[0]

        return sample_euler(denoise, self.process, noise, levels).clamp(-1, 1)


def _after(state: WorldState, context: Context, frame: Frame, features: Features) -> WorldState:
    """Return the state with one more frame, its oldest one forgotten; a step counts three draws."""
    frames = torch.cat([state.frames[:, 1:], frame[:, None]], dim=1)
    return WorldState(frames, context.actions[:, 1:], context.known[:, 1:], state.seed, state.counter + 3, features)
