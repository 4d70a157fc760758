"""Values from YAML files and command lines are checked against the functions that they are for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from omegaconf import OmegaConf

from vdworld.commands.arguments import description, instantiate, keyword_arguments, without_nulls


def function(
    count: int = 1,
    share: float = 0.5,
    flag: bool = False,
    name: str | None = None,
    size: int | tuple[int, int] | None = None,
    steps: Sequence[int] = (),
    named: dict[str, int] | None = None,
    anything: object = None,
) -> None: ...


@pytest.mark.parametrize(
    "values",
    [
        {"count": 3, "share": 1, "flag": True, "name": "a", "size": 3},
        {"share": 0.1, "name": None, "size": (1, 2), "named": {"b": 2}, "anything": {"a": 1}},
    ],
)
def test_fitting_values_pass_unchanged(values):
    assert keyword_arguments(function, values) == values


def test_lists_become_tuples_and_nodes_plain_values():
    values = OmegaConf.create({"size": [1, 2], "steps": [1, 5], "anything": {"a": [1]}})
    assert keyword_arguments(function, values) == {"size": (1, 2), "steps": (1, 5), "anything": {"a": [1]}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": "abc"}, "`count` must be a whole number, got 'abc'."),
        ({"count": 1.5}, "`count` must be a whole number, got 1.5."),
        ({"count": True}, "`count` must be a whole number, got True."),
        ({"count": None}, "`count` must be a whole number, got None."),
        ({"share": "x"}, "`share` must be a number, got 'x'."),
        ({"flag": 1}, "`flag` must be true or false, got 1."),
        ({"name": 3}, "`name` must be text or null, got 3."),
        ({"size": "x"}, "`size` must be a whole number or a list or null, got 'x'."),
        ({"steps": 3}, "`steps` must be a list, got 3."),
        (
            {"named": "{a: 1,"},
            "`named` must be names with values on one line, as in {name: value} or null, got '{a: 1,'.",
        ),
        ("{count: 1,", "The settings of function must be names with values on one line, as in {name: value}, got"),
        ({"cuont": 3}, "function has no argument cuont. It takes count, share,"),
    ],
)
def test_a_value_of_another_type_is_named(values, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared below, brackets and all
        keyword_arguments(function, values)
    assert str(error.value).startswith(message)


def test_further_keyword_arguments_pass_where_a_function_takes_them():
    def open_function(count: int, **settings: object) -> None: ...

    assert keyword_arguments(open_function, {"count": 1, "anything": "x"}) == {"count": 1, "anything": "x"}


def test_null_values_are_left_to_whoever_takes_them():
    assert without_nulls({"a": None, "b": 0, "c": False}) == {"b": 0, "c": False}


def test_a_node_becomes_an_object_of_its_class():
    node = OmegaConf.create({"_target_": "vdworld.agents.GoalImage", "blur": [0.1], "last": None})
    assert description(node) == {"_target_": "vdworld.agents.GoalImage", "blur": (0.1,)}
    objective = instantiate(node)
    assert type(objective).__name__ == "GoalImage"
    assert (objective.blur, objective.last) == ((0.1,), 0.5)


def test_nodes_in_a_node_become_objects_too_and_what_is_decided_gives_way_to_what_is_said():
    node = OmegaConf.create({"_target_": "vdworld.agents.PolicyGuidedMPPI", "num_proposals": 2})
    node.search = {"_target_": "vdworld.agents.MPPI", "horizon": 3, "num_candidates": None}
    made = instantiate(node, policy=lambda state: state.frame, discount=0.5)
    assert (made.search.horizon, made.num_proposals) == (3, 2)
    said = OmegaConf.create({"_target_": "vdworld.agents.Return", "discount": 0.9})
    assert instantiate(said, discount=0.5).discount == 0.9
    assert instantiate(OmegaConf.create({"_target_": "vdworld.agents.Return"}), discount=0.5).discount == 0.5


def test_what_a_class_needs_and_nobody_gives_is_named():
    with pytest.raises(ValueError, match="PolicyGuidedMPPI needs `policy`"):
        instantiate(OmegaConf.create({"_target_": "vdworld.agents.PolicyGuidedMPPI"}))


def test_a_node_with_a_wrong_value_is_an_error():
    node = OmegaConf.create({"_target_": "vdworld.networks.StackedUNet", "width": "wide"})
    with pytest.raises(ValueError, match="`width` must be a whole number, got 'wide'"):
        description(node)
