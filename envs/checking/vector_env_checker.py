"""Check a vector environment against Gymnasium's contract, as ``check_env`` does for single environments."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from vdworld.envs.array_trees import map_leaves
from vdworld.envs.checking.contract_rules import name_rule, require_rule
from vdworld.envs.checking.step_result import StepResult, copy_arrays, same_tree


def check_vector_env(envs: VectorEnv, *, strict: bool = False, num_steps: int = 60, seed: int = 0) -> None:
    """Raise an AssertionError if an environment breaks a rule of ``gymnasium.vector.VectorEnv``; it names the rule.

    The rules: the spaces are batched. Observations, rewards and ends have the right shapes and types, and later steps
    do not change them. Each entry of an info has its mask. ``reset(seed=int)`` repeats the same episodes. Lanes are
    reset after their episode ended as the autoreset mode says. Results may be arrays or tensors. The environment is
    reset and stepped many times, and left in the middle of an episode.

    Args:
        envs: The environment. Ends are checked only if its episodes end within `num_steps`.
        strict: Also check rules that many environments break: lists of seeds, some of them None, ``"reset_mask"`` in
            the options, and lanes that do not depend on one another.
        num_steps: Length of the runs to compare.
        seed: Seed of the episodes and the random actions.

    Raises:
        AssertionError: The environment breaks a rule.

    Warns:
        UserWarning: No episode ended.
    """
    check = _Check(envs, num_steps, seed)
    check.spaces()
    results = check.first_run()
    check.repeats(results)
    check.ends(results)
    if strict:
        check.seed_lists(results)
        check.reset_masks(results)
        check.independence(results)


class _Check:
    def __init__(self, envs: VectorEnv, num_steps: int, seed: int) -> None:
        self.envs, self.seed = envs, seed
        self.mode = envs.metadata.get("autoreset_mode")
        space = copy.deepcopy(envs.action_space)
        space.seed(seed)
        self.actions, self.others = ([space.sample() for _ in range(num_steps)] for _ in range(2))

    def spaces(self) -> None:
        envs = self.envs
        require_rule(isinstance(envs, VectorEnv), f"`envs` must be a gymnasium.vector.VectorEnv, got {type(envs)}.")
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

    def first_run(self) -> list[StepResult]:
        """Check the results of a run, and that later steps do not change them."""
        results = self.run(self.seed, self.actions, handed_out=(handed_out := []))
        for before, result in zip(handed_out, results, strict=True):
            require_rule(
                same_tree(copy_arrays(before), result.observation),
                "Observations must not change once they are handed out.",
            )
        return results

    def repeats(self, results: Sequence[StepResult]) -> None:
        again = self.run(self.seed, self.actions)
        self.compare(results, again, "`reset(seed=...)` with the same seed must repeat the same episodes")

    def ends(self, results: Sequence[StepResult]) -> None:
        if not any(result.ended.any() for result in results):
            warnings.warn(
                f"No episode ended within {len(self.actions)} steps, so that ends were not checked. Pass a larger "
                "`num_steps`, or an environment with shorter episodes.",
                stacklevel=3,
            )
        elif self.mode is AutoresetMode.NEXT_STEP:
            self.next_step(results)
        elif self.mode is AutoresetMode.SAME_STEP:
            self.same_step(results)

    def next_step(self, results: Sequence[StepResult]) -> None:
        """Check that a lane is reset in the step after its end, which ignores its action and gives no reward."""
        changed = list(self.actions)
        for t, (result, after) in enumerate(zip(results[1:], results[2:], strict=False), start=1):
            if result.ended.any():
                is_reset = (after.reward[result.ended] == 0).all() and not after.ended[result.ended].any()
                require_rule(
                    is_reset, "In mode NEXT_STEP the step after an end must give reward 0 and no end: it is the reset."
                )
                changed[t] = self.exchanged(self.actions[t], self.others[t], result.ended)
        again = self.run(self.seed, changed)
        self.compare(results, again, "In mode NEXT_STEP the step after an end must ignore its action")

    def same_step(self, results: Sequence[StepResult]) -> None:
        """Check that a lane is reset in the step of its end, and that the info holds the end."""
        for result in (result for result in results if result.ended.any()):
            for name in ("final_obs", "final_info"):
                mask = result.info.get(f"_{name}")
                require_rule(
                    name in result.info and mask is not None and np.array_equal(mask, result.ended),
                    f'In mode SAME_STEP `info` must hold "{name}" and its mask "_{name}" of the lanes that ended.',
                )
            single = self.envs.single_observation_space
            for lane in np.flatnonzero(result.ended):
                final = map_leaves(lambda leaf, lane=lane: leaf[lane], result.info["final_obs"])
                require_rule(
                    single.contains(final), f'`info["final_obs"]` must hold an observation in {single}, got {final!r}.'
                )

    def seed_lists(self, results: Sequence[StepResult]) -> None:
        count = self.envs.num_envs
        seeds = [self.seed + lane for lane in range(count)]
        with name_rule("`reset` must take a list of seeds"):
            listed = self.run(seeds, self.actions)
        self.compare(results, listed, "`reset(seed=s)` must seed lane i with s + i, as a list of seeds does")
        backwards = [self.reordered(action, range(count)[::-1]) for action in self.actions]
        reversed_lanes = self.run(seeds[::-1], backwards)
        text = "A lane's seed and actions alone must decide its episode, whatever its place in the batch"
        self.compare(results, reversed_lanes, text, lanes=slice(None), others=slice(None, None, -1), nearly=True)
        text = "A list of seeds may hold None, which lets that lane draw its own seed and does not affect the others"
        with name_rule(text):
            partly_seeded = self.run([None, *seeds[1:]], self.actions)
        self.compare(results, partly_seeded, text, lanes=slice(1, None))

    def reset_masks(self, results: Sequence[StepResult]) -> None:
        mask = np.arange(self.envs.num_envs) == 0
        reset_step = len(self.actions) // 3
        with name_rule('`reset` must take a "reset_mask" in its options'):
            disturbed = self.run(self.seed, self.actions, resets={reset_step: mask})
        text = '`reset(options={"reset_mask": mask})` must not affect the other lanes'
        self.compare(results, disturbed, text, lanes=slice(1, None))

    def independence(self, results: Sequence[StepResult]) -> None:
        first = np.arange(self.envs.num_envs) == 0
        pairs = zip(self.actions, self.others, strict=True)
        changed = self.run(self.seed, [self.exchanged(action, other, first) for action, other in pairs])
        self.compare(results, changed, "A lane's actions must not affect the other lanes", lanes=slice(1, None))

    def run(
        self,
        seed: Any,
        actions: Sequence[Any],
        *,
        resets: dict[int, np.ndarray] | None = None,
        handed_out: list[Any] | None = None,
    ) -> list[StepResult]:
        """Return the results of a reset and of a step for each action.

        Args:
            seed: The seed of the reset.
            actions: The actions.
            resets: Lanes to reset, by the number of the step that follows.
            handed_out: Receives the observations, without copying them.
        """
        zeros, no_lane = np.zeros(self.envs.num_envs), np.zeros(self.envs.num_envs, dtype=np.bool_)
        observation, info = self.envs.reset(seed=seed)
        results = [self.checked(observation, info, zeros, no_lane, no_lane)]
        observations = [observation]
        for t, action in enumerate(actions):
            reset_mask = (resets or {}).get(t, no_lane)
            if self.mode is AutoresetMode.DISABLED:
                reset_mask = reset_mask | results[-1].ended
            if reset_mask.any():
                self.envs.reset(options={"reset_mask": reset_mask})
            returned = self.envs.step(action)
            require_rule(len(returned) == 5, f"`step` must return five values, got {len(returned)}.")
            observation, reward, terminated, truncated, info = returned
            results.append(self.checked(observation, info, reward, terminated, truncated))
            observations.append(observation)
        if handed_out is not None:
            handed_out += observations
        return results

    def checked(self, observation: Any, info: Any, reward: Any, terminated: Any, truncated: Any) -> StepResult:
        """Check shapes and types of a result, and return it as arrays."""
        space, count = self.envs.observation_space, self.envs.num_envs
        observed = copy_arrays(observation)
        require_rule(space.contains(observed), f"Observations must lie in {space}, got {observed!r}.")
        parts = {
            name: copy_arrays(value)
            for name, value in (("reward", reward), ("terminated", terminated), ("truncated", truncated))
        }
        for name, value in parts.items():
            kind = "floats" if name == "reward" else "bools"
            fits = np.issubdtype(value.dtype, np.floating) if name == "reward" else value.dtype == np.bool_
            got = f"got {value.dtype} of shape {value.shape}"
            require_rule(fits and value.shape == (count,), f"`{name}` must hold {count} {kind}, {got}.")
        require_rule(isinstance(info, dict), f"`info` must be a dict, got {type(info)}.")
        entries = copy_arrays(info)
        self.masks(entries, "info")
        return StepResult(observed, entries, **parts)

    def masks(self, info: dict[str, Any], name: str) -> None:
        """Check that every entry has a mask of the lanes that have it."""
        for key in (key for key in info if not key.startswith("_")):
            mask = info.get(f"_{key}")
            fits = isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.shape == (self.envs.num_envs,)
            rule = f'`{name}` must hold beside "{key}" the mask of its lanes "_{key}", {self.envs.num_envs} bools'
            require_rule(fits, f"{rule}, got {mask!r}.")
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
            require_rule(same, f"{rule}; {'the first observation' if t == 0 else f'step {t}'} differed.")

    def exchanged(self, actions: Any, others: Any, mask: np.ndarray) -> Any:
        """Return batched actions, those of the lanes in `mask` taken from `others`."""
        pairs = zip(*(iterate(self.envs.action_space, batch) for batch in (actions, others)), mask, strict=True)
        return self.batched([other if exchange else own for own, other, exchange in pairs])

    def reordered(self, actions: Any, order: Sequence[int]) -> Any:
        """Return batched actions in another order of the lanes."""
        own = list(iterate(self.envs.action_space, actions))
        return self.batched([own[lane] for lane in order])

    def batched(self, actions: Sequence[Any]) -> Any:
        space = self.envs.single_action_space
        return concatenate(space, actions, create_empty_array(space, len(actions)))
