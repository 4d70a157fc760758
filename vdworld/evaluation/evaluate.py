"""``vdworld.evaluate``: compare a world with recordings, and agents with baselines in the real environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vdworld.agents import Agent, Predicts
from vdworld.argument_hints import refuse_dataset_path, refuse_world_path
from vdworld.data import Dataset
from vdworld.evaluation.drift import drift_steps_up_to, measure_drift
from vdworld.evaluation.prediction import predict
from vdworld.evaluation.protocol import PlayProtocol
from vdworld.evaluation.provenance import provenance
from vdworld.evaluation.real_play import check_players, play, resolve_env
from vdworld.evaluation.report.report import Report
from vdworld.evaluation.world_protocol import World
from vdworld.memory_errors import out_of_memory
from vdworld.storage.atomic_files import make_folder


@out_of_memory("Lower `num_clips`, or `num_episodes` where agents play.")
def evaluate(
    world: World,
    dataset: Dataset,
    *,
    agents: Mapping[str, Agent | Predicts] | None = None,
    protocol: PlayProtocol | None = None,
    output: str | Path | None = None,
    steps: Sequence[int] | None = None,
    num_clips: int = 128,
    num_sampling_steps: int | None = None,
    drift_steps: int | None = None,
    **settings: Any,
) -> Report:
    """Measure how well a world predicts held-out episodes, and how well agents do in the real environment.

    Prediction is always measured, long dreams if `drift_steps` is given. If `agents` or `env` is given, every agent
    plays in the real environment beside two baselines, random actions and no action. Environments with a known task
    (PushT) are scored by goals reached, all others by return.

    Args:
        world: The world.
        dataset: Recorded episodes. The held-out ones are used, or all of them if none is held out.
        agents: Agents by name, with ``reset(mask, seed, goal, context)`` and ``act(observation)``, or policies with
            the ``predict`` of Stable-Baselines3.
        protocol: The environment, how agents play in it, and the seed of everything random.
        output: Folder for ``report.html``, ``report.json``, PNG and GIF files; None writes nothing.
        steps: Steps ahead to report; None takes those of 1, 5, 10 and 20 that the episodes are long enough for.
        num_clips: Number of clips to predict.
        num_sampling_steps: Network evaluations per imagined frame; None takes the world's default.
        drift_steps: Length of long dreams, at least 16; None measures none.
        settings: Fields of ``PlayProtocol``, such as ``env="ALE/Pong-v5"``, ``num_episodes=20``, ``seed=1`` and
            ``progress=False``; they replace those of `protocol`.

    Raises:
        TypeError: A setting is not a field of ``PlayProtocol``.
        ValueError: The dataset does not fit the world or is too small, no environment is known, or an agent can't act
            there. Agents are tried before anything is measured.
        OSError: The report can't be written; its tables are printed.
        RestoreError: The real environment did not take a recorded state.
    """
    refuse_world_path(world)
    refuse_dataset_path(dataset)
    if agents is not None and not isinstance(agents, Mapping):
        raise TypeError(f'`agents` must hold agents by name, as in {{"planner": planner}}, got {agents!r}.')
    protocol = (protocol or PlayProtocol()).replace(**settings)
    if agents:
        env = resolve_env(protocol.env, dataset, protocol.trust_environment)
        check_players(world, agents, env, protocol)
    if output is not None:
        make_folder(Path(output))  # or the error comes before anything long
    long_steps = None if drift_steps is None else drift_steps_up_to(drift_steps)
    episodes, kind = held_out_episodes(dataset)
    sampling = {"num_sampling_steps": num_sampling_steps, "seed": protocol.seed, "progress": protocol.progress}
    recorded = dataset.split("train")
    prediction = predict(world, episodes, recorded=recorded, steps=steps, num_clips=num_clips, **sampling)
    control = None if agents is None and protocol.env is None else play(world, episodes, agents or {}, protocol)
    drift = None
    if long_steps is not None:
        drift = measure_drift(world, episodes, reference=dataset, steps=long_steps, **sampling)
    about = {**_describe(dataset, episodes, kind), "seed": str(protocol.seed), **provenance(world.device)}
    report = Report(prediction, control, about, world.training_info, world.fps, drift=drift)
    if output is not None:
        try:
            report.save(output)
        except OSError:
            print(report)  # what was measured is not lost
            raise
    return report


def held_out_episodes(dataset: Dataset) -> tuple[Dataset, str]:
    """Return the held-out episodes, or all if none is held out, and their kind: ``"held-out"`` or ``"training"``."""
    held_out = dataset.split("test")
    return (held_out, "held-out") if len(held_out) else (dataset, "training")


def _describe(dataset: Dataset, episodes: Dataset, kind: str) -> dict[str, str]:
    return {
        "environment": dataset.spec.id if dataset.spec else dataset.path.name,
        "dataset": f"{dataset.path}, {len(episodes)} {kind} episodes, {episodes.num_steps:,} steps",
    }
