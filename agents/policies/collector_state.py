"""The state of a collector in dreams as tensors, so that learning resumes in the middle of episodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from torch import Tensor

from vdworld.agents.policies.collector import Collector
from vdworld.agents.policies.recurrent_state import RecurrentState
from vdworld.envs import DreamVectorEnv
from vdworld.training.training_log import say


def collector_tensors(collector: Collector) -> dict[str, Tensor]:
    """Return everything that the next rollout depends on; nothing for environments that cannot save their state."""
    if not isinstance(collector.envs, DreamVectorEnv):
        return {}
    tensors = {name: value for name, value in vars(collector).items() if isinstance(value, Tensor)}
    tensors["rng"] = collector.rng.get_state()
    for i, state in enumerate(collector.states):
        tensors |= {f"states.{i}.{field.name}": getattr(state, field.name) for field in fields(state)}
    return tensors | {f"dreams.{name}": value for name, value in collector.envs.get_state().tensors().items()}


def restore_collector(collector: Collector, tensors: Mapping[str, Tensor]) -> None:
    """Restore what ``collector_tensors`` returned.

    Dreams in another world or number of lanes have other shapes; then the collector's new episodes stay.
    """
    fresh = collector_tensors(collector)
    varying = {"dreams.seeds"}  # text of any length
    if {name: value.shape for name, value in fresh.items() if name not in varying} != {
        name: value.shape for name, value in tensors.items() if name not in varying
    }:
        say("The dreams are others than before, in their number or their world: they begin anew.")
        return
    envs, device = collector.envs, collector.policy.device
    assert isinstance(envs, DreamVectorEnv)
    inner = {name.removeprefix("dreams."): value for name, value in tensors.items() if name.startswith("dreams.")}
    snapshot = envs.get_state().with_tensors(inner, envs.world)
    envs.set_state(snapshot)
    collector.lanes.over = snapshot.ended.copy()
    collector.observations = collector.policy.observer.read(snapshot.observation, device)
    names = [field.name for field in fields(RecurrentState)]
    collector.states = [
        RecurrentState(**{name: tensors[f"states.{i}.{name}"].to(device) for name in names})
        for i in range(len(collector.states))
    ]
    for name in [name for name, value in vars(collector).items() if isinstance(value, Tensor)]:
        setattr(collector, name, tensors[name].to(device))
    collector.rng.set_state(tensors["rng"])
