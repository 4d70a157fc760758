"""stable-worldmodel: let its solvers (CEM, iCEM, MPPI, gradient descent) plan in a world."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from vdworld.agents.objectives import Objective, Return
from vdworld.spaces import frames_to_float
from vdworld.world import WorldModel, WorldState


class CostModel:
    """The model that a solver of stable-worldmodel searches in, which asks for the costs of candidate plans.

    Plans are searched in encoded actions, where every number spans [-1, 1] and every choice has one number per option;
    only there do a mean of zero and a deviation of one, with which the solvers begin, suit any environment. They do
    not all keep to bounds, so that this class does: a candidate costs what the nearest legal one costs, and
    ``inverse_transform`` returns the nearest legal plan in the environment's units::

        model = CostModel(world, objective)
        solver = ICEMSolver(model, num_samples=64, n_steps=3, topk=8)
        solver.configure(action_space=model.action_space(len(state)), n_envs=len(state), config=config)
        plans = model.inverse_transform(solver.solve({"state": state, "goal": goal})["actions"])

    ``config`` is a ``PlanConfig``, of which solvers read ``horizon`` and ``action_block``. With their
    ``WorldModelPolicy``, pass the model as ``process={"action": model}`` too; it then starts from ``"pixels"``.

    Args:
        world: Where futures are imagined.
        objective: Rates a rollout; see ``vdworld.agents.objectives``. Costs are its negative.
        num_sampling_steps: Network evaluations per imagined frame; None takes the world's own number.
        max_batch: Most lanes imagined at once.
        seed: Of dreams that start from pixels.

    Raises:
        ValueError: Returns are asked of a world without rewards.
    """

    def __init__(
        self,
        world: WorldModel,
        objective: Objective | None = None,
        *,
        num_sampling_steps: int | None = None,
        max_batch: int = 256,
        seed: int = 0,
    ) -> None:
        self.world, self.objective = world, objective or Return()
        if getattr(self.objective, "needs_rewards", False) and not world.has_reward:
            raise ValueError(
                "`objective` Return needs rewards, and this world was trained on data without any. "
                "Give another objective: any function of a Rollout and the goal frames."
            )
        self.num_sampling_steps, self.max_batch, self.seed = num_sampling_steps, max_batch, seed

    def action_space(self, num_lanes: int) -> gym.spaces.Box:
        """Return the space ``[num_lanes, a]`` in which solvers search, for their ``configure``."""
        return gym.spaces.Box(-1.0, 1.0, (num_lanes, self.world.action_codec.dim), np.float32)

    def get_cost(self, info_dict: dict[str, Any], action_candidates: Tensor) -> Tensor:
        """Return the cost of every candidate ``[b, n]``; differentiable where gradients are wanted.

        The candidates of a lane share its noise, so that they differ by their actions alone.

        Args:
            info_dict: ``"state"``, a WorldState of b lanes, or else ``"pixels"``, the last k frames
                ``[b, n, k, ...]``; and the ``"goal"`` that some objectives want, ``[b, n, ...]`` or ``[b, n, 1, ...]``.
                Frames are uint8 ``h w c``, or floats ``c h w`` in [-1, 1]; solvers repeat them for n candidates.
            action_candidates: Encoded ``[b, n, t, m * a]``: in each of t blocks, m actions that follow one another.

        Raises:
            ValueError: Candidates of another width, or an `info_dict` without a beginning.
        """
        with_gradients = torch.is_grad_enabled()
        with torch.inference_mode(False), torch.set_grad_enabled(with_gradients):  # recorded steps can't mix modes
            state, goal = self._beginning(info_dict), _goal(info_dict)
            candidates = self._unblocked(action_candidates).to(self.world.device)
            b, n = candidates.shape[:2]
            plans = self.world.action_codec.project(candidates.flatten(0, 1))
            owner = torch.arange(b, device=plans.device).repeat_interleave(n)
            chunks = zip(owner.split(self.max_batch), plans.split(self.max_batch), strict=True)
            costs = [self._cost(state[lanes], actions, goal, lanes) for lanes, actions in chunks]
            return torch.cat(costs).reshape(b, n).to(action_candidates)

    def criterion(self, info_dict: dict[str, Any], action_candidates: Tensor) -> Tensor:
        """Return what ``get_cost`` does; their protocol has both names."""
        return self.get_cost(info_dict, action_candidates)

    def transform(self, actions: Any) -> np.ndarray:
        """Encode actions of the environment ``[..., *shape]`` -> ``[..., a]``."""
        return self.world.action_codec.encode(actions).cpu().numpy()

    def inverse_transform(self, plans: Any) -> Any:
        """Return encoded plans ``[..., t, m * a]`` as actions within the bounds, in the environment's units and shape.

        Blocks of m actions are laid out one after the other: ``[..., t * m, *shape]``.
        """
        return self.world.action_codec.decode(self._unblocked(torch.as_tensor(plans)))

    def _unblocked(self, plans: Tensor) -> Tensor:
        dim = self.world.action_codec.dim
        if plans.shape[-1] % dim:
            raise ValueError(
                f"`action_candidates` must end in a multiple of the {dim} numbers of an encoded action, "
                f"got shape {tuple(plans.shape)}. Configure the solver with `action_space(num_lanes)` of this model."
            )
        return plans.reshape(*plans.shape[:-2], -1, dim)

    def _beginning(self, info: dict[str, Any]) -> WorldState:
        if "state" in info:
            return info["state"]
        if "pixels" not in info:
            raise ValueError(f"`info_dict` must hold a WorldState as 'state', or 'pixels', got {sorted(info)}.")
        return self.world.start(_frames(info["pixels"]), seed=self.seed)

    def _cost(self, state: WorldState, actions: Tensor, goal: Tensor | None, lanes: Tensor) -> Tensor:
        rollout = self.world.rollout(
            state,
            actions,
            num_sampling_steps=self.num_sampling_steps,
            frames_only=getattr(self.objective, "frames_only", False),
            encoded=True,
        )
        return -self.objective(rollout, None if goal is None else goal.to(rollout.frames.device)[lanes])


def _frames(repeated: Any) -> Tensor:
    """Return frames ``[b, ..., c, h, w]`` in [-1, 1] of what a solver repeated for each candidate."""
    frames = torch.as_tensor(repeated)[:, 0]
    return frames if frames.is_floating_point() else frames_to_float(frames)


def _goal(info: dict[str, Any]) -> Tensor | None:
    goal = _frames(info["goal"]) if "goal" in info else None
    return goal[:, -1] if goal is not None and goal.ndim == 5 else goal
