"""PushT's goal-reaching task: exact restore of recorded states, distance of the block, success.

``reset(options={"reset_to_state": ...})`` of gym-pusht does not restore the state that it reports. It sets the block's
angle after its position, which rotates the block about its centre of gravity and so changes the position, and then
runs the physics. Here the angle comes first, the physics is not run, and the result is read back.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np

from vdworld.envs.tasks.task import RestoreError, State

AGENT, VELOCITY, BLOCK = "info.pos_agent", "info.vel_agent", "info.block_pose"


class PushTTask:
    """Move the T-shaped block to its pose in a goal frame.

    Args:
        position_tolerance: Largest distance from the goal of the block, and under the strict rule of the agent, in px
            of the 512 px table.
        angle_tolerance: Largest rotation of the block from its goal, in radians.
        lever: How many px one radian counts in ``distance``: the half-width of the T's bar, so that a rotation counts
            as much as it moves the end of the bar.
        restore_tolerance: Largest difference between a restored and a recorded number (px, px/s, radians); recorded
            states are float32.
    """

    state_keys = (AGENT, VELOCITY, BLOCK)
    unit = "px"

    def __init__(
        self,
        *,
        position_tolerance: float = 20.0,
        angle_tolerance: float = math.pi / 9,
        lever: float = 60.0,
        restore_tolerance: float = 1e-3,
    ) -> None:
        self.position_tolerance = position_tolerance
        self.angle_tolerance = angle_tolerance
        self.lever = lever
        self.restore_tolerance = restore_tolerance
        degrees = round(math.degrees(angle_tolerance))
        self.distance_rule = f"the block's distance in px plus {lever:g} px per radian that it is turned"
        self.success_rule = f"at some step the block is within {position_tolerance:g} px and {degrees}° of the goal"
        self.strict_rule = f"at the same step the agent, too, is within {position_tolerance:g} px of its goal"

    def restore(self, env: gym.Env, state: State, last_action: Any = None) -> tuple[Any, dict[str, Any]]:
        """Start a new episode in a recorded state: the agent, its velocity and the block.

        The block's velocity, which is not recorded, becomes zero. It lasts for one physics step of 10 ms anyway, since
        the table is fully damped.

        Args:
            env: ``gym_pusht/PushT-v0``, wrapped or not.
            state: Holds ``info.pos_agent``, ``info.vel_agent`` and ``info.block_pose``.
            last_action: The action that led to the state; ``render()`` marks it with a red cross. None draws no cross.

        Returns:
            Observation and info, as ``reset`` does.

        Raises:
            ValueError: `state` lacks an entry.
            RestoreError: The state read back differs by more than ``restore_tolerance``.
        """
        for key in self.state_keys:
            if key not in state:
                raise ValueError(f"`state` must hold {key!r} to restore PushT, got {sorted(state)}. Record it again.")
        env.reset(seed=0)
        table: Any = env.unwrapped
        table._setup()  # empties the space: the reset's own physics step may have left contacts
        table._last_action = None if last_action is None else np.asarray(last_action, dtype=np.float64)
        agent, block = table.agent, table.block
        agent.position = _vector(state, AGENT)
        agent.velocity = _vector(state, VELOCITY)
        x, y, angle = _vector(state, BLOCK)
        block.angle = angle  # rotates about the centre of gravity, so it must precede the position
        block.position = (x, y)
        block.velocity, block.angular_velocity = (0.0, 0.0), 0.0
        for body in (agent, block):
            table.space.reindex_shapes_for_body(body)  # drawing uses the cached positions of the shapes
        self._check(self.read(env), state)
        return table.get_obs(), table._get_info()

    def read(self, env: gym.Env) -> State:
        """Return the table's current state, under its names in datasets."""
        table: Any = env.unwrapped
        return {
            AGENT: np.array(table.agent.position),
            VELOCITY: np.array(table.agent.velocity),
            BLOCK: np.array([*table.block.position, table.block.angle]),
        }

    def distance(self, state: State, goal: State) -> float:
        """Return the block's distance from its goal in px plus ``lever`` px per radian of rotation."""
        shift, turn = self._block_gap(state, goal)
        return shift + self.lever * turn

    def success(self, state: State, goal: State) -> bool:
        """Return whether the block is within both tolerances of the goal."""
        shift, turn = self._block_gap(state, goal)
        return shift <= self.position_tolerance and turn <= self.angle_tolerance

    def strict_success(self, state: State, goal: State) -> bool:
        """Return whether, in addition, the agent is within the position tolerance of its goal."""
        gap = math.dist(_vector(state, AGENT), _vector(goal, AGENT))
        return self.success(state, goal) and gap <= self.position_tolerance

    def idle_action(self, env: gym.Env) -> np.ndarray:
        """Return the agent's own position, where the controller then holds it."""
        table: Any = env.unwrapped
        space = table.action_space
        return np.clip(np.array(table.agent.position), space.low, space.high).astype(space.dtype)

    def _block_gap(self, state: State, goal: State) -> tuple[float, float]:
        """Return the block's distance from its goal in px, and its rotation in radians, in [0, pi]."""
        x, y, angle = _vector(state, BLOCK)
        goal_x, goal_y, goal_angle = _vector(goal, BLOCK)
        turn = abs((angle - goal_angle + math.pi) % (2 * math.pi) - math.pi)
        return math.hypot(x - goal_x, y - goal_y), turn

    def _check(self, restored: State, recorded: State) -> None:
        for key in self.state_keys:
            gap = np.abs(np.asarray(restored[key]) - np.asarray(recorded[key])).max()
            if not gap <= self.restore_tolerance:
                raise RestoreError(
                    f"The restored {key} must equal the recorded {np.asarray(recorded[key])}, "
                    f"got {np.asarray(restored[key])}. Check the versions of gym-pusht and pymunk (<7)."
                )


def _vector(state: State, key: str) -> tuple[float, ...]:
    return tuple(float(value) for value in np.asarray(state[key], dtype=np.float64).ravel())
