"""What an agent returned, as one native action per lane, or an error that names the agent."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from vdworld.envs.array_trees import stack_lanes
from vdworld.space_leaves import flat_action_size, leaf_size, leaves
from vdworld.spaces import flatten_action, unflatten_action


def lane_actions(space: gym.Space, actions: Any, num_lanes: int, agent: str) -> list[Any]:
    """Return one native action per lane. Numbers may lie outside of the bounds of a Box, as environments take them.

    Args:
        space: The action space of one lane.
        actions: A batch of actions, an array or a tensor or a tree of them, or a list of one action per lane.
        num_lanes: The number of lanes.
        agent: The agent's name, for the error.

    Raises:
        ValueError: They are not one action of the space per lane.
    """
    is_tree = isinstance(space, spaces.Dict | spaces.Tuple)
    try:
        flat = flatten_action(space, stack_lanes(actions) if is_tree and _is_list_of_trees(actions) else actions)
    except (TypeError, ValueError, LookupError) as error:
        raise _refused(space, actions, num_lanes, agent) from error
    if flat.shape != (num_lanes, flat_action_size(space)) or not _legal(space, flat):
        raise _refused(space, actions, num_lanes, agent)
    return [unflatten_action(space, row) for row in flat]


def _is_list_of_trees(actions: Any) -> bool:
    return isinstance(actions, list) and all(isinstance(action, dict | tuple) for action in actions) and bool(actions)


def _legal(space: gym.Space, flat: np.ndarray) -> bool:
    """Return whether flat actions ``[b, n]`` are finite, and choices of the space where it has choices."""
    if not np.isfinite(flat).all():
        return False
    parts = leaves(space)
    columns = np.split(flat, np.cumsum([leaf_size(part) for part in parts])[:-1], axis=-1)
    choices = [(part, rows) for part, rows in zip(parts, columns, strict=True) if not isinstance(part, spaces.Box)]
    return all(
        (rows == np.rint(rows)).all() and all(part.contains(unflatten_action(part, row)) for row in rows)
        for part, rows in choices
    )


def _refused(space: gym.Space, actions: Any, num_lanes: int, agent: str) -> ValueError:
    shape = getattr(actions, "shape", None)
    kind = type(actions).__name__ if shape is None else f"shape {list(shape)}"
    got = f"{kind}, {' '.join(repr(actions).split())}"[:200]  # one line
    return ValueError(f"`act` of {agent!r} must return one action of {space} for each of {num_lanes} lanes, got {got}.")
