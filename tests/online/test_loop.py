"""Claims about the online loop, on a counter whose every number is known."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from vdworld.cli import main
from vdworld.data import load_dataset
from vdworld.online import OnlineResult, Rounds, learn_online
from vdworld.training.checkpoint import load_checkpoint

NETWORK = {"width": 16, "coarse_width": 32}
ROUNDS = Rounds(
    num_real_steps=40,
    num_first_real_steps=20,
    num_round_real_steps=10,
    num_first_world_steps=3,
    num_round_world_steps=2,
    num_first_dream_steps=20,
    num_round_dream_steps=10,
)


@pytest.fixture(autouse=True)
def _registered() -> None:
    if "vdworld-test/Counter-v0" not in gym.registry:
        gym.register("vdworld-test/Counter-v0", entry_point="vdworld.envs.games.scripted:CounterEnv")


def run(output: Path, **changes: Any) -> OnlineResult:
    settings: dict[str, Any] = {
        "rounds": ROUNDS,
        "recording": {"max_episode_steps": 7, "test_fraction": 0.4},
        "training": {"network": NETWORK, "batch_size": 2, "num_rollout_gifs": 0},
        "dreams": {"num_envs": 2, "max_episode_steps": 5},
        "learning": {"horizon": 5, "hidden_dim": 8},
        "playing": {"num_episodes": 2, "max_steps": 4},
        "epsilon": 0.5,
    }
    return learn_online("vdworld-test/Counter-v0", output, **(settings | changes))


def test_every_round_acts_trains_dreams_and_plays(tmp_path: Path) -> None:
    result = run(tmp_path, evaluate_every=2)
    dataset = load_dataset(tmp_path / "data")
    lengths = [len(dataset[i].actions) for i in range(len(dataset))]
    assert max(lengths) <= 7
    assert sum(lengths) == dataset.num_steps == result.rounds[-1].real_steps
    reached = [(finished.real_steps, finished.world_steps, finished.dream_steps) for finished in result.rounds]
    assert [(world, dreamt) for _, world, dreamt in reached] == [(3, 20), (5, 30), (7, 40)]
    assert all(0 <= real - wanted.real_steps < 7 for (real, _, _), wanted in zip(reached, ROUNDS, strict=True))
    assert [finished.real_return is None for finished in result.rounds] == [True, False, False]
    assert set(result.baselines) == {"random", "no-op"}
    assert load_checkpoint(tmp_path / "world")[1]["step"] == 7
    assert load_checkpoint(tmp_path / "policy")[1]["num_steps"] == 40
    assert OnlineResult.load(tmp_path) == result
    assert run(tmp_path).rounds == result.rounds, "nothing is done twice"
    with pytest.raises(ValueError, match="must be a run of CartPole-v1, got .* with one of vdworld-test/Counter-v0"):
        learn_online("CartPole-v1", tmp_path)


@pytest.mark.parametrize(
    "part", ["learn", *(pytest.param(part, marks=pytest.mark.slow) for part in ("act", "train", "play"))]
)
def test_an_interrupted_run_resumes_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    loop = sys.modules["vdworld.online.loop"].OnlineLoop
    whole, calls = getattr(loop, part), []

    def interrupted(self: Any, *args: Any, **settings: Any) -> Any:
        calls.append(part)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(self, *args, **settings)

    monkeypatch.setattr(loop, part, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert len(OnlineResult.load(tmp_path).rounds) == 1
    monkeypatch.setattr(loop, part, whole)
    result = run(tmp_path)
    assert [(finished.world_steps, finished.dream_steps) for finished in result.rounds] == [(3, 20), (5, 30), (7, 40)]
    assert load_checkpoint(tmp_path / "world")[1]["step"] == 7
    assert load_checkpoint(tmp_path / "policy")[1]["num_steps"] == 40
    assert load_dataset(tmp_path / "data").num_steps == result.rounds[-1].real_steps < 40 + 7


def test_the_command_line_runs_and_resumes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = {**asdict(ROUNDS), "num_real_steps": 30}
    small = [f"rounds.{name}={value}" for name, value in few.items()]
    sizes = ["training.network={width: 16, coarse_width: 32}", "num_envs=2"]
    sizes += ["training.trainer={batch_size: 2, num_rollout_gifs: 0}"]
    real = ["real.env=vdworld-test/Counter-v0", "real.max_episode_steps=7", "real.num_episodes=2", "real.max_steps=4"]
    words = ["learn", "online=true", f"output={tmp_path}/run", "horizon=5", "hidden_dim=8", *small, *sizes, *real]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "[2/2]" in text
    assert "The online loop" in text
    assert len(json.loads((tmp_path / "run/progress.json").read_text())["rounds"]) == 2
    assert (tmp_path / "run/curve.png").read_bytes().startswith(b"\x89PNG")
    assert main(words) == 2
    assert "Resume its run with resume=true" in capsys.readouterr().err
    assert main([*words, "resume=true"]) == 0
    assert "[2/2]" not in capsys.readouterr().out
    assert main(["learn", "online=true", f"output={tmp_path}/new"]) == 2
    assert "`real.env` must be set" in capsys.readouterr().err


def test_reset_options_of_the_command_line_are_recorded_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def learn(env: str, output: Path, *, recording: dict[str, Any], **settings: Any) -> None:
        raise ValueError(f"{env} with {recording['reset_options']}")

    monkeypatch.setattr("vdworld.commands.learn_online.learn_online", learn)
    words = ["real.env=vdworld-test/Counter-v0", "real.reset_options={level: 3}", f"output={tmp_path}/run"]
    assert main(["learn", "online=true", *words]) == 2
    assert "vdworld-test/Counter-v0 with {'level': 3}" in capsys.readouterr().err
