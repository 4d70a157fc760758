"""Act by imagining a video to the goal and doing what would bring it about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vdworld.agents.objectives import GoalImage
from vdworld.agents.video.dreams import VideoDreams
from vdworld.agents.video.inverse_dynamics import InverseDynamics
from vdworld.agents.video.video_model import train_video_model
from vdworld.data import Dataset
from vdworld.types import Frame, Frames, LaneMask
from vdworld.world import WorldModel


class VideoPolicy:
    """Imagine a video to the goal, read the actions off it, execute the first of them, and imagine anew.

    UniPi (Du et al. 2023, arXiv 2302.00111), with a video that is imagined frame by frame. The goal is an image, given
    at each reset, or an instruction, see ``follow``. Several videos may be imagined, of which the one counts that ends
    most like the goal image. It is an agent (``vdworld.agents.Agent``).

    Args:
        world: A video model from ``train_video_model``.
        inverse_dynamics: Reads the actions; must have learnt from the same cameras.
        horizon: Frames of a video.
        replan_every: Actions of a video that are executed before the next one; None is half the horizon.
        num_candidates: Videos per episode and plan.
        num_sampling_steps: Network evaluations per imagined frame; None takes the world's own number. One alone shows
            the mean of all ways to the goal, and the actions read off it are timid.
        seed: Of the videos; lane i begins with seed + i.

    Attributes:
        dreams: Imagines the videos.
        likeness: How much frames look like a goal, ``[..., c, h, w]`` each -> ``[...]``.
        last_video: The video that is being followed ``[b, horizon, c, h, w]``; None before the first.

    Raises:
        ValueError: A number out of range, a world that is no video model, or other frames in the inverse dynamics.
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
        for name, value in (("horizon", horizon), ("num_candidates", num_candidates)):
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1, got {value}.")
        self.replan_every = max(horizon // 2, 1) if replan_every is None else replan_every
        if not 1 <= self.replan_every <= horizon:
            raise ValueError(f"`replan_every` must lie in 1..{horizon} (`horizon`), got {replan_every}.")
        self.dreams = VideoDreams(world)
        c, sizes = self.dreams.num_channels, inverse_dynamics.image_size
        if (inverse_dynamics.num_channels, *sizes) != (c, *world.image_size):
            found = [inverse_dynamics.num_channels, *sizes]
            raise ValueError(f"`inverse_dynamics` must see frames {[c, *world.image_size]} as `world`, got {found}.")
        if num_candidates > 1 and not self.dreams.has_goal:
            raise ValueError(f"`num_candidates` must be 1 without goal images, got {num_candidates}.")
        background = world.background()[:c] if world.starts is not None else None
        self.likeness = GoalImage(background=background).likeness
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
        """Learn both parts from the training episodes of recordings, which may be those of anyone.

        Args:
            dataset: Recordings.
            goal_offset: Most steps from a frame to the goal in training.
            horizon: Frames of a video.
            num_updates: Gradient steps of the inverse dynamics.
            seed: Of everything random in learning, and of the videos.
            device: Where to learn; None takes a GPU if there is one.
            training: Further arguments of ``train_video_model``, such as ``max_minutes``.

        Raises:
            ValueError: An argument out of range.
        """
        place = device or ("cuda" if torch.cuda.is_available() else "cpu")
        inverse_dynamics = InverseDynamics.learn(dataset, num_updates=num_updates, device=place, seed=seed)
        world = train_video_model(dataset, goal_offset=goal_offset, seed=seed, device=place, **training)
        return cls(world, inverse_dynamics, horizon=horizon, seed=seed)

    def follow(self, instruction: Any) -> None:
        """Set what to do from the next video on, until another is set.

        Args:
            instruction: A vector ``[d]`` for all episodes or ``[b, d]`` for each, in the units of the instructions in
                training.

        Raises:
            ValueError: The video model knows no instructions, or those of another length.
        """
        self._instruction = self.dreams.encode(instruction)

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
        if mask is not None and not bool(torch.as_tensor(mask).all()):
            raise ValueError(f"`mask` must select all lanes: this policy starts them together, got {mask}.")
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
            ValueError: The goal or the instruction is missing, or there is one for another number of lanes.
        """
        frames = self._see(observation)
        if self._plan is None or self._age >= self.replan_every:
            video = self.last_video = self.imagine(frames, seed=self.seed + 7919 * self._count)
            missing = max(self.inverse_dynamics.num_before - frames.shape[1], 0)
            known = [frames[:, :1]] * missing + [frames[:, -self.inverse_dynamics.num_before :], video]
            place = self.inverse_dynamics.output.weight.device
            self._plan, self._age = self.inverse_dynamics.read(torch.cat(known, dim=1).to(place)), 0
        encoded = self._plan[:, self._age]
        self._past, self._age, self._count = frames, self._age + 1, self._count + 1
        return self.inverse_dynamics.codec.decode(encoded)

    @torch.no_grad()
    def imagine(self, frames: Frames, seed: int = 0) -> Tensor:
        """Imagine a video to the goal of the last reset ``[b, horizon, c, h, w]``, the best of all candidates.

        Args:
            frames: The past ``[b, k, c, h, w]`` in [-1, 1], newest last; any k from 1.
            seed: Of the videos; lane i begins with seed + i.

        Raises:
            ValueError: See ``act``.
        """
        videos = self.dreams.imagine(
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
        best = self.likeness(videos[:, :, -1], self.goal[:, None].to(videos)).argmax(dim=1)
        return videos[torch.arange(len(best), device=best.device), best]

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write a folder that ``from_pretrained`` reads, nothing pickled in it.

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

    def _see(self, observation: Frame) -> Frames:
        """Return the last frames with the newest: as many as a dream begins with, or all there are."""
        frame = observation.float().to(self.world.device)[:, None]
        if self._past is None:
            return frame
        return torch.cat([self._past[:, -self.world.context_length :], frame], dim=1)
