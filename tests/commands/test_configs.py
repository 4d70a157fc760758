"""Every YAML file composes, and names only what the code takes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf

from vdworld.agents import BehaviourCloning, Planner
from vdworld.agents.policies.learning_settings import LearningSettings
from vdworld.commands.config_search import (
    CONFIGS,
    blocks,
    compose_config,
    config_file,
    config_names,
    groups,
    option_file,
    options,
)
from vdworld.commands.policy_learning import DREAMS as LEARN_DREAMS
from vdworld.commands.policy_learning import SETTINGS as LEARN_SETTINGS
from vdworld.commands.verbs import VERBS
from vdworld.envs.recording.recorder import record
from vdworld.evaluation import PlayProtocol, evaluate
from vdworld.evaluation.returns import real_returns
from vdworld.online import Rounds, learn_online
from vdworld.training import (
    ContextCorruption,
    LossWeights,
    MotionCurriculum,
    SelfForcing,
    Shortcut,
    TrainerSettings,
    train,
)
from vdworld.world import Execution, Sampling

DATA = {"frame_channels", "image_size", "action_dim"}  # the data decide these
CONFIGURATIONS = [(verb, name) for verb in VERBS for name in (config_names(verb) if VERBS[verb].named else [None])]
CHOICES = [
    (verb, name, group, option)
    for verb, name in CONFIGURATIONS
    for group in groups(verb, name)
    for option in options(verb, group)
]


def parameters(function):
    return set(inspect.signature(function).parameters)


def targets(node: DictConfig) -> Iterator[DictConfig]:
    """Yield the nodes with a ``_target_`` below `node` and `node` itself."""
    if "_target_" in node:
        yield node
    for name in node:
        if not OmegaConf.is_missing(node, name) and isinstance(node[name], DictConfig):
            yield from targets(node[name])


def binds(node: DictConfig) -> bool:
    """Tell whether a node's class takes all its values; a TypeError names the one that it does not take."""
    values = {str(name): value for name, value in node.items() if name != "_target_"}
    return inspect.signature(get_object(node["_target_"])).bind_partial(**values) is not None


@pytest.mark.parametrize(("verb", "name"), CONFIGURATIONS)
def test_a_command_composes_with_its_defaults_and_its_nodes_bind(verb, name):
    assert all(binds(node) for node in targets(compose_config(verb, name=name)))


@pytest.mark.parametrize(("verb", "name", "group", "option"), CHOICES)
def test_every_option_of_every_group_composes_and_binds(verb, name, group, option):
    assert all(binds(node) for node in targets(compose_config(verb, [f"{group}={option}"], name)))


def test_a_misspelt_key_in_a_node_does_not_bind():
    node = OmegaConf.create({"_target_": "vdworld.agents.Return", "dicsount": 0.9})
    with pytest.raises(TypeError, match="dicsount"):
        binds(node)


def test_every_yaml_file_belongs_to_a_command():
    reached = {config_file(verb, name) for verb, name in CONFIGURATIONS}
    for verb, _, group, option in CHOICES:
        reached.add(option_file(verb, group, option))
    reached |= {block for verb, name in CONFIGURATIONS for block in blocks(verb, name)}
    assert set(CONFIGS.rglob("*.yaml")) - reached == set()


@pytest.mark.parametrize(
    ("group", "option", "decided_elsewhere"),
    [
        *[("network", name, DATA) for name in ("unet", "video_unet", "transformer", "diamond")],
        *[("process", name, set()) for name in ("flow", "edm", "vp")],
        *[("planner", name, set()) for name in ("random_shooting", "cross_entropy", "icem", "mppi", "gradient")],
        *[("planner", name, set()) for name in ("categorical", "beam_search")],
        ("planner", "policy_mppi", {"policy"}),
        ("objective", "goal_image", {"background"}),  # by the world
        ("objective", "goal_features", {"world"}),
        ("objective", "return", {"value"}),  # a function
    ],
)
def test_a_class_s_whole_choice_stands_in_its_yaml_file(group, option, decided_elsewhere):
    node = OmegaConf.load(CONFIGS / "shared" / group / f"{option}.yaml")
    assert isinstance(node, DictConfig)
    assert {name for name in node if name != "_target_"} == parameters(get_object(node["_target_"])) - decided_elsewhere


@pytest.mark.parametrize(
    ("verb", "node", "function", "own"),
    [
        ("record", None, record, {"output", "resume"}),
        ("train", None, train, {"data", "from_world", "trainer", "world"}),
        ("train", "trainer", TrainerSettings, set()),
        ("train", "trainer.weights", LossWeights, set()),
        ("train", "trainer.corruption", ContextCorruption, set()),
        ("train", "trainer.shortcut", Shortcut, set()),
        ("train", "trainer.self_forcing", SelfForcing, set()),
        ("train", "trainer.motion_curriculum", MotionCurriculum, set()),
        ("train", "sampling", Sampling, set()),
        ("evaluate", "sampling", Sampling, set()),
        ("plan", "sampling", Sampling, set()),
        ("evaluate", "execution", Execution, set()),
        ("plan", "execution", Execution, set()),
        ("clone", None, BehaviourCloning.learn, {"data", "output", "video"}),
        ("learn", "sampling", Sampling, set()),
        ("learn", "execution", Execution, set()),
    ],
)
def test_the_keys_of_a_command_are_its_function_s_arguments(verb, node, function, own):
    config = compose_config(verb)
    keys = set(config if node is None else OmegaConf.select(config, node))
    assert keys - parameters(function) == own - parameters(function)


def test_the_keys_of_evaluate_are_those_of_its_function_and_the_protocol():
    own = {"data", "device", "sampling", "execution", "policy"}
    assert set(compose_config("evaluate")) - parameters(evaluate) - parameters(PlayProtocol) == own


def test_the_keys_of_plan_are_those_of_the_planner_and_the_protocol():
    own = {"data", "output", "device", "planner", "policy", "objective", "sampling", "execution"}
    assert set(compose_config("plan")) - parameters(Planner) - parameters(PlayProtocol) == own - {"objective"}


def test_the_keys_of_learn_are_those_of_the_dreams_and_the_settings_with_their_defaults():
    config = compose_config("learn")
    own = {"world", "output", "prior", "device", "seed", "num_steps", "sampling", "execution", "resume"}
    online = {"online", "real", "rounds", "training"}
    assert set(config) - own - online == {*LEARN_DREAMS, *LEARN_SETTINGS}
    assert {name: config[name] for name in LEARN_SETTINGS} == asdict(LearningSettings())
    assert config.uncertainty_limit == 0.99


def test_the_keys_of_an_online_run_are_those_of_its_parts_with_their_defaults():
    config = compose_config("learn")
    assert dict(config.rounds) == asdict(Rounds())
    own = {"env", "evaluate_kwargs"}
    assert set(config.real) - parameters(record) - parameters(real_returns) - parameters(learn_online) == own - {"env"}
    assert set(config.training) - parameters(train) == {"trainer"}


def test_the_keys_of_a_benchmark_are_its_arguments_with_their_defaults():
    for name in config_names("benchmark"):
        config = compose_config("benchmark", name=name)
        run = importlib.import_module(f"vdworld.benchmarks.{name}").run
        arguments = inspect.signature(run).parameters
        assert set(config) | {"output"} == {*arguments, "output"}  # the command writes the figures to `output`
        for key in set(arguments) - {"execution"}:
            required = OmegaConf.is_missing(config, key)
            assert required == (arguments[key].default is inspect.Parameter.empty), (name, key)
            value = None if required else config[key]
            value = tuple(value) if isinstance(value, ListConfig) else value
            assert required or value == arguments[key].default, (name, key)
        assert "execution" not in config or dict(config.execution) == asdict(Execution())
