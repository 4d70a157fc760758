"""Nothing is imported because a file says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from tests.envs.fake_world import FakeWorld
from vdworld.data import EpisodeWriter, load_dataset
from vdworld.envs import DreamEnv, make_real
from vdworld.envs.real.trust import imports_of
from vdworld.evaluation.real_play import resolve_env
from vdworld.spec import EnvironmentSpec

MODULE = "tracked_package"
CODE = """
import gymnasium as gym
from vdworld.envs.games.scripted import CounterEnv
gym.register("Tracked-v0", entry_point=CounterEnv)
gym.register("tracked_package/Tracked-v0", entry_point=CounterEnv)
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that anyone may have installed; importing it runs its code."""
    (tmp_path / f"{MODULE}.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop(MODULE, None)
    for env_id in ("Tracked-v0", f"{MODULE}/Tracked-v0", "Lazy-v0"):
        gym.registry.pop(env_id, None)


def from_file(env_id: str, packages: tuple[str, ...] = (), **kwargs: object) -> EnvironmentSpec:
    return EnvironmentSpec.from_json(EnvironmentSpec(env_id, packages=packages, kwargs=dict(kwargs)).to_json())


@pytest.mark.parametrize(
    ("env_id", "packages", "named"),
    [
        ("Tracked-v0", (MODULE,), f"env={MODULE}:Tracked-v0"),
        ("CartPole-v1", (MODULE,), f"env={MODULE}:CartPole-v1"),
        (f"{MODULE}:Tracked-v0", (), f"env={MODULE}:Tracked-v0"),
        (f"{MODULE}/Tracked-v0", (), f"env={MODULE}/Tracked-v0"),
    ],
)
def test_a_package_that_only_a_file_names_is_not_imported(env_id: str, packages: tuple[str, ...], named: str) -> None:
    with pytest.raises(ValueError, match=rf"would import '{MODULE}'.*{named}.*trust_environment=true"):
        make_real(from_file(env_id, packages))
    assert MODULE not in sys.modules


def test_an_id_that_is_registered_but_not_imported_is_not_imported() -> None:
    gym.register("Lazy-v0", entry_point=f"{MODULE}:CounterEnv")
    with pytest.raises(ValueError, match=f"would import '{MODULE}'"):
        make_real(from_file("Lazy-v0"))
    assert MODULE not in sys.modules


def test_what_is_trusted_is_imported_and_may_be_built_again() -> None:
    env = make_real(from_file("Tracked-v0", (MODULE,)), trust_environment=True)
    assert MODULE in sys.modules
    assert env.environment_spec.trusted
    make_real(from_file(f"{MODULE}/Tracked-v0", (MODULE,)))  # imported by now: nothing more would be


@pytest.mark.parametrize("env_id", ["CartPole-v1", "vdworld/Bounce-v0", "gym_pusht/PushT-v0", "ALE/Pong-v5"])
def test_environments_that_vdworld_names_itself_need_no_trust(env_id: str) -> None:
    assert imports_of(from_file(env_id)) == []


def test_the_named_environment_is_imported_but_not_what_else_its_file_names(tmp_path: Path) -> None:
    spec = from_file("CartPole-v1", (MODULE,), sutton_barto_reward=True)
    with EpisodeWriter(tmp_path / "data", fps=10, spec=spec) as writer:
        writer.add(np.zeros((3, 16, 16, 3), np.uint8), np.zeros((2, 1)))
    dataset = load_dataset(tmp_path / "data")
    resolved = resolve_env("CartPole-v1", dataset)
    assert isinstance(resolved, EnvironmentSpec)
    assert (resolved.packages, resolved.kwargs) == ((), {"sutton_barto_reward": True})
    make_real(resolved)
    assert MODULE not in sys.modules
    trusted = resolve_env(None, dataset, trust_environment=True)
    assert isinstance(trusted, EnvironmentSpec)
    make_real(trusted)
    assert MODULE in sys.modules


def test_a_dream_that_a_file_describes_can_not_trust_other_files() -> None:
    with pytest.raises(ValueError, match="may not trust others by itself"):
        make_real(from_file("vdworld/Dream-v0", world="anything", starts="real", trust_environment=True))


def test_starts_in_the_real_environment_need_trust() -> None:
    world = FakeWorld()
    setattr(world, "spec", from_file("Tracked-v0", (MODULE,)))  # noqa: B010 - the fake declares that it has none
    with pytest.raises(ValueError, match=f"would import '{MODULE}'"):
        DreamEnv(world, starts="real")
    assert MODULE not in sys.modules
    with pytest.raises(ValueError, match="`starts` must show the world's cameras"):  # built, though of no use here
        DreamEnv(world, starts="real", trust_environment=True)
    assert MODULE in sys.modules
