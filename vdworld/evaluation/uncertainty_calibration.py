"""Whether a world's uncertainty tells where it errs: held-out clips, and clips with actions that no data hold."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from vdworld.data import ClipSampler, Dataset
from vdworld.envs.recording.recorder import record
from vdworld.evaluation.prediction import check_action_space
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.report.table import Table, cell
from vdworld.evaluation.windows import spread, usable_moments
from vdworld.metrics import Interval, spearman_interval
from vdworld.spaces import frames_to_float, unflatten_action
from vdworld.world import WorldModel
from vdworld.world.disagreement import disagreement

HELD_OUT, RANDOM, BOTH = "held-out clips", "random actions", "both"
BATCH = 32
RECORDED_STEPS = 4  # for each clip with random actions, so that clips lie apart


@dataclass(frozen=True)
class UncertaintyCalibration:
    """One-step errors beside what the world said of its uncertainty.

    Args:
        clips: Kind of clips to arrays ``[n]``: ``error``, the root mean square difference of the imagined frame from
            the real one; ``uncertainty``; ``motion``, that of the imagined frame from the one before; ``episode``.
        seed: Of clips, dreams and intervals.
        about: World, data, command, machine, versions and date; one line of text each.
    """

    clips: Mapping[str, Mapping[str, np.ndarray]]
    seed: int
    about: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{name:<9} {value}" for name, value in self.about.items()]
        return "\n".join([self.table().text(), "", *lines])

    def correlation(self, kind: str, name: str) -> Interval:
        """Return Spearman's correlation of ``uncertainty`` or ``motion`` with the error over a kind of clips."""
        clips = self._of(kind)
        return spearman_interval(clips[name], clips["error"], groups=clips["episode"], seed=self.seed)

    def table(self) -> Table:
        """Return correlations and means, a kind of clips a row."""
        rows = []
        for kind in [*self.clips, *([BOTH] if len(self.clips) > 1 else [])]:
            clips = self._of(kind)
            correlations = [cell(self.correlation(kind, name), 2) for name in ("uncertainty", "motion")]
            means = [f"{clips[name].mean():.4f}" for name in ("error", "uncertainty")]
            rows.append((kind, str(len(clips["error"])), *correlations, *means))
        columns = ("", "clips", "uncertainty, error", "motion, error", "mean error", "mean uncertainty")
        note = (
            "Spearman's correlation with the true error one step ahead, with 95% intervals over episodes. Motion, how "
            "far the imagined frame is from the last real one, is what one can tell without asking the world. Errors "
            "and uncertainties are root mean squares over a frame, of a range of 2."
        )
        return Table("Uncertainty and error", columns, tuple(rows), note)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        kinds = [*self.clips, BOTH]
        names = ("uncertainty", "motion")
        rows = [{"clips": kind, **{name: self.correlation(kind, name).to_json() for name in names}} for kind in kinds]
        return {"benchmark": "uncertainty", "about": self.about, "rows": rows}

    def _of(self, kind: str) -> Mapping[str, np.ndarray]:
        if kind != BOTH:
            return self.clips[kind]
        parts = list(self.clips.values())
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        offset = np.repeat(np.arange(len(parts)), [len(part["episode"]) for part in parts])
        return joined | {"episode": joined["episode"] * len(parts) + offset}


def measure_uncertainty(
    world: WorldModel, dataset: Dataset, *, num_clips: int = 128, seed: int = 0
) -> UncertaintyCalibration:
    """Imagine one step of recorded clips, and of clips recorded here under uniformly random actions.

    Args:
        world: The world to measure.
        dataset: Recordings; the ``test`` split counts. Their environment is built anew for the random actions, if it
            is known.
        num_clips: How many clips of each kind.
        seed: Of clips, actions and dreams.

    Raises:
        ValueError: Another action space, or no held-out episode is long enough.
    """
    check_action_space(world, dataset)
    kinds = {HELD_OUT: _measure(world, dataset.split("test"), num_clips, seed)}
    if dataset.spec is not None:
        with tempfile.TemporaryDirectory() as folder:
            steps = RECORDED_STEPS * num_clips
            away = record(
                dataset.spec, folder, num_steps=steps, num_envs=1, seed=seed, policy=_random, test_fraction=0.0
            )
            kinds[RANDOM] = _measure(world, away, num_clips, seed)
    about = {"data": f"{dataset.num_episodes} episodes, {dataset.num_steps} steps", "seed": str(seed)}
    return UncertaintyCalibration(kinds, seed, about | provenance(world.device))


def _random(observation: Any, space: gym.Space, rng: np.random.Generator) -> Any:
    """Draw every action anew: recordings hold theirs for a while and smooth them."""
    return space.sample()


@torch.no_grad()
def _measure(world: WorldModel, dataset: Dataset, num_clips: int, seed: int) -> dict[str, np.ndarray]:
    past = world.context_length - 1
    spans = usable_moments(dataset, past=past, future=1)
    windows = np.array(list(islice(spread(spans, np.random.default_rng(seed)), num_clips)))
    if not len(windows):
        raise ValueError(f"`dataset` must hold an episode of more than {past + 1} steps to test on, got {dataset}.")
    sampler = ClipSampler(
        dataset, context_length=past + 1, horizon=1, image_size=world.image_size, cameras=world.cameras
    )
    found = []
    for first in range(0, len(windows), BATCH):
        clips = sampler.at(*torch.from_numpy(windows[first : first + BATCH]).T.contiguous())
        frames = frames_to_float(clips.frames.movedim(2, -1)).to(world.device)
        actions = unflatten_action(world.action_space, clips.actions[:, :past])
        state = world.start(frames[:, :-1], actions, seed=seed + first)
        _, outcome = world.step(
            state, unflatten_action(world.action_space, clips.actions[:, past]), with_uncertainty=True
        )
        assert outcome.uncertainty is not None
        error, motion = (disagreement(outcome.frame, frames[:, i]) for i in (-1, -2))
        found.append({"error": error, "uncertainty": outcome.uncertainty, "motion": motion})
    joined = {name: torch.cat([part[name] for part in found]).cpu().numpy() for name in found[0]}
    return joined | {"episode": windows[:, 0]}
