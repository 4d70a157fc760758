"""Act by imagining a video to the goal and inferring its actions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vdworld.agents.checks import check_all_lanes, check_counts
from vdworld.agents.objectives import GoalImage
from vdworld.agents.video.inverse_dynamics import InverseDynamics
from vdworld.agents.video.video_generator import VideoGenerator
from vdworld.agents.video.video_model import train_video_model
from vdworld.data import Dataset
from vdworld.seeds import as_seed
from vdworld.types import Frame, Frames, LaneMask
from vdworld.world import WorldModel


class VideoPolicy:
    """Imagine a video to the goal, infer its actions, execute the first of them, and imagine the next video.

    UniPi (Du et al. 2023, arXiv 2302.00111), with videos that are imagined frame by frame. The goal is an image, passed
    to ``reset``, or an instruction, see ``follow``. Of several candidate videos, the one whose last frame is most
    similar to the goal image is used. It is an agent (``vdworld.agents.Agent``).

    Args:
        world: A video model from ``train_video_model``.
        inverse_dynamics: Infers the actions; must be trained with the same cameras.
        horizon: Frames of a video.
        replan_every: Actions of a video that are executed before the next one; None means half the horizon.
        num_candidates: Candidate videos per lane.
        num_sampling_steps: Network evaluations per imagined frame; None takes the world's own number. A single one
            shows the mean of all ways to the goal, from which small actions are inferred.
        seed: Seeds the videos; lane i has seed + i.

    Attributes:
        generator: Imagines the videos.
        similarity: Maps frames and goals ``[..., c, h, w]`` to their similarity ``[...]``; see ``GoalImage``.
        last_video: The video in execution ``[b, horizon, c, h, w]``; None before the first.

    Raises:
        ValueError: A number is out of range, the world is no video model, or the inverse dynamics reads other frames.
    """

    def __init__(
        self,
        world: WorldModel,
        inverse_dynamics: InverseDynamics,
        *,
        horizon: int = 8,
        replan_every: int | None = None,
        num_candidates: int = 1,
        num_sampling_steps: int | None = 2,
        seed: int = 0,
    ) -> None:
        self.world, self.inverse_dynamics = world, inverse_dynamics
        self.horizon, self.num_candidates, self.num_sampling_steps = horizon, num_candidates, num_sampling_steps
        check_counts(horizon=horizon, num_candidates=num_candidates)
        self.replan_every = max(horizon // 2, 1) if replan_every is None else replan_every
        if not 1 <= self.replan_every <= horizon:
            raise ValueError(f"`replan_every` must lie in 1..{horizon} (`horizon`), got {replan_every}.")
        self.generator = VideoGenerator(world)
        self.needs_goal = self.generator.has_goal
        c, sizes = self.generator.num_channels, inverse_dynamics.image_size
        if (inverse_dynamics.num_channels, *sizes) != (c, *world.image_size):
            shapes = f"{[c, *world.image_size]} of `world`, got {[inverse_dynamics.num_channels, *sizes]}"
            raise ValueError(f"`inverse_dynamics` must read frames of the shape {shapes}.")
        if num_candidates > 1 and not self.generator.has_goal:
            raise ValueError(f"`num_candidates` must be 1 without goal images, got {num_candidates}.")
        background = world.background()[:c] if world.starts is not None else None
        self.similarity = GoalImage(background=background).similarity
        self._instruction: Tensor | None = None
        self.seed = seed
        self.reset()

    @classmethod
    def learn(
        cls,
        dataset: Dataset,
        *,
        goal_offset: int = 16,
        horizon: int = 8,
        num_updates: int = 2_000,
        seed: int = 0,
        device: str | torch.device | None = None,
        **training: Any,
    ) -> VideoPolicy:
        """Train both parts on the training episodes of recordings, of any behaviour.

        Args:
            dataset: Recordings.
            goal_offset: Most steps from a frame to its goal in training.
            horizon: Frames of a video.
            num_updates: Gradient steps of the inverse dynamics.
            seed: Seeds everything random in training, and the videos.
            device: Device to train on; None takes a GPU if there is one.
            training: Further arguments of ``train_video_model``, such as ``max_minutes``.

        Raises:
            ValueError: An argument is out of range.
        """
        seed = as_seed(seed)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        inverse_dynamics = InverseDynamics.learn(dataset, num_updates=num_updates, device=device, seed=seed)
        world = train_video_model(dataset, goal_offset=goal_offset, seed=seed, device=device, **training)
        return cls(world, inverse_dynamics, horizon=horizon, seed=seed)

    def follow(self, instruction: Any) -> None:
        """Set the instruction for all videos from the next one on.

        Args:
            instruction: A vector ``[d]`` for all lanes or ``[b, d]``, in the units of the training instructions.

        Raises:
            ValueError: The video model takes no instructions, or vectors of another length.
        """
        self._instruction = self.generator.encode_instruction(instruction)

    def reset(
        self,
        mask: LaneMask | None = None,
        seed: int | None = None,
        goal: Frame | None = None,
        context: tuple[Frames, Tensor] | None = None,
    ) -> None:
        """Begin new episodes; see ``Agent.reset``. All lanes begin together, so that `mask` must be None or all true.

        Raises:
            ValueError: A partial `mask`.
        """
        check_all_lanes(mask)
        if seed is not None:
            self.seed = seed
        self.goal = goal
        self._past = None if context is None else context[0][:, :-1].float().to(self.world.device)
        self._plan: Tensor | None = None
        self.last_video: Tensor | None = None
        self._age, self._count = 0, 0

    @torch.no_grad()
    def act(self, observation: Frame) -> Any:
        """Choose one action per lane ``[b, ...]`` in the environment's units.

        Raises:
            ValueError: The goal or the instruction is missing, or has another number of lanes.
        """
        frames = self._context(observation)
        if self._plan is None or self._age >= self.replan_every:
            video = self.last_video = self.imagine(frames, seed=self.seed + 7919 * self._count)
            self._plan, self._age = self._infer_actions(frames, video), 0
        encoded = self._plan[:, self._age]
        self._past, self._age, self._count = frames, self._age + 1, self._count + 1
        return self.inverse_dynamics.codec.decode(encoded)

    @torch.no_grad()
    def imagine(self, frames: Frames, seed: int = 0) -> Tensor:
        """Return a video to the goal of the last reset ``[b, horizon, c, h, w]``, the best of all candidates.

        Args:
            frames: The past ``[b, k, c, h, w]`` in [-1, 1], newest last; any k from 1.
            seed: Seeds the videos; lane i has seed + i.

        Raises:
            ValueError: See ``act``.
        """
        videos = self.generator.imagine(
            frames,
            goal=self.goal,
            instruction=self._instruction,
            horizon=self.horizon,
            num_videos=self.num_candidates,
            num_sampling_steps=self.num_sampling_steps,
            seed=seed,
        )
        if self.num_candidates == 1 or self.goal is None:
            return videos[:, 0]
        best = self.similarity(videos[:, :, -1], self.goal[:, None].to(videos)).argmax(dim=1)
        return videos[torch.arange(len(best), device=best.device), best]

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write a folder that ``from_pretrained`` reads; nothing in it is pickled.

        Raises:
            FileExistsError: The folder holds something else, such as a world.
        """
        from vdworld.agents.video.video_policy_folder import save_video_policy

        return save_video_policy(self, Path(folder).expanduser())

    @classmethod
    def from_pretrained(cls, folder: str | Path, *, device: str | torch.device = "cpu") -> VideoPolicy:
        """Read a folder that ``save_pretrained`` wrote.

        Raises:
            FileNotFoundError: There is no such folder, or it holds no video policy.
            ValueError: It is damaged, or written by another version.
        """
        from vdworld.agents.video.video_policy_folder import load_video_policy

        return load_video_policy(Path(folder).expanduser(), device)

    def _infer_actions(self, frames: Frames, video: Tensor) -> Tensor:
        """Return the encoded actions ``[b, horizon, a]`` of a video after past frames."""
        num_before = self.inverse_dynamics.num_before
        missing = max(num_before - frames.shape[1], 0)
        padded = torch.cat([frames[:, :1]] * missing + [frames[:, -num_before:], video], dim=1)
        return self.inverse_dynamics.read(padded.to(self.inverse_dynamics.output.weight.device))

    def _context(self, observation: Frame) -> Frames:
        """Return the newest frame and those before it, as many as a dream begins with."""
        frame = observation.float().to(self.world.device)[:, None]
        if self._past is None:
            return frame
        return torch.cat([self._past[:, -self.world.context_length :], frame], dim=1)
