from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import pytest
import torch

from vdworld.diffusion import RectifiedFlow
from vdworld.spec import EnvironmentSpec
from vdworld.world import Rollout, Sampling, StartClips, WorldModel, build

CONFIG, WEIGHTS, STARTS, CARD = "config.json", "model.safetensors", "starts.safetensors", "README.md"
SPACE = gym.spaces.Dict([("turn", gym.spaces.Box(-2, 2, (1,))), ("jump", gym.spaces.Discrete(3, start=1))])


@pytest.fixture
def clips() -> StartClips:
    rng = torch.Generator().manual_seed(3)
    frames = torch.randint(256, (6, 4, 6, 16, 16), generator=rng, dtype=torch.uint8)
    actions = torch.tensor([[[0.5, 2.0], [1.5, 1.0], [-1.0, 3.0]]]).repeat(6, 1, 1)
    return StartClips(frames, actions, torch.ones(6, 3, dtype=torch.bool))


@pytest.fixture
def world(make_world: Callable[..., WorldModel], clips: StartClips) -> WorldModel:
    """A world with every setting away from its default."""
    return make_world(
        SPACE,
        cameras=("top", "wrist"),
        fps=12.5,
        has_reward=False,
        sampling=Sampling("heun", num_steps=2, context_noise=0.1, action_guidance=1.5),
        trained_without=("actions",),
        spec=EnvironmentSpec("gym_pusht/PushT-v0", image_size=(16, 16)),
        starts=clips,
        training_info={"steps": 12, "settings": {"weights": {"moving": 0.5}}},
    )


def dream(world: WorldModel) -> Rollout:
    actions = {"turn": torch.tensor([[[1.0], [0.5]]]).repeat(3, 1, 1), "jump": torch.tensor([[1, 3]]).repeat(3, 1)}
    return world.rollout(world.sample_start(3, seed=5), actions, with_features=True)


def test_a_world_read_back_dreams_the_same_bit_for_bit(world: WorldModel, tmp_path: Path) -> None:
    world.save_pretrained(tmp_path / "world")
    expected, again = dream(world), dream(WorldModel.from_pretrained(tmp_path / "world"))
    for name in ("frames", "rewards", "continuations", "terminated", "features"):
        assert torch.equal(getattr(again, name), getattr(expected, name)), name


def test_everything_a_world_knows_comes_back(world: WorldModel, tmp_path: Path, clips: StartClips) -> None:
    again = WorldModel.from_pretrained(str(world.save_pretrained(tmp_path / "world")))
    for name in (
        "cameras",
        "image_size",
        "fps",
        "has_reward",
        "sampling",
        "shortcut_steps",
        "trained_without",
        "spec",
        "training_info",
        "context_length",
    ):
        assert getattr(again, name) == getattr(world, name), name
    assert again.action_space == SPACE
    assert isinstance(again.action_space, gym.spaces.Dict)
    assert list(again.action_space.spaces) == ["turn", "jump"]  # equality looks past the order
    assert again.frame_shape == (6, 16, 16)
    assert again.starts is not None
    for name, tensor in clips.tensors().items():
        assert torch.equal(again.starts.tensors()[name], tensor), name
    assert (again.heads.reward_offset, again.heads.reward_scale) == (1.0, 2.0)


def test_a_loaded_world_is_ready_to_use_and_not_to_train(world: WorldModel, tmp_path: Path) -> None:
    again = WorldModel.from_pretrained(world.train().requires_grad_(True).save_pretrained(tmp_path))
    assert not again.training
    assert not any(p.requires_grad for p in again.parameters())


def test_a_new_world_is_ready_to_use(world: WorldModel) -> None:
    parts = {name: getattr(world, name) for name in ("process", "heads", "action_codec", "image_size")}
    assert not any(part.training for part in WorldModel(network=world.network.train(), **parts).modules())


def test_a_saved_world_can_be_saved_again(world: WorldModel, tmp_path: Path) -> None:
    first = world.save_pretrained(tmp_path / "first")
    second = WorldModel.from_pretrained(first).save_pretrained(tmp_path / "second")
    for name in (CONFIG, WEIGHTS, STARTS, CARD):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_other_heads_are_remembered(make_world: Callable[..., WorldModel], tmp_path: Path) -> None:
    from vdworld.world import OutcomeHeads

    world = make_world()
    world.heads = OutcomeHeads(16, hidden_dim=24)
    assert WorldModel.from_pretrained(world.save_pretrained(tmp_path)).heads.output.in_features == 24


def test_a_folder_holds_four_files_and_nothing_pickled(world: WorldModel, tmp_path: Path) -> None:
    folder = world.save_pretrained(tmp_path / "world")
    assert sorted(file.name for file in folder.iterdir()) == sorted([CONFIG, WEIGHTS, STARTS, CARD])
    for file in folder.iterdir():
        assert not zipfile.is_zipfile(file), file.name  # what torch.save writes
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError)):
            pickle.loads(file.read_bytes())
    assert json.loads((folder / CONFIG).read_text())["world"]["fps"] == 12.5
    card = (folder / CARD).read_text()
    assert "# A world of gym_pusht/PushT-v0" in card
    assert "16 x 16, cameras top, wrist, 12.5 per second" in card
    assert '"steps": 12' in card


def test_saving_again_replaces_the_world_and_keeps_other_files(
    world: WorldModel, make_world: Callable[..., WorldModel], tmp_path: Path
) -> None:
    world.save_pretrained(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "tensorboard").mkdir()
    other = make_world(seed=1)
    other.save_pretrained(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "tensorboard").is_dir()
    again = WorldModel.from_pretrained(tmp_path)
    assert again.starts is None  # those of the older world went with it
    assert torch.equal(again.network.down_in.weight, other.network.down_in.weight)


def test_a_save_that_fails_leaves_the_older_world(world: WorldModel, make_world: Callable, tmp_path: Path) -> None:
    world.save_pretrained(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(TypeError, match="not JSON serializable"):
        make_world(seed=1, training_info={"callback": print}).save_pretrained(tmp_path)
    unnamed = make_world(seed=1)
    del unnamed.network.description
    with pytest.raises(ValueError, match=r"`network` must be built by `vdworld.world.build`"):
        unnamed.save_pretrained(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no world at .*nowhere\. Train one with `vdworld train"):
        WorldModel.from_pretrained(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"holds no world: config.json is missing, there is nothing"):
        WorldModel.from_pretrained(tmp_path)


def test_a_folder_that_holds_something_else_says_what(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(FileNotFoundError, match="config.json is missing, there is meta, notes.txt"):
        WorldModel.from_pretrained(tmp_path)
    for foreign, message in (
        ('{"model_type": "vit"}', "does not describe a world"),
        ("[1, 2]", "must hold a JSON obj"),
    ):
        (tmp_path / CONFIG).write_text(foreign)
        with pytest.raises(ValueError, match=rf"config.json .*{message}"):
            WorldModel.from_pretrained(tmp_path)


def test_a_newer_format_asks_for_an_upgrade(world: WorldModel, tmp_path: Path, edit_json: Callable) -> None:
    world.save_pretrained(tmp_path)
    edit_json(tmp_path / CONFIG, lambda config: config.update(format=99))
    with pytest.raises(ValueError, match=r"world of format 99, and this vdworld reads 3. Upgrade: pip install"):
        WorldModel.from_pretrained(tmp_path)


@pytest.mark.parametrize("file", [WEIGHTS, STARTS])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_file_cut_short_is_an_error_that_names_it(world: WorldModel, tmp_path: Path, file: str, share: float) -> None:
    world.save_pretrained(tmp_path)
    content = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=rf"{file} is damaged: it is not the file that .*{CONFIG} was saved with"):
        WorldModel.from_pretrained(tmp_path)


def test_files_of_different_worlds_do_not_mix(
    world: WorldModel, make_world: Callable, tmp_path: Path, edit_json: Callable
) -> None:
    world.save_pretrained(tmp_path / "a")
    make_world(context_length=2).save_pretrained(tmp_path / "b")
    make_world(context_length=2, seed=1).save_pretrained(tmp_path / "c")
    (tmp_path / "a" / WEIGHTS).write_bytes((tmp_path / "b" / WEIGHTS).read_bytes())
    (tmp_path / "c" / WEIGHTS).write_bytes((tmp_path / "b" / WEIGHTS).read_bytes())  # of the same shapes
    for name in ("a", "c"):
        with pytest.raises(ValueError, match=rf"{name}/model.safetensors is damaged"):
            WorldModel.from_pretrained(tmp_path / name)
    edit_json(tmp_path / "a" / CONFIG, lambda config: None)
    with pytest.raises(ValueError, match=r"doesn't fit config.json: `network.embed.0.weight` must be"):
        WorldModel.from_pretrained(tmp_path / "a")
    (tmp_path / "b" / WEIGHTS).unlink()
    with pytest.raises(FileNotFoundError, match=r"b/model.safetensors is missing"):
        WorldModel.from_pretrained(tmp_path / "b")
    edit_json(tmp_path / "b" / CONFIG, lambda config: None)
    with pytest.raises(FileNotFoundError, match=r"b/model.safetensors is missing"):
        WorldModel.from_pretrained(tmp_path / "b")


def test_values_that_were_not_saved_are_an_error_unless_changed_on_purpose(
    world: WorldModel, tmp_path: Path, edit_json: Callable
) -> None:
    world.save_pretrained(tmp_path)
    text = (tmp_path / CONFIG).read_text()
    (tmp_path / CONFIG).write_text(text.replace('"fps": 12.5', '"fps": 12.6'))
    with pytest.raises(ValueError, match=r"config.json is damaged: its values .* remove its entry `checksums`"):
        WorldModel.from_pretrained(tmp_path)
    (tmp_path / CONFIG).write_text(text)
    edit_json(tmp_path / CONFIG, lambda config: config["world"].update(fps=25.0))
    assert WorldModel.from_pretrained(tmp_path).fps == 25.0


def test_a_damaged_config_is_an_error_that_names_it(world: WorldModel, tmp_path: Path) -> None:
    world.save_pretrained(tmp_path)
    (tmp_path / CONFIG).write_text((tmp_path / CONFIG).read_text()[:-40])
    with pytest.raises(ValueError, match=r"config.json is damaged"):
        WorldModel.from_pretrained(tmp_path)


def test_a_checkpoint_can_not_name_code_of_its_own(world: WorldModel, tmp_path: Path, edit_json: Callable) -> None:
    world.save_pretrained(tmp_path)
    edit_json(tmp_path / CONFIG, lambda config: config["network"].update(_target_="os.system"))
    with pytest.raises(ValueError, match=r"`_target_` must name a class of vdworld.networks.*, got 'os.system'"):
        WorldModel.from_pretrained(tmp_path)


def test_a_path_may_begin_at_home(world: WorldModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    world.save_pretrained(tmp_path / "world")
    assert WorldModel.from_pretrained("~/world").fps == 12.5


def test_a_device_can_be_chosen(world: WorldModel, tmp_path: Path) -> None:
    world.save_pretrained(tmp_path)
    assert WorldModel.from_pretrained(tmp_path, device="meta").device.type == "meta"


def test_the_process_comes_back_with_its_settings(make_world: Callable[..., WorldModel], tmp_path: Path) -> None:
    world = make_world()
    world.process = build({"_target_": "vdworld.diffusion.RectifiedFlow", "ramp": 0.25})
    process = WorldModel.from_pretrained(world.save_pretrained(tmp_path)).process
    assert isinstance(process, RectifiedFlow)
    assert process.ramp == 0.25
