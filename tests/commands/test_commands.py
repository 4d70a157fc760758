"""The verbs from recording to planning, once through on a small environment, and what they say when they can't."""

from __future__ import annotations

import importlib
import json
import re
import sys

import numpy as np
import pytest

from tests.commands.conftest import COUNTER
from vdworld.agents import Policy
from vdworld.cli import main
from vdworld.data import load_dataset

RECORD = ["record", *COUNTER]


def says(capsys, code: int, arguments: list[str]) -> str:
    """Run a verb that must end with `code`; return what it printed, or its error."""
    assert main(arguments) == code
    printed = capsys.readouterr()
    return printed.out if code == 0 else printed.err.splitlines()[-1]


def test_info_says_what_a_dataset_holds(home, capsys):
    text = says(capsys, 0, ["info", f"{home}/data"])
    assert "vdworld-test/Counter-v0" in text
    assert "Discrete(5)" in text
    assert "60\n" in text


class AlwaysTwo:
    """Returns the same action for every observation."""

    def __call__(self, observation, action_space, rng):
        return 2


def test_record_acts_as_the_policy_says(home, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("vdworld.envs.games.scripted.AlwaysTwo", AlwaysTwo, raising=False)
    words = [*RECORD, f"output={tmp_path}/data", "num_envs=1"]
    assert main([*words, "policy=vdworld.envs.games.scripted.AlwaysTwo"]) == 0
    dataset = load_dataset(tmp_path / "data")
    assert {int(action) for i in range(len(dataset)) for action in np.ravel(dataset[i].actions)} == {2}
    error = says(capsys, 2, [*words, "policy=vdworld.envs.games.scripted.Nobody"])
    assert "`policy` must be the dotted name of a class or function, got 'vdworld.envs.games.scripted.Nobody'" in error


def test_info_says_what_a_world_is(home, capsys):
    text = says(capsys, 0, ["info", f"world={home}/world"])
    assert "a world model, StackedUNet" in text
    assert "8 x 8 pixels" in text
    assert "torch" in text


def test_a_folder_of_another_kind_is_refused_by_every_verb_that_writes_one(home, capsys):
    learn = ["learn", f"world={home}/world", "num_steps=4"]
    for words, kind, content in [
        ([*learn, f"output={home}/world"], "policy", "world"),
        ([*learn, f"output={home}/world", "resume=true"], "policy", "world"),
        ([*learn, f"output={home}/data"], "policy", "dataset"),
        (["train", f"data={home}/data", f"output={home}/data"], "world", "dataset"),
        (["clone", f"data={home}/data", f"output={home}/world"], "policy", "world"),
        (["clone", f"data={home}/data", f"output={home}/world", "video=true"], "video policy", "world"),
    ]:
        message = f"`output` must be a new folder for a {kind}, got .* with a {content} in it. Name another folder."
        assert re.search(message, says(capsys, 2, words))


def test_evaluate_prints_the_table_and_writes_the_report(home, capsys, tmp_path):
    text = says(
        capsys,
        0,
        ["evaluate", f"world={home}/world", f"data={home}/data", f"output={tmp_path}", "num_clips=3", "steps=[1,2]"],
    )
    assert "Moving pixels" in text
    assert (tmp_path / "report.html").is_file()
    assert json.loads((tmp_path / "report.json").read_text())["about"]["command"].startswith("vdworld evaluate world=")


def test_plan_scores_the_planner_beside_random_actions(home, capsys):
    small = ["num_episodes=2", "max_steps=3", "planner.horizon=2", "planner.num_candidates=8", "planner.num_elites=2"]
    text = says(capsys, 0, ["plan", f"world={home}/world", f"data={home}/data", *small])
    rows = [line.split()[0] for line in text.splitlines() if line]
    assert {"planner", "random", "no-op"} <= set(rows)


def test_plan_takes_another_planner_and_says_what_it_cost(home, capsys):
    """One plan for the steps 1 and 2: three beams of Counter's five actions, in each of two episodes."""
    small = ["num_episodes=2", "max_steps=2", "planner.horizon=2", "planner.num_beams=3", "replan_every=2"]
    text = says(capsys, 0, ["plan", "planner=beam_search", f"world={home}/world", f"data={home}/data", *small])
    assert "\n1 plan for all episodes at once took 80 network evaluations and " in text


def test_plan_names_a_value_of_the_planner_that_can_t_be(home, capsys):
    line = says(capsys, 2, ["plan", f"world={home}/world", f"data={home}/data", "planner.num_candidates=1"])
    assert line.startswith("vdworld plan: error: `num_elites` must lie in 2..1")


def test_learn_keeps_a_policy_that_evaluate_lets_play(home, capsys, tmp_path, monkeypatch):
    settings = ["num_steps=40", "num_envs=4", "horizon=5", "max_episode_steps=6", "hidden_dim=8"]
    learn = ["learn", f"world={home}/world", *settings]
    assert f"The policy is in {tmp_path}/policy." in says(capsys, 0, [*learn, f"output={tmp_path}/policy"])
    assert any((tmp_path / "policy" / "tensorboard").iterdir())
    assert Policy.from_pretrained(tmp_path / "policy").training_info["num_steps"] == 40
    again = [*learn, f"output={tmp_path}/again", "objective=pmpo", f"prior={tmp_path}/policy", "uncertainty_limit=null"]
    assert "The policy is in" in says(capsys, 0, again)
    assert "  a policy, 0.01 million parameters" in says(capsys, 0, ["info", f"{tmp_path}/policy"])
    assert "`output` must be a new folder" in says(capsys, 2, [*learn, f"output={tmp_path}/policy"])
    assert "`num_envs` must be a whole number" in says(capsys, 2, [*learn, f"output={tmp_path}/c", "num_envs=many"])
    play = ["evaluate", f"world={home}/world", f"data={home}/data", "num_clips=4", "num_episodes=2", "max_steps=3"]
    assert "policy" in says(capsys, 0, [*play, f"policy={tmp_path}/policy"])
    plan = ["plan", "planner=policy_mppi", f"world={home}/world", f"data={home}/data", "num_episodes=2", "max_steps=2"]
    plan += ["planner.search.horizon=2", "planner.search.num_candidates=6", "planner.search.num_elites=2"]
    batch_sizes: list[int] = []
    worth = Policy.value
    monkeypatch.setattr(Policy, "value", lambda self, state: (batch_sizes.append(len(state)), worth(self, state))[1])
    assert "planner" in says(capsys, 0, [*plan, f"policy={tmp_path}/policy"])
    assert batch_sizes, "the critic estimates the return beyond the plans"
    assert says(capsys, 2, plan).endswith("PolicyGuidedMPPI needs `policy`.")


def test_benchmark_measures_a_saved_world(home, capsys, tmp_path):
    few = ["batch_sizes=[1,2]", "num_sampling_steps=[1]", "repeats=2", "seconds=0"]
    text = says(capsys, 0, ["benchmark", "speed", f"world={home}/world", f"output={tmp_path}", *few])
    assert "Imagined frames per second" in text
    rows = json.loads((tmp_path / "speed.json").read_text())["rows"]
    assert [(row["batch_size"], row["num_sampling_steps"], len(row["repeats"])) for row in rows] == [
        (1, 1, 2),
        (2, 1, 2),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "data={0}/nothing", "output={0}/w"], "must be a dataset folder, got"),
        (["train", "data={0}/world", "output={0}/w"], "must hold meta/info.json"),
        (["train", "data={0}/data", "output={0}/world"], "Resume its training with resume=true"),
        (["train", "data={0}/data", "output={0}/w", "network.width=wide"], "`width` must be a whole number"),
        (
            ["learn", "online=true", "output={0}/p", "real.env=a/B-v0", "training.trainer={{hiding: {{stains: 0.1}}}}"],
            "`trainer.hiding` is now called `trainer.corruption`.",
        ),
        (["train", "data={0}/data", "output={0}/w", "device=cpuu"], "`device` must be auto, cpu or a device"),
        (["evaluate", "data={0}/data", "world={0}/nothing"], "There is no world at"),
        (["evaluate", "data={0}/data", "world={0}/data"], "holds no world: config.json is missing"),
        (["plan", "data={0}/data", "world={0}/world", "env=CartPole-v1"], "must have the world's action space"),
        (["record", "env=No-v0", "output={0}/r", "num_steps=3"], "`env` must be the id of a registered environment"),
        (
            ["record", "env=CartPole-v1", "output={0}/data", "num_steps=90", "resume=false"],
            "Add to it with resume=true",
        ),
        (["info", "{0}/nothing"], "which does not exist"),
        (["info", "{0}"], "which has neither meta/info.json nor config.json"),
        (["benchmark", "speed", "preset=huge"], "`preset` must be one of tiny"),
        (["benchmark", "speed", "seconds=-1"], "`seconds` must not be negative"),
    ],
)
def test_what_can_t_be_done_is_said_in_one_line(home, capsys, arguments, message):
    line = says(capsys, 2, [word.format(home) for word in arguments])
    assert line.startswith(f"vdworld {arguments[0]}: error: ")
    assert message in line


def test_recording_again_adds_nothing_when_there_is_enough(home, capsys):
    text = says(capsys, 0, [*RECORD, f"output={home}/data"])
    assert "holds 60 steps" in text


AGENT = """
import numpy as np


class Twos:
    def reset(self, mask, seed, goal, context):
        pass

    def act(self, frames):
        return np.full(len(frames), 2)


class Wrong(Twos):
    def act(self, frames):
        return np.zeros((len(frames), 2))
"""


def test_agents_of_the_users_own_play_and_wrong_ones_are_refused_before_anything_is_measured(
    home, capsys, tmp_path, monkeypatch
):
    (tmp_path / "my_agents_here.py").write_text(AGENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    play = ["evaluate", f"world={home}/world", f"data={home}/data", "num_clips=4", "num_episodes=2", "max_steps=3"]
    assert "policy" in says(capsys, 0, [*play, "policy=my_agents_here:Twos"])
    module = importlib.import_module("vdworld.evaluation.evaluate")
    monkeypatch.setattr(module, "predict", lambda *_, **__: pytest.fail("it measured"))
    error = says(capsys, 2, [*play, "policy=my_agents_here:Wrong"])
    assert error.startswith("vdworld evaluate: error: `act` of 'policy' must return one action of Discrete(5)")
    assert "`policy` must be the dotted name" in says(capsys, 2, [*play, "policy=my_agents_here:Nobody"])
