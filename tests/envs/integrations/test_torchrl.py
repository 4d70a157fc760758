"""Claims about vector environments in TorchRL."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from tests.envs.fake_world import FakeWorld, frame_of, reward_of
from vdworld.envs import DreamEnv, DreamVectorEnv

pytest.importorskip("torchrl")

from tensordict import TensorDict
from torchrl import collectors
from torchrl.envs import GymEnv, GymWrapper, TransformedEnv, transforms
from torchrl.envs.utils import check_env_specs

from vdworld.envs.integrations.torchrl import TorchRLEnv

DISABLED = AutoresetMode.DISABLED
LIMIT, NUM_STEPS = 4, 24


def dreams(output: str = "torch", world: FakeWorld | None = None) -> DreamVectorEnv:
    world = world or FakeWorld()
    return DreamVectorEnv(world, 2, max_episode_steps=LIMIT, autoreset_mode=DISABLED, output=output)


def real() -> VectorEnv:
    def make() -> gym.Env:
        return gym.wrappers.TimeLimit(DreamEnv(FakeWorld()), LIMIT)

    return SyncVectorEnv([make] * 2, autoreset_mode=DISABLED)


def pictured(observation: torch.Tensor) -> tuple[int, int, int]:
    """Return seed, step and action code of a frame."""
    seed, count, code = observation[0, 0].tolist()
    np.testing.assert_array_equal(observation, frame_of(seed, count, (code - 100) / 50))
    return seed, count, code


@pytest.mark.parametrize("make", [dreams, partial(dreams, "numpy"), real])
def test_a_rollout_holds_every_step(make: Any) -> None:
    env = TorchRLEnv(make())
    env.set_seed(3)
    rollout = env.rollout(NUM_STEPS, break_when_any_done=False)
    ends = []
    for lane in range(2):
        seed, count = pictured(rollout["observation"][lane, 0])[0], 0
        for t in range(NUM_STEPS):
            now, after = rollout[lane, t], rollout["next"][lane, t]
            action = float(now["action"][0])
            code = 100 if count == 0 else round(100 + 50 * float(rollout["action"][lane, t - 1, 0]))
            assert pictured(now["observation"]) == (seed, count, code)
            assert pictured(after["observation"]) == (seed, count + 1, round(100 + 50 * action))
            count += 1
            torch.testing.assert_close(after["reward"], torch.tensor([reward_of(count, action)]))
            terminated, truncated = count == length(seed), count == LIMIT
            flags = [bool(after[name]) for name in ("terminated", "truncated", "done")]
            assert flags == [terminated, truncated, terminated or truncated]
            if terminated or truncated:
                ends.append((terminated, truncated))
                if t < NUM_STEPS - 1:
                    seed, count = pictured(rollout["observation"][lane, t + 1])[0], 0
    assert {(True, False), (False, True), (True, True)} == set(ends)


def length(code: int) -> int:
    """Return the length of the episode whose frames show ``code``, the seed modulo 256."""
    return 3 + code % 4


def test_dreams_and_real_environments_give_the_same_rollouts() -> None:
    rollouts = []
    for make in (dreams, partial(dreams, "numpy"), real):
        env = TorchRLEnv(make())
        env.set_seed(3)
        torch.manual_seed(0)
        rollouts.append(env.rollout(NUM_STEPS, break_when_any_done=False))
    assert (rollouts[0] == rollouts[1]).all()
    assert (rollouts[0] == rollouts[2]).all()


def test_observations_are_not_copied() -> None:
    envs = dreams()
    env = TorchRLEnv(envs)
    handed_out: list[torch.Tensor] = []
    plain = envs.step

    def step(actions: Any) -> Any:
        results = plain(actions)
        handed_out.append(results[0])
        return results

    envs.step = step  # type: ignore[method-assign]
    after: Any = env.rand_step(env.reset())["next"]
    assert after["observation"].data_ptr() == handed_out[0].data_ptr()
    assert env.device == envs.world.device


def test_a_reset_begins_every_lane_unless_some_are_marked() -> None:
    env = TorchRLEnv(dreams())
    env.set_seed(3)
    stepped: Any = env.rand_step(env.reset())["next"]
    assert stepped["observation"][:, 0, 0, 1].tolist() == [1, 1]
    marked = stepped.exclude("reward").set("_reset", torch.tensor([[False], [True]]))
    assert env.reset(marked)["observation"][:, 0, 0, 1].tolist() == [1, 0]
    env.rand_step(env.reset(stepped))
    assert env.reset(stepped)["observation"][:, 0, 0, 1].tolist() == [0, 0]
    assert env.reset(seed=7)["observation"][:, 0, 0, 0].tolist() == [7, 8]


def test_a_mask_on_another_device_is_copied_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU, where ``Tensor.numpy`` raises until ``cpu`` was called."""

    class Elsewhere(torch.Tensor):
        def numpy(self, **_: Any) -> Any:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")

        def cpu(self, *_: Any, **__: Any) -> torch.Tensor:
            return self.as_subclass(torch.Tensor)

    env = TorchRLEnv(dreams())
    env.set_seed(3)
    env.rand_step(env.reset())
    marks = torch.tensor([[False], [True]]).as_subclass(Elsewhere)
    observation = env._reset(TensorDict({"_reset": marks}, [2]))["observation"]
    assert observation[:, 0, 0, 1].tolist() == [1, 0]


@pytest.mark.parametrize("one_hot", [True, False])
def test_discrete_actions_arrive_in_either_encoding(one_hot: bool) -> None:
    env = TorchRLEnv(dreams(world=FakeWorld(spaces.Discrete(2))), categorical_action_encoding=not one_hot)
    rollout = env.rollout(3)
    choices = rollout["action"].argmax(-1) if one_hot else rollout["action"]
    assert rollout["next", "observation"][:, :, 0, 0, 2].tolist() == (100 + 50 * choices).tolist()


def test_several_cameras_become_several_entries() -> None:
    rollout = TorchRLEnv(dreams(world=FakeWorld(cameras=("top", "wrist")))).rollout(3)
    tops, wrists = rollout["next", "top"], rollout["next", "wrist"]
    assert (wrists[..., 2] == tops[..., 2] + 1).all()


def test_torchrls_own_checker_accepts_it() -> None:
    check_env_specs(TorchRLEnv(dreams()))


def test_a_collector_continues_across_ends_of_episodes() -> None:
    env = TorchRLEnv(dreams())
    make: Any = getattr(collectors, "Collector", None) or getattr(collectors, "SyncDataCollector")  # noqa: B009
    collector = make(env, None, frames_per_batch=12, total_frames=24)
    counts = torch.cat([batch["observation"][:, :, 0, 0, 1] for batch in collector], dim=1)
    collector.shutdown()
    ends = (counts[:, 1:] != counts[:, :-1] + 1) & (counts[:, 1:] != 0)
    assert counts.shape == (2, 12)
    assert not ends.any()
    assert (counts == 0).sum() > 2


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_other_autoreset_modes_are_refused(mode: AutoresetMode) -> None:
    envs = DreamVectorEnv(FakeWorld(), 2, autoreset_mode=mode)
    with pytest.raises(ValueError, match="`envs` must be a vector environment in autoreset mode DISABLED, got .* Make"):
        TorchRLEnv(envs)


def test_gymnasiums_vector_wrappers_are_refused() -> None:
    envs = gym.wrappers.vector.RecordEpisodeStatistics(dreams("numpy"))
    with pytest.raises(ValueError, match="wrap it in TorchRL's transforms only"):
        TorchRLEnv(envs)


TRANSFORMS = {
    "RewardSum": transforms.RewardSum,
    "VecNormV2": partial(transforms.VecNormV2, in_keys=["reward"], out_keys=["reward"]),
    "BinarizeReward": transforms.BinarizeReward,
    "TargetReturn": partial(transforms.TargetReturn, 10.0),
}


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
@pytest.mark.parametrize("output", ["numpy", "torch"])
def test_transforms_of_rewards_take_them_as_their_spec_says(name: str, output: str) -> None:
    env = TransformedEnv(TorchRLEnv(dreams(output)), TRANSFORMS[name]())
    check_env_specs(env)
    rollout = env.rollout(2)
    assert rollout["next", "reward"].shape == (2, 2, 1)
    if name == "RewardSum":
        torch.testing.assert_close(rollout["next", "episode_reward"], rollout["next", "reward"].cumsum(dim=1))


@pytest.mark.parametrize("limit", [1, 3])  # the first step of all, from which TorchRL reads the entries, may be an end
def test_torchrls_own_wrapper_takes_batches_of_dreams_that_reset_themselves(limit: int) -> None:
    env = GymWrapper(DreamVectorEnv(FakeWorld(), 2, max_episode_steps=limit, autoreset_mode=AutoresetMode.SAME_STEP))
    check_env_specs(env)
    rollout = env.rollout(8, break_when_any_done=False)
    assert rollout.shape == (2, 8)
    assert rollout["next", "done"].sum() >= 2 * (8 // limit)
    assert rollout["seed"].ne(0).all()


def test_torchrls_own_environment_makes_several_dreams() -> None:
    env = GymEnv("vdworld/Dream-v0", num_envs=2, world=FakeWorld(), max_episode_steps=3)
    check_env_specs(env)
    assert env.rollout(8, break_when_any_done=False).shape == (2, 8)
