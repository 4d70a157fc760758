"""Check a vector environment against Gymnasium's contract, as ``check_env`` does for single ones."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from vdworld.envs.checking.step_result import StepResult, arrays, named, require_rule, same_tree
from vdworld.envs.dream.dream_spaces import map_leaves


def check_vector_env(envs: VectorEnv, *, strict: bool = False, num_steps: int = 60, seed: int = 0) -> None:
    """Raise an AssertionError that says which rule of ``gymnasium.vector.VectorEnv`` an environment breaks.

    The contract: batched spaces; observations, rewards and ends of the right shapes and types, in memory of their own;
    infos beside their masks; the same episodes again after ``reset(seed=int)``; and ended lanes that begin anew as the
    autoreset mode says. Results may be arrays or tensors. The environment is reset and stepped many times, and left
    in the middle of an episode.

    Args:
        envs: The environment; its episodes should end within `num_steps`, or their ends are not checked.
        strict: Check too what many environments leave out: lists of seeds (with None among them), ``"reset_mask"`` in
            the options, and lanes that never hear of one another.
        num_steps: Length of the runs that are compared.
        seed: Of the episodes and the random actions.

    Warns:
        UserWarning: No episode ended.
    """
    check = _Check(envs, num_steps, seed)
    check.spaces()
    moments = check.results()
    check.repeats(moments)
    check.ends(moments)
    if strict:
        check.seed_lists(moments)
        check.reset_masks(moments)
        check.independence(moments)


class _Check:
    def __init__(self, envs: VectorEnv, num_steps: int, seed: int) -> None:
        self.envs, self.seed = envs, seed
        self.mode = envs.metadata.get("autoreset_mode")
        space = copy.deepcopy(envs.action_space)
        space.seed(seed)
        self.actions, self.others = ([space.sample() for _ in range(num_steps)] for _ in range(2))

    def spaces(self) -> None:
        envs = self.envs
        require_rule(isinstance(envs, VectorEnv), f"It must be a gymnasium.vector.VectorEnv, got {type(envs)}.")
        require_rule(
            isinstance(self.mode, AutoresetMode),
            f'`metadata["autoreset_mode"]` must be a gymnasium.vector.AutoresetMode, got {self.mode!r}.',
        )
        for name in ("observation", "action"):
            batched, single = getattr(envs, f"{name}_space"), getattr(envs, f"single_{name}_space")
            expected = batch_space(single, envs.num_envs)
            require_rule(
                batched == expected, f"`{name}_space` must be {expected} for {envs.num_envs} lanes, got {batched}."
            )

    def results(self) -> list[StepResult]:
        """Check all that a run returns, and that later steps change nothing of it."""
        moments = self.run(self.seed, self.actions, handed_out=(handed_out := []))
        for before, moment in zip(handed_out, moments, strict=True):
            require_rule(
                same_tree(arrays(before), moment.observation), "Observations must not change once they are handed out."
            )
        return moments

    def repeats(self, moments: Sequence[StepResult]) -> None:
        again = self.run(self.seed, self.actions)
        self.compare(moments, again, "`reset(seed=...)` with the same seed must begin the same episodes again")

    def ends(self, moments: Sequence[StepResult]) -> None:
        if not any(moment.ended.any() for moment in moments):
            warnings.warn(
                f"No episode ended within {len(self.actions)} steps, so that ends were not checked. Take more steps, "
                "or shorter episodes.",
                stacklevel=3,
            )
        elif self.mode is AutoresetMode.NEXT_STEP:
            self.next_step(moments)
        elif self.mode is AutoresetMode.SAME_STEP:
            self.same_step(moments)

    def next_step(self, moments: Sequence[StepResult]) -> None:
        """A lane that ended begins anew in the next step, whatever its action, for no reward."""
        changed = list(self.actions)
        for t, (moment, after) in enumerate(zip(moments[1:], moments[2:], strict=False), start=1):
            if moment.ended.any():
                rest = (after.reward[moment.ended] == 0).all() and not after.ended[moment.ended].any()
                require_rule(
                    rest, "In mode NEXT_STEP the step after an end must give reward 0 and no end: it is the reset."
                )
                changed[t] = self.exchanged(self.actions[t], self.others[t], moment.ended)
        again = self.run(self.seed, changed)
        self.compare(moments, again, "In mode NEXT_STEP the step after an end must ignore its action")

    def same_step(self, moments: Sequence[StepResult]) -> None:
        """A lane that ended begins anew at once, and its end is in the info."""
        for moment in (moment for moment in moments if moment.ended.any()):
            for name in ("final_obs", "final_info"):
                mask = moment.info.get(f"_{name}")
                require_rule(
                    name in moment.info and mask is not None and np.array_equal(mask, moment.ended),
                    f'In mode SAME_STEP `info` must hold "{name}" and its mask "_{name}" of the lanes that ended.',
                )
            single = self.envs.single_observation_space
            for lane in np.flatnonzero(moment.ended):
                final = map_leaves(lambda leaf, lane=lane: leaf[lane], moment.info["final_obs"])
                require_rule(
                    single.contains(final), f'`info["final_obs"]` must hold an observation in {single}, got {final!r}.'
                )

    def seed_lists(self, moments: Sequence[StepResult]) -> None:
        count = self.envs.num_envs
        seeds = [self.seed + lane for lane in range(count)]
        with named("`reset` must take a list of seeds"):
            listed = self.run(seeds, self.actions)
        self.compare(moments, listed, "`reset(seed=s)` must seed lane i with s + i, as a list of seeds does")
        backwards = [self.reordered(action, range(count)[::-1]) for action in self.actions]
        turned = self.run(seeds[::-1], backwards)
        text = "A lane's seed and actions alone must decide its episode, wherever it lies in the batch"
        self.compare(moments, turned, text, lanes=slice(None), others=slice(None, None, -1), nearly=True)
        text = "A list of seeds may hold None, which leaves that lane to its own stream, and the others to theirs"
        with named(text):
            some = self.run([None, *seeds[1:]], self.actions)
        self.compare(moments, some, text, lanes=slice(1, None))

    def reset_masks(self, moments: Sequence[StepResult]) -> None:
        mask = np.arange(self.envs.num_envs) == 0
        when = len(self.actions) // 3
        with named('`reset` must take a "reset_mask" in its options'):
            disturbed = self.run(self.seed, self.actions, resets={when: mask})
        text = '`reset(options={"reset_mask": mask})` must leave the other lanes as they are'
        self.compare(moments, disturbed, text, lanes=slice(1, None))

    def independence(self, moments: Sequence[StepResult]) -> None:
        first = np.arange(self.envs.num_envs) == 0
        pairs = zip(self.actions, self.others, strict=True)
        changed = self.run(self.seed, [self.exchanged(action, other, first) for action, other in pairs])
        self.compare(moments, changed, "What one lane does must not change the others", lanes=slice(1, None))

    def run(
        self,
        seed: Any,
        actions: Sequence[Any],
        *,
        resets: dict[int, np.ndarray] | None = None,
        handed_out: list[Any] | None = None,
    ) -> list[StepResult]:
        """Return what the first reset and every step give.

        Args:
            seed: For the reset.
            actions: For the steps.
            resets: Lanes to begin anew before the step of this number.
            handed_out: Gets the observations as they come.
        """
        nothing = np.zeros(self.envs.num_envs)
        observation, info = self.envs.reset(seed=seed)
        moments = [self.moment(observation, info, nothing, nothing > 0, nothing > 0)]
        kept = [observation]
        for t, action in enumerate(actions):
            begin = (resets or {}).get(t, nothing > 0)
            if self.mode is AutoresetMode.DISABLED:
                begin = begin | moments[-1].ended
            if begin.any():
                self.envs.reset(options={"reset_mask": begin})
            results = self.envs.step(action)
            require_rule(len(results) == 5, f"`step` must return five values, got {len(results)}.")
            observation, reward, terminated, truncated, info = results
            moments.append(self.moment(observation, info, reward, terminated, truncated))
            kept.append(observation)
        if handed_out is not None:
            handed_out += kept
        return moments

    def moment(self, observation: Any, info: Any, reward: Any, terminated: Any, truncated: Any) -> StepResult:
        """Check shapes and types, and return everything as arrays."""
        space, count = self.envs.observation_space, self.envs.num_envs
        seen = arrays(observation)
        require_rule(space.contains(seen), f"Observations must lie in {space}, got {seen!r}.")
        parts = {"reward": arrays(reward), "terminated": arrays(terminated), "truncated": arrays(truncated)}
        for name, value in parts.items():
            kind = "floats" if name == "reward" else "bools"
            right = np.issubdtype(value.dtype, np.floating) if name == "reward" else value.dtype == np.bool_
            got = f"got {value.dtype} of shape {value.shape}"
            require_rule(right and value.shape == (count,), f"`{name}` must hold {count} {kind}, {got}.")
        require_rule(isinstance(info, dict), f"`info` must be a dict, got {type(info)}.")
        told = arrays(info)
        self.masks(told, "info")
        return StepResult(seen, told, **parts)

    def masks(self, info: dict[str, Any], name: str) -> None:
        """Check that beside every entry stands the mask of the lanes that have it."""
        for key in (key for key in info if not key.startswith("_")):
            mask = info.get(f"_{key}")
            right = isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.shape == (self.envs.num_envs,)
            rule = f'`{name}` must hold beside "{key}" the mask of its lanes "_{key}", {self.envs.num_envs} bools'
            require_rule(right, f"{rule}, got {mask!r}.")
            if isinstance(info[key], dict) and key != "final_obs":  # whose entries are observations
                self.masks(info[key], f"{name}[{key!r}]")

    def compare(
        self,
        left: Sequence[StepResult],
        right: Sequence[StepResult],
        rule: str,
        *,
        lanes: slice = slice(None),
        others: slice | None = None,
        nearly: bool = False,
    ) -> None:
        for t, (one, other) in enumerate(zip(left, right, strict=True)):
            same = same_tree(one.lanes(lanes), other.lanes(lanes if others is None else others), nearly=nearly)
            require_rule(same, f"{rule}; {'the first observation' if t == 0 else f'step {t}'} was another.")

    def exchanged(self, actions: Any, others: Any, mask: np.ndarray) -> Any:
        """Return batched actions with those of the lanes in `mask` taken from others."""
        pairs = zip(*(iterate(self.envs.action_space, batch) for batch in (actions, others)), mask, strict=True)
        return self.batched([other if chosen else own for own, other, chosen in pairs])

    def reordered(self, actions: Any, order: Sequence[int]) -> Any:
        """Return batched actions in another order of the lanes."""
        own = list(iterate(self.envs.action_space, actions))
        return self.batched([own[lane] for lane in order])

    def batched(self, actions: Sequence[Any]) -> Any:
        space = self.envs.single_action_space
        return concatenate(space, actions, create_empty_array(space, len(actions)))
