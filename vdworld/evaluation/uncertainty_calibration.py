"""Whether a world's uncertainty predicts its errors, on held-out clips and under random actions."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from vdworld.data import ClipSampler, Dataset
from vdworld.data.windows import draw_evenly, usable_steps
from vdworld.envs.recording.recorder import record
from vdworld.evaluation.prediction import check_action_space
from vdworld.evaluation.provenance import provenance
from vdworld.metrics import Interval, spearman_interval
from vdworld.spaces import frames_to_float, unflatten_action
from vdworld.training.calibration import longest_episode
from vdworld.world import WorldModel
from vdworld.world.disagreement import UncertaintyLimit, disagreement

HELD_OUT, RANDOM, BOTH = "held-out clips", "random actions", "both"
"""The kinds of clips."""

DEPTHS = (10, 20)
"""Steps ahead, beside the first, after which held-out clips are compared where they are long enough."""

LIMIT = 0.99
"""The share of held-out dreams that should stay below the limit."""

_BATCH_SIZE = 32
_STEPS_PER_CLIP = 4  # recorded under random actions, so that clips hardly overlap


@dataclass(frozen=True)
class UncertaintyCalibration:
    """Errors one and more steps ahead, beside the uncertainty that the world reported.

    Args:
        clips: Arrays ``[n]`` for each kind of clips, and for held-out ones further ahead (``ahead``): ``error``, the
            root mean square difference between the imagined and the real frame; ``uncertainty``; ``motion``, the same
            difference between the imagined frame and the last real one that was given; ``over_limit``, 1 where the
            uncertainty is above the world's limit ``LIMIT`` for its depth, else 0, or NaN for a world that has no
            limit; ``episode``.
        seed: The seed of clips, dreams and intervals.
        about: World, data, command, machine, versions and date, one line of text each.
    """

    clips: Mapping[str, Mapping[str, np.ndarray]]
    seed: int
    about: dict[str, str]

    @property
    def kinds(self) -> list[str]:
        """The kinds of clips, and ``"both"`` if there are two."""
        return [*self.clips, BOTH] if RANDOM in self.clips else list(self.clips)

    def correlation(self, kind: str, name: str) -> Interval:
        """Return the rank correlation of ``"uncertainty"`` or ``"motion"`` with the error over a kind of clips."""
        clips = self.of(kind)
        return spearman_interval(clips[name], clips["error"], groups=clips["episode"], seed=self.seed)

    def of(self, kind: str) -> Mapping[str, np.ndarray]:
        """Return the arrays of a kind of clips; ``"both"`` joins the kinds, one step ahead."""
        if kind != BOTH:
            return self.clips[kind]
        parts = [self.clips[name] for name in (HELD_OUT, RANDOM) if name in self.clips]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        offset = np.repeat(np.arange(len(parts)), [len(part["episode"]) for part in parts])
        return joined | {"episode": joined["episode"] * len(parts) + offset}

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        kinds = [*self.clips, BOTH]
        names = ("uncertainty", "motion")
        rows = [{"clips": kind, **{name: self.correlation(kind, name).to_json() for name in names}} for kind in kinds]
        return {"benchmark": "uncertainty", "about": self.about, "rows": rows}


def measure_uncertainty(
    world: WorldModel, dataset: Dataset, *, num_clips: int = 128, trust_environment: bool = False, seed: int = 0
) -> UncertaintyCalibration:
    """Imagine recorded clips, and one step of clips that are newly recorded under uniformly random actions.

    Args:
        world: The world to measure.
        dataset: Recordings, of which the ``test`` split is used. If their environment is known, it is rebuilt to
            record random actions.
        num_clips: Number of clips of each kind.
        trust_environment: Whether the recorded environment may import any package; see ``vdworld.envs.make_real``.
        seed: Seeds clips, actions and dreams.

    Raises:
        ValueError: The action spaces differ, or no held-out episode is long enough.
    """
    check_action_space(world, dataset)
    test = dataset.split("test")
    reachable = [depth for depth in DEPTHS if depth <= longest_episode(test) - world.context_length + 1]
    clips = {ahead(depth): _measure(world, test, num_clips, seed, depth) for depth in (1, *reachable)}
    if dataset.spec is not None:
        with tempfile.TemporaryDirectory() as folder:
            steps = _STEPS_PER_CLIP * num_clips
            spec = replace(dataset.spec, trusted=dataset.spec.trusted or trust_environment)
            random_dataset = record(
                spec, folder, num_steps=steps, num_envs=1, seed=seed, policy=_random_action, test_fraction=0.0
            )
            clips[RANDOM] = _measure(world, random_dataset, num_clips, seed)
    about = {"data": f"{dataset.num_episodes} episodes, {dataset.num_steps} steps", "seed": str(seed)}
    return UncertaintyCalibration(clips, seed, about | provenance(world.device))


def ahead(depth: int) -> str:
    """Return the kind of held-out clips that are compared so many steps ahead."""
    return HELD_OUT if depth == 1 else f"{HELD_OUT}, {depth} steps ahead"


def _random_action(observation: Any, space: gym.Space, rng: np.random.Generator) -> Any:
    """Draw every action independently; the recorder's own random policy holds actions and smooths them."""
    return space.sample()


@torch.no_grad()
def _measure(world: WorldModel, dataset: Dataset, num_clips: int, seed: int, depth: int = 1) -> dict[str, np.ndarray]:
    past = world.context_length - 1
    ranges = usable_steps(dataset, past=past, future=depth)
    windows = np.array(list(islice(draw_evenly(ranges, np.random.default_rng(seed)), num_clips)))
    if not len(windows):
        raise ValueError(f"`dataset` must hold a held-out episode of more than {past + 1} steps, got {dataset}.")
    sampler = ClipSampler(
        dataset, context_length=past + 1, horizon=depth, image_size=world.image_size, cameras=world.cameras
    )
    batches = []
    for first in range(0, len(windows), _BATCH_SIZE):
        clips = sampler.at(*torch.from_numpy(windows[first : first + _BATCH_SIZE]).T.contiguous())
        frames = frames_to_float(clips.frames.movedim(2, -1)).to(world.device)
        actions = unflatten_action(world.action_space, clips.actions[:, :past])
        state = world.start(frames[:, : past + 1], actions, seed=seed + first)
        outcomes = []
        for t in range(past, past + depth):
            action = unflatten_action(world.action_space, clips.actions[:, t])
            state, outcome = world.step(state, action, with_uncertainty=True)
            outcomes.append(outcome)
        last = outcomes[-1]
        error, motion = (disagreement(last.frame, frames[:, t]) for t in (-1, past))
        assert last.uncertainty is not None
        over_limit = _over_limit(world, last.uncertainty, depth)
        batches.append({"error": error, "uncertainty": last.uncertainty, "motion": motion, "over_limit": over_limit})
    joined = {name: torch.cat([batch[name] for batch in batches]).cpu().numpy() for name in batches[0]}
    return joined | {"episode": windows[:, 0]}


def _over_limit(world: WorldModel, uncertainty: Tensor, depth: int) -> Tensor:
    """Return which lanes are above the limit after so many steps, as numbers."""
    if not world.uncertainty_quantiles:
        return torch.full_like(uncertainty, torch.nan)
    limit = UncertaintyLimit(world.uncertainty_quantiles, LIMIT).at(
        torch.full_like(uncertainty, depth, dtype=torch.int64)
    )
    return (uncertainty > limit).to(uncertainty)
