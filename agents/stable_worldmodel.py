"""stable-worldmodel: plan in a world with its solvers (CEM, iCEM, MPPI, gradient descent)."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from vdworld.agents.objectives import Objective, Return, check_objective
from vdworld.spaces import frames_to_float
from vdworld.world import WorldModel, WorldState


class CostModel:
    """A model for the solvers of stable-worldmodel, which returns the costs of candidate plans.

    Solvers search in encoded actions, where every number spans [-1, 1] and every choice has one number per option;
    there, their initial mean of 0 and standard deviation of 1 suit any environment. Since some solvers ignore bounds, a
    candidate has the cost of the nearest legal one, and ``inverse_transform`` returns the nearest legal plan in the
    environment's units::

        model = CostModel(world, objective)
        solver = ICEMSolver(model, num_samples=64, n_steps=3, topk=8)
        solver.configure(action_space=model.action_space(len(state)), n_envs=len(state), config=config)
        plans = model.inverse_transform(solver.solve({"state": state, "goal": goal})["actions"])

    ``config`` is a ``PlanConfig``, of which solvers read ``horizon`` and ``action_block``. With their
    ``WorldModelPolicy``, also pass the model as ``process={"action": model}``; dreams then start from ``"pixels"`` and,
    with ``PlanConfig(history_len=world.context_length + 1)``, from the actions between them.

    Solvers are in ``stable_worldmodel.solver`` in releases up to 0.1.1 and in ``stable_worldmodel.planning`` later.

    Args:
        world: The world to dream in.
        objective: Scores a rollout; see ``vdworld.agents.objectives``. Costs are its negative.
        num_sampling_steps: Network evaluations per imagined frame; None takes the world's own number.
        max_batch: Most lanes imagined at once.
        seed: Seeds the dreams that start from pixels.

    Raises:
        ValueError: The objective needs rewards, and the world has none.
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
        check_objective(self.objective, world)
        self.num_sampling_steps, self.max_batch, self.seed = num_sampling_steps, max_batch, seed

    def action_space(self, num_lanes: int) -> gym.spaces.Box:
        """Return the space ``[num_lanes, a]`` in which solvers search, for their ``configure``."""
        return gym.spaces.Box(-1.0, 1.0, (num_lanes, self.world.action_codec.dim), np.float32)

    def get_cost(self, info_dict: dict[str, Any], action_candidates: Tensor) -> Tensor:
        """Return the cost of every candidate ``[b, n]``; differentiable if gradients are enabled.

        The candidates of a lane share its noise, so that they differ by their actions alone.

        Args:
            info_dict: ``"state"``, a WorldState of b lanes, or ``"pixels"``, the last k frames ``[b, n, k, ...]``, with
                the encoded actions between them as ``"action_history"`` ``[b, n, k - 1, a]`` if they are known; and
                the ``"goal"`` that some objectives need, ``[b, n, ...]`` or ``[b, n, 1, ...]``. Frames are uint8
                ``h w c``, or floats ``c h w`` in [-1, 1]; solvers repeat them for n candidates.
            action_candidates: Encoded ``[b, n, t, m * a]``: t blocks of m consecutive actions each. Frames of a history
                are then m steps apart, so that dreams start from the newest alone.

        Raises:
            ValueError: Candidates or a history of another shape, or an `info_dict` without state and pixels.
        """
        with_gradients = torch.is_grad_enabled()
        with torch.inference_mode(False), torch.set_grad_enabled(with_gradients):  # recorded steps can't mix modes
            state, goal = self._start(info_dict), _goal(info_dict)
            candidates = self._unblocked(action_candidates).to(self.world.device)
            b, n = candidates.shape[:2]
            plans = self.world.action_codec.project(candidates.flatten(0, 1))
            owner = torch.arange(b, device=plans.device).repeat_interleave(n)
            chunks = zip(owner.split(self.max_batch), plans.split(self.max_batch), strict=True)
            costs = [self._cost(state[lanes], actions, goal, lanes) for lanes, actions in chunks]
            return torch.cat(costs).reshape(b, n).to(action_candidates)

    def criterion(self, info_dict: dict[str, Any], action_candidates: Tensor) -> Tensor:
        """Return ``get_cost(...)``; the solvers' protocol has both names."""
        return self.get_cost(info_dict, action_candidates)

    def transform(self, actions: Any) -> np.ndarray:
        """Encode actions of the environment ``[..., *shape]`` -> ``[..., a]``."""
        return self.world.action_codec.encode(actions).cpu().numpy()

    def inverse_transform(self, plans: Any) -> Any:
        """Return encoded plans ``[..., t, m * a]`` as actions within the bounds, in the environment's units and shape.

        The actions of all blocks follow each other: ``[..., t * m, *shape]``.
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

    def _start(self, info: dict[str, Any]) -> WorldState:
        if "state" in info:
            return info["state"]
        if "pixels" not in info:
            raise ValueError(f"`info_dict` must hold a WorldState as 'state', or 'pixels', got {sorted(info)}.")
        frames = _frames(info["pixels"])
        if "action_history" not in info:
            return self.world.start(frames, seed=self.seed)
        return self._start_with_history(frames, torch.as_tensor(info["action_history"])[:, 0].float())

    def _start_with_history(self, frames: Tensor, history: Tensor) -> WorldState:
        """Start from frames ``[b, k, c, h, w]`` and the encoded blocks of actions between them ``[b, k - 1, m * a]``.

        stable-worldmodel fills short histories up with copies of the oldest frame and zeros; these are no past.
        """
        codec, (b, k) = self.world.action_codec, frames.shape[:2]
        if tuple(history.shape[:2]) != (b, k - 1) or history.shape[-1] % codec.dim:
            raise ValueError(
                f"`action_history` must hold the {k - 1} blocks of encoded actions between {k} frames, "
                f"[{b}, n, {k - 1}, m * {codec.dim}], got {[b, 'n', *history.shape[1:]]}."
            )
        if history.shape[-1] > codec.dim:
            return self.world.start(frames[:, -1:], seed=self.seed)
        stands_still = (frames[:, 1:] == frames[:, :-1]).flatten(2).all(dim=2).to(history.device)
        is_filler = ((history == 0).all(dim=2) & stands_still).cumprod(dim=1)
        return self.world.start(frames, codec.decode(history), lengths=k - is_filler.sum(dim=1), seed=self.seed)

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
    """Return frames ``[b, ..., c, h, w]`` in [-1, 1], which a solver has repeated for each candidate."""
    frames = torch.as_tensor(repeated)[:, 0]
    return frames if frames.is_floating_point() else frames_to_float(frames)


def _goal(info: dict[str, Any]) -> Tensor | None:
    goal = _frames(info["goal"]) if "goal" in info else None
    return goal[:, -1] if goal is not None and goal.ndim == 5 else goal
