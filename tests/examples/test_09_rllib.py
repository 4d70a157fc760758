"""Claims about examples/09_rllib.py. RLlib wants a Gymnasium of its own choice, so that these run apart from the rest.

pip install "ray[rllib]==2.60.0" && python -m pytest -m slow tests/examples/test_rllib.py
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # before Ray is imported: nothing here starts it by accident

from tests.envs import random_world as random_worlds
from tests.examples.learning_examples import EXAMPLES, import_example

pytestmark = pytest.mark.slow
ALONE = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
"""Runs a command where there is no network but loopback: Ray listens on every address that it finds."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A world of 64x64 pictures that learnt nothing."""
    pytest.importorskip("ray.rllib")
    monkeypatch.setattr(random_worlds, "SIZE", (64, 64))
    return str(random_worlds.random_world().save_pretrained(tmp_path / "world"))


def test_it_learns_in_dreams(world: str) -> None:
    if not shutil.which("unshare") or subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        pytest.skip("needs a network namespace, so that Ray is reached by nobody else")
    command = [*ALONE, sys.executable, str(EXAMPLES / "09_rllib.py"), world, "2"]
    paths = os.pathsep.join([str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")])
    settings = os.environ | {"PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0"}
    result = subprocess.run(command, capture_output=True, text=True, env=settings, timeout=300)
    assert result.returncode == 0, result.stderr
    lines = re.findall(r"^(\d): (\d+) dreamt steps, (\d+) episodes of return -?\d+\.\d$", result.stdout, re.MULTILINE)
    assert [line[0] for line in lines] == ["1", "2"]
    assert int(lines[1][1]) >= 2 * 512
    assert int(lines[1][2]) > 0


def test_its_episodes_are_those_that_were_dreamt(world: str) -> None:
    """RLlib leaves out the steps in which ended lanes begin anew; the same actions dream the same episodes again."""
    from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner  # pyright: ignore[reportMissingImports]

    config = import_example("09_rllib.py")["make_config"](world)
    config.env_runners(num_envs_per_env_runner=3)
    runner = SingleAgentEnvRunner(config=config, worker_index=0)
    episodes = runner.sample(num_episodes=6, random_actions=True)
    envs = runner.env.unwrapped  # pyright: ignore[reportOptionalMemberAccess]
    assert len(episodes) >= 6
    for episode in episodes:
        check_episode(episode, envs)
    runner.stop()


def check_episode(episode, envs) -> None:
    """Dream an episode again from its seed, in all lanes alike."""
    assert episode.is_done
    observation, _ = envs.reset(seed=[int(episode.get_infos(0)["seed"])] * 3)
    terminated = truncated = [False]
    for t, action in enumerate(episode.get_actions()):
        assert (abs(observation[0] / 255 - episode.get_observations(t)) < 1.5 / 255).all()
        observation, reward, terminated, truncated, _ = envs.step(action[None].repeat(3, axis=0))
        assert reward[0] == pytest.approx(episode.get_rewards(t), abs=1e-4)
        assert (terminated[0] or truncated[0]) == (t == len(episode) - 1)
    assert (terminated[0], truncated[0]) == (episode.is_terminated, episode.is_truncated)
