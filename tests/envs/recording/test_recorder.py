from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec

from vdworld.data import ClipSampler, Dataset, load_dataset
from vdworld.envs import make_real, record
from vdworld.envs.games.scripted import NUM_ACTIONS, CounterEnv

ID = "test/Counter-v0"


@pytest.fixture(autouse=True)
def counter() -> Iterator[None]:
    gym.register(ID, entry_point="vdworld.envs.games.scripted:CounterEnv", max_episode_steps=30)
    yield
    del gym.registry[ID]


def content(dataset: Dataset) -> list[tuple[Any, ...]]:
    """Everything about every episode, comparable with ==."""
    return [
        (
            *(e.index, e.seed, e.split, e.actions.tolist(), None if e.rewards is None else e.rewards.tolist()),
            *(e.terminated.tolist(), e.truncated.tolist(), e.frames["pixels"].tobytes()),
            *((name, values.tobytes()) for name, values in e.state.items()),
        )
        for e in dataset
    ]


def test_actions_lead_from_their_frame_to_the_next(tmp_path: Path) -> None:
    """The counter's frames show the sum of the actions, so every clip can be checked against its own pictures."""
    dataset = record(ID, tmp_path, num_steps=400, progress=False)
    sampler = ClipSampler(dataset, context_length=4, horizon=3)
    clips = sampler.at(*sampler.windows())
    assert torch.equal(clips.frames.amin(dim=(3, 4)), clips.frames.amax(dim=(3, 4)))
    num_steps, total, last = clips.frames[:, :, :, 0, 0].float().unbind(dim=2)
    actions = clips.actions[:, :, 0]
    assert len(set(actions[clips.action_mask].tolist())) == NUM_ACTIONS
    assert torch.equal((total[:, 1:] - total[:, :-1])[clips.action_mask], actions[clips.action_mask])
    assert torch.equal(last[:, 1:][clips.action_mask], actions[clips.action_mask])
    assert torch.equal(num_steps[:, 3], clips.steps.float())
    assert (num_steps[:, 1:] - num_steps[:, :-1] == clips.action_mask).all(), "padding repeats the first frame"
    assert (actions[~clips.action_mask] == 0).all()
    expected = 100 * num_steps[:, 3:-1] + 10 * total[:, 3:-1] + actions[:, 3:]
    assert torch.equal(clips.rewards, expected)
    assert torch.equal(clips.terminated, total[:, 4:] >= 60)
    assert clips.terminated[:, -1].any()
    assert not clips.terminated[:, :-1].any(), "no clip runs past the end of its episode"


def test_what_the_environment_says_beside_the_frames_is_kept(tmp_path: Path) -> None:
    dataset = record(ID, tmp_path, num_steps=100, progress=False)
    for episode in dataset:
        sums = episode.frames["pixels"][:, 0, 0, 1]
        np.testing.assert_array_equal(episode.state["info.sum"][:, 0], sums)
        doubled = episode.state["info.doubled"][:, 0]
        assert np.isnan(doubled[0]), "the reset does not give it"
        np.testing.assert_array_equal(doubled[1:], 2 * sums[1:])
        assert episode.seed is not None
        _, info = CounterEnv().reset(seed=episode.seed)
        assert info["sum"] == sums[0], "the seed restores the start"


def test_the_description_is_stored(tmp_path: Path) -> None:
    dataset = record(ID, tmp_path, num_steps=20, image_size=4, env_kwargs={"limit": 50}, seed=3, progress=False)
    assert dataset.spec is not None
    assert (dataset.spec.id, dataset.spec.kwargs, dataset.spec.image_size) == (ID, {"limit": 50}, (4, 4))
    assert dataset.fps == dataset.spec.fps == 20
    assert dataset.action_space == gym.spaces.Discrete(NUM_ACTIONS)
    assert dataset.image_size == (4, 4)


def test_exactly_the_requested_steps_are_recorded(tmp_path: Path) -> None:
    dataset = record(ID, tmp_path, num_steps=101, progress=False)
    assert dataset.num_steps == 101
    *whole, last = [(e.terminated[-1] or len(e) == 30, e.truncated[-1]) for e in dataset]
    assert all(ended for ended, _ in whole)
    assert last[0] or last[1]


def test_the_data_do_not_depend_on_the_number_of_processes_nor_does_a_failure(tmp_path: Path) -> None:
    """The environment and the policy are defined here, as in a user's script, and reach the processes by value."""

    class Fails(CounterEnv):
        def __init__(self) -> None:
            super().__init__(limit=20)

        def step(self, action: int | np.integer) -> tuple:
            if self.np_random.random() < 0.002:
                raise RuntimeError("the motor is hot")
            return super().step(action)

    class CountUp:
        def reset(self, action_space: gym.Space, rng: np.random.Generator) -> None:
            self.next = int(rng.integers(NUM_ACTIONS))

        def __call__(self, observation: dict[str, Any], action_space: gym.Space, rng: np.random.Generator) -> int:
            self.next += 1
            return self.next % NUM_ACTIONS

    settings: dict[str, Any] = {"num_steps": 5_000, "policy": CountUp(), "seed": 5, "progress": False}
    with pytest.raises(RuntimeError, match="the motor is hot"):
        record(Fails, tmp_path / "alone", num_envs=1, **settings)
    with pytest.raises(RuntimeError, match=r"Episode \d+ failed in its process:(.|\n)*the motor is hot"):
        record(Fails, tmp_path / "two", num_envs=2, **settings)
    alone, two = (content(load_dataset(tmp_path / name)) for name in ("alone", "two"))
    assert alone == two
    assert len(alone) > 5


def test_the_seed_decides_everything(tmp_path: Path) -> None:
    runs = [
        content(record(ID, tmp_path / name, num_steps=60, seed=seed, progress=False))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert runs[0] == runs[1]
    assert {episode[1] for episode in runs[0]}.isdisjoint(episode[1] for episode in runs[2])


def test_a_longer_recording_continues_the_shorter_one(tmp_path: Path) -> None:
    shorter = content(record(ID, tmp_path, num_steps=90, progress=False))
    longer = content(record(ID, tmp_path, num_steps=200, progress=False))
    assert longer[: len(shorter)] == shorter
    assert sum(len(episode[3]) for episode in longer) == 200
    assert [episode[0] for episode in longer] == list(range(len(longer)))
    assert content(record(ID, tmp_path, num_steps=200, progress=False)) == longer, "nothing is left to do"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "`seed` must be 0"),
        ({"image_size": 6}, r"`spec` must be {'image_size': None}.* got {'image_size': \[6, 6\]}"),
        ({"env_kwargs": {"limit": 40}}, r"`spec` must be {'kwargs': {}}.*'limit': 40"),
        ({"test_fraction": 0.5}, "`test_fraction` must be"),
    ],
)
def test_a_folder_is_continued_with_the_same_settings_only(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    record(ID, tmp_path, num_steps=40, progress=False)
    with pytest.raises(ValueError, match=message):
        record(ID, tmp_path, num_steps=80, progress=False, **change)
    assert load_dataset(tmp_path).num_steps == 40


def test_any_function_is_a_policy(tmp_path: Path) -> None:
    def follow(observation: dict[str, Any], space: Any, rng: np.random.Generator) -> int:
        assert observation["frames"]["pixels"].shape == (8, 8, 3)
        np.testing.assert_array_equal(observation["frames"]["pixels"], observation["observation"])
        return int(observation["state"]["info.sum"][0]) % space.n

    for episode in record(ID, tmp_path, num_steps=50, policy=follow, progress=False):
        np.testing.assert_array_equal(episode.actions[:, 0], episode.state["info.sum"][:-1, 0] % NUM_ACTIONS)


def test_a_policy_with_a_reset_is_reset_before_each_episode(tmp_path: Path) -> None:
    class CountUp:
        def reset(self, action_space: gym.Space, rng: np.random.Generator) -> None:
            self.next = 0

        def __call__(self, observation: dict[str, Any], action_space: gym.Space, rng: np.random.Generator) -> int:
            self.next += 1
            return (self.next - 1) % NUM_ACTIONS

    dataset = record(ID, tmp_path, num_steps=90, policy=CountUp(), progress=False)
    for episode in dataset:
        np.testing.assert_array_equal(episode.actions[:, 0], np.arange(len(episode)) % NUM_ACTIONS)


def test_a_function_may_build_the_environment(tmp_path: Path) -> None:
    dataset = record(lambda: CounterEnv(limit=15), tmp_path, num_steps=60, image_size=4, progress=False)
    assert dataset.spec is None
    assert dataset.num_steps == 60
    assert dataset.image_size == (4, 4)
    assert all(episode.state["info.sum"].max() < 15 + NUM_ACTIONS for episode in dataset)


def test_environments_without_a_limit_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdworld.envs.recording.recorder._LONGEST_EPISODE", 100)
    dataset = record(lambda: CounterEnv(limit=10**6), tmp_path, num_steps=110, num_envs=1, progress=False)
    assert [len(episode) for episode in dataset] == [100, 10]
    assert dataset[0].truncated[-1]


def test_entries_that_come_and_go_are_nan_where_they_lack(tmp_path: Path) -> None:
    class Moody(CounterEnv):
        """Says something more in every other episode, from the first on."""

        episodes = 0

        def step(self, action: int | np.integer) -> tuple:
            *result, info = super().step(action)
            return (*result, {**info, "mood": 1.0} if self.episodes % 2 else {**info, "new": 2.0})

        def reset(self, **kwargs: Any) -> tuple:
            self.episodes += 1
            return super().reset(**kwargs)

    dataset = record(Moody, tmp_path, num_steps=40, num_envs=1, max_episode_steps=10, progress=False)
    moods = [episode.state["info.mood"][1:, 0] for episode in dataset]
    assert [bool(np.isnan(mood).all()) for mood in moods] == [False, True, False, True]
    assert all("info.new" not in episode.state for episode in dataset)


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "CartPole-v1", "ALE/Pong-v5", "gym_pusht/PushT-v0"])
def test_well_known_environments_are_recorded_by_their_id_alone(tmp_path: Path, env_id: str) -> None:
    pytest.importorskip({"ALE/Pong-v5": "ale_py", "gym_pusht/PushT-v0": "gym_pusht"}.get(env_id, "pygame"))
    dataset = record(env_id, tmp_path, num_steps=24, image_size=(24, 32), progress=False)
    assert dataset.num_steps == 24
    frames = dataset[0].frames[dataset.cameras[0]]
    assert frames.shape[1:] == (24, 32, 3)
    assert (frames[0] != frames[-1]).any(), "something moves"
    space = dataset.action_space
    assert json.loads((tmp_path / "meta/info.json").read_text())["vdworld"]["spec"]["id"] == env_id
    if isinstance(space, gym.spaces.Discrete):
        assert set(dataset.actions().ravel().tolist()) <= set(range(int(space.n)))


class Levels(CounterEnv):
    """A counter that begins only on a level."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        observation, info = super().reset(seed=seed)
        return observation, {**info, "level": (options or {})["level"]}


@pytest.mark.parametrize("by_id", [True, False])
def test_environments_that_need_options_to_reset_are_recorded_and_rebuilt_with_them(
    tmp_path: Path, by_id: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(gym.registry, "test/Levels-v0", EnvSpec("test/Levels-v0", f"{__name__}:Levels"))
    settings: dict[str, Any] = {"num_steps": 20, "reset_options": {"level": 3}, "progress": False}
    dataset = record("test/Levels-v0" if by_id else Levels, tmp_path, max_episode_steps=10, **settings)
    assert dataset.num_steps == 20
    if by_id:
        assert dataset.spec is not None
        assert dataset.spec.reset_options == {"level": 3}
        real = make_real("test/Levels-v0", reset_options={"level": 3})
        assert real.reset(seed=0)[1]["level"] == 3
        assert real.reset(seed=0, options={"level": 4})[1]["level"] == 4
        assert record("test/Levels-v0", tmp_path, max_episode_steps=10, **{**settings, "num_steps": 30}).num_steps == 30


@pytest.mark.parametrize(("size", "note"), [((16, 24), ""), ((84, 84), "image_size=[88, 88]")])
def test_frames_that_no_preset_trains_are_reported_as_they_are_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: tuple[int, int], note: str
) -> None:
    for num_steps in (20, 40):
        record(ID, tmp_path, num_steps=num_steps, num_envs=1, image_size=size, progress=False)
        text = capsys.readouterr().err
        expected = note != "" and num_steps == 20  # and not again when the recording goes on
        assert ("Note: a world can't be trained on these frames as they are" in text) == expected
        assert (f"{note}, which resizes them." in text) == expected
