"""``vdworld.evaluate``: measure a world and the agents that plan in it, against reality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vdworld.agents import Agent, Predicts
from vdworld.data import Dataset
from vdworld.envs.tasks import GoalTask
from vdworld.evaluation.drift import drift_steps_up_to, measure_drift
from vdworld.evaluation.prediction import predict
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.real_env import EnvironmentLike, play
from vdworld.evaluation.report.report import Report
from vdworld.evaluation.world_protocol import World


def evaluate(
    world: World,
    dataset: Dataset,
    *,
    agents: Mapping[str, Agent | Predicts] | None = None,
    env: EnvironmentLike | None = None,
    task: GoalTask | None = None,
    output: str | Path | None = None,
    seed: int = 0,
    steps: Sequence[int] | None = None,
    num_clips: int = 128,
    num_episodes: int = 50,
    goal_offset: int = 25,
    budget: int = 50,
    max_steps: int = 1_000,
    num_sampling_steps: int | None = None,
    drift_steps: int | None = None,
    progress: bool = True,
) -> Report:
    """Measure how well a world foresees held-out episodes, and how well agents do in the real environment.

    The prediction is measured always, long dreams when `drift_steps` is given. The real environment is played when
    `agents` or `env` is given, by each agent, by random actions and by doing nothing: goal-reaching where a task is
    known (PushT), returns elsewhere.

    Args:
        world: The world.
        dataset: Recorded episodes; those held out are used, all of them if it holds none that is held out.
        agents: Name to agent, with ``reset(mask, seed, goal, context)`` and ``act(observation)``, or to a policy with
            the ``predict`` of Stable-Baselines3.
        env: The real environment; None rebuilds the one that was recorded.
        task: Restores and judges states for goal-reaching; None looks for the environment's own.
        output: Folder for ``report.html``, ``report.json``, PNG and GIF files; None writes nothing.
        seed: Decides clips, starts, dreams, agents and intervals.
        steps: Steps ahead to report; None takes 1, 5, 10 and 20 as far as the episodes reach.
        num_clips: Clips to predict.
        num_episodes: Episodes that every agent plays.
        goal_offset: How many recorded steps ahead a goal lies.
        budget: Steps per goal.
        max_steps: Steps after which an episode is cut off where returns are measured.
        num_sampling_steps: Network evaluations per imagined frame in predictions and long dreams; None leaves it to
            the world.
        drift_steps: Length of long dreams, at least 16; None has none.
        progress: Whether to show progress bars.

    Raises:
        ValueError: The dataset does not fit the world or is too small, or no environment is known to play in.
        RestoreError: The real environment did not take a recorded state.
    """
    long_steps = None if drift_steps is None else drift_steps_up_to(drift_steps)
    episodes, kind = held_out_episodes(dataset)
    prediction = predict(
        world,
        episodes,
        steps=steps,
        num_clips=num_clips,
        num_sampling_steps=num_sampling_steps,
        seed=seed,
        progress=progress,
    )
    control = None
    if agents is not None or env is not None:
        control = play(
            world,
            episodes,
            agents or {},
            env=env,
            task=task,
            num_episodes=num_episodes,
            goal_offset=goal_offset,
            budget=budget,
            max_steps=max_steps,
            seed=seed,
            progress=progress,
        )
    drift = None
    if long_steps is not None:
        settings = {"num_sampling_steps": num_sampling_steps, "seed": seed, "progress": progress}
        drift = measure_drift(world, episodes, reference=dataset, steps=long_steps, **settings)
    about = {**_describe(dataset, episodes, kind), "seed": str(seed), **provenance(world.device)}
    report = Report(prediction, control, about, world.training_info, world.fps, drift=drift)
    if output is not None:
        report.save(output)
    return report


def held_out_episodes(dataset: Dataset) -> tuple[Dataset, str]:
    """Return the episodes to measure on, and what they are: the held-out ones, or all if none is held out."""
    held_out = dataset.split("test")
    return (held_out, "held-out") if len(held_out) else (dataset, "training")


def _describe(dataset: Dataset, episodes: Dataset, kind: str) -> dict[str, str]:
    return {
        "environment": dataset.spec.id if dataset.spec else dataset.path.name,
        "dataset": f"{dataset.path}, {len(episodes)} {kind} episodes, {episodes.num_steps:,} steps",
    }
