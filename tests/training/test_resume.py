"""Interrupted and resumed runs: the same losses and weights as an uninterrupted run, bit for bit."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vdworld.data import Dataset
from vdworld.storage import saved_folder
from vdworld.training import LossWeights, checkpoint
from vdworld.training import trainer as trainer_module
from vdworld.world import WorldModel

Run = Callable[..., WorldModel]
Break = Callable[[int, BaseException], None]
Press = Callable[..., None]
STEPS, EVERY = 6, 3


@pytest.fixture
def unbroken(
    squares: Dataset, train_small: Run, losses: dict[int, float], tmp_path: Path
) -> tuple[Path, dict[int, float]]:
    """The folder and the losses of a run that nothing interrupts."""
    train_small(squares, output=tmp_path / "unbroken", max_steps=STEPS, checkpoint_every=EVERY)
    noted = dict(losses)
    losses.clear()
    return tmp_path / "unbroken", noted


def progress(path: Path) -> int:
    return checkpoint.load_checkpoint(path)[1]["step"]


def test_a_killed_run_resumes_as_if_uninterrupted(
    unbroken: tuple, squares: Dataset, train_small: Run, losses: dict[int, float], break_at: Break, tmp_path, files
) -> None:
    folder, expected = unbroken
    run = {"output": tmp_path / "broken", "max_steps": STEPS, "checkpoint_every": EVERY}
    break_at(6, RuntimeError("killed"))
    with pytest.raises(RuntimeError, match="killed"):
        train_small(squares, **run)
    assert progress(tmp_path / "broken") == 3
    losses.clear()
    train_small(squares, **run, resume=True)
    assert losses == {step: expected[step] for step in (4, 5, 6)}
    assert files(tmp_path / "broken") == files(folder)


def test_ctrl_c_keeps_every_step(
    unbroken: tuple, squares: Dataset, train_small: Run, losses: dict[int, float], press_ctrl_c: Press, tmp_path, files
) -> None:
    folder, expected = unbroken
    run = {"output": tmp_path / "broken", "max_steps": STEPS}
    press_ctrl_c(3)
    with pytest.raises(KeyboardInterrupt):
        train_small(squares, **run)
    assert progress(tmp_path / "broken") == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    losses.clear()
    train_small(squares, **run, resume=True)
    assert losses == {step: expected[step] for step in range(4, 7)}
    assert files(tmp_path / "broken") == files(folder)


def test_a_second_ctrl_c_stops_at_once_and_keeps_the_last_checkpoint(
    squares: Dataset, train_small: Run, losses: dict[int, float], press_ctrl_c: Press, tmp_path: Path
) -> None:
    press_ctrl_c(4, times=2)
    with pytest.raises(KeyboardInterrupt):
        train_small(squares, output=tmp_path, max_steps=STEPS, checkpoint_every=EVERY)
    assert progress(tmp_path) == 3
    assert max(losses) == 3


def test_ctrl_c_while_a_checkpoint_is_written_lets_it_be_completed(
    squares: Dataset, train_small: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, interrupts = saved_folder.write_json, iter([signal.SIGINT, signal.SIGINT])

    def interrupted(path: Path, values: Any) -> None:
        for number in interrupts:
            signal.raise_signal(number)
        write(path, values)

    monkeypatch.setattr(saved_folder, "write_json", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_small(squares, output=tmp_path, max_steps=STEPS, checkpoint_every=EVERY)
    assert progress(tmp_path) == 3


def test_a_checkpoint_that_version_0_1_0_was_about_to_replace_is_read(
    squares: Dataset, train_small: Run, tmp_path: Path
) -> None:
    train_small(squares, output=tmp_path)
    (tmp_path / "checkpoint").rename(tmp_path / ".checkpoint.old")
    assert checkpoint.has_checkpoint(tmp_path)
    assert progress(tmp_path) == 2
    train_small(squares, output=tmp_path, max_steps=3, resume=True)
    assert progress(tmp_path) == 3
    assert not (tmp_path / ".checkpoint.old").exists()


def test_a_checkpoint_may_lie_on_another_disk(squares: Dataset, train_small: Run, tmp_path: Path) -> None:
    for name in ("elsewhere", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "run" / "checkpoint").symlink_to(tmp_path / "elsewhere")
    train_small(squares, output=tmp_path / "run", checkpoint_every=1)
    assert (tmp_path / "run" / "checkpoint").is_symlink()
    assert sorted(file.name for file in (tmp_path / "elsewhere").iterdir()) == ["progress.json", "tensors"]
    assert progress(tmp_path / "run") == 2


def test_a_damaged_checkpoint_is_refused_by_name(squares: Dataset, train_small: Run, tmp_path: Path) -> None:
    train_small(squares, output=tmp_path)
    tensors = tmp_path / "checkpoint" / "tensors"
    content = bytearray(tensors.read_bytes())
    content[-1] ^= 1
    tensors.write_bytes(content)
    with pytest.raises(ValueError, match=r"checkpoint/tensors is damaged"):
        train_small(squares, output=tmp_path, max_steps=3, resume=True)


def test_resuming_without_a_checkpoint_starts_anew(squares: Dataset, train_small: Run, tmp_path: Path) -> None:
    assert not checkpoint.has_checkpoint(tmp_path)
    assert train_small(squares, output=tmp_path, resume=True).training_info["steps"] == 2
    with pytest.raises(FileNotFoundError, match=r"There is no checkpoint in .*\. Start a new run with `resume=false`"):
        checkpoint.load_checkpoint(tmp_path / "elsewhere")


def test_a_finished_run_has_nothing_left_to_do(squares: Dataset, train_small: Run, losses, tmp_path, files) -> None:
    train_small(squares, output=tmp_path)
    before = files(tmp_path)
    losses.clear()
    train_small(squares, output=tmp_path, resume=True)
    assert losses == {}
    assert files(tmp_path) == before


def test_a_checkpoint_of_another_network_is_refused(squares: Dataset, train_small: Run, tmp_path: Path) -> None:
    train_small(squares, output=tmp_path)
    with pytest.raises(ValueError, match="has other settings: network.width 16 -> 32[^\n]*own settings") as refusal:
        train_small(squares, output=tmp_path, resume=True, network={"width": 32})
    assert "\n" not in str(refusal.value)
    with pytest.raises(ValueError, match="process.prediction x -> v"):
        train_small(squares, output=tmp_path, resume=True, process={"prediction": "v"}, network={"copy": False})
    path = tmp_path / "checkpoint" / "progress.json"
    described = json.loads(path.read_text())
    del described["run"], described["checksums"]  # as earlier versions wrote it
    path.write_text(json.dumps(described))
    with pytest.raises(
        ValueError, match="`output` must hold a run of the same network, and the weights in .* own sett"
    ):
        train_small(squares, output=tmp_path, resume=True, network={"width": 32})


def test_a_resumed_run_says_which_settings_changed_and_records_it(
    squares: Dataset, train_small: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train_small(squares, output=tmp_path)
    assert train_small(squares, output=tmp_path, resume=True).training_info["changes"] is None
    printed = capsys.readouterr().err
    assert "The run is complete after 2 steps. Raise `max_steps` or `max_minutes` to train further." in printed
    assert "other settings" not in printed
    more = {"output": tmp_path, "resume": True, "learning_rate": 0.5}
    world = train_small(squares, max_steps=3, **more)
    change = "max_steps 2 -> 3, learning_rate 0.001 -> 0.5"
    assert f"Resumed at step 2 with other settings than before, which hold from here on: {change}." in (
        capsys.readouterr().err
    )
    assert world.training_info["changes"] == {"step 2": change}
    world = train_small(squares, max_steps=4, weights=LossWeights(reward=2.0), sampling={"num_steps": 7}, **more)
    later = "max_steps 3 -> 4, weights.reward 0.01 -> 2.0, sampling.num_steps 4 -> 7"
    assert world.training_info["changes"] == {"step 2": change, "step 3": later}
    assert WorldModel.from_pretrained(tmp_path).training_info["changes"] == world.training_info["changes"]


def test_nothing_in_a_checkpoint_is_pickled(squares: Dataset, train_small: Run, tmp_path: Path) -> None:
    train_small(squares, output=tmp_path)
    assert sorted(file.name for file in (tmp_path / "checkpoint").iterdir()) == ["progress.json", "tensors"]
    assert not (tmp_path / "checkpoint" / "tensors").read_bytes().startswith((b"\x80", b"PK"))
    assert json.loads((tmp_path / "checkpoint" / "progress.json").read_text())["step"] == 2


def test_the_clock_ends_a_run_and_counts_the_time_before_an_interruption(
    squares: Dataset, train_small: Run, losses: dict[int, float], break_at: Break, tmp_path, monkeypatch
) -> None:
    def run(**settings: object) -> None:
        seconds = iter(range(100_000))
        monkeypatch.setattr(trainer_module, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
        losses.clear()
        train_small(squares, max_steps=None, output=tmp_path, **settings)

    run(max_minutes=1)  # every look at the clock takes a second
    steps = max(losses)
    assert 1 < steps < 30
    assert checkpoint.load_checkpoint(tmp_path)[1]["seconds"] >= 60
    run(max_minutes=2)
    assert 1.5 * steps < max(losses) < 2.5 * steps
    run(max_minutes=4, resume=True)  # two minutes are left
    assert 1.5 * steps < len(losses) < 2.5 * steps


def test_whichever_limit_comes_first_ends_a_run(squares: Dataset, train_small: Run, losses: dict[int, float]) -> None:
    train_small(squares, max_steps=3, max_minutes=60)
    assert max(losses) == 3


def test_an_interrupted_run_of_an_earlier_version_resumes(
    unbroken: tuple, squares: Dataset, train_small: Run, losses: dict[int, float], press_ctrl_c: Press, tmp_path, files
) -> None:
    folder, expected = unbroken
    run = {"output": tmp_path / "broken", "max_steps": STEPS}
    press_ctrl_c(3)
    with pytest.raises(KeyboardInterrupt):
        train_small(squares, **run)
    tensors, done = checkpoint.load_checkpoint(tmp_path / "broken")
    former = {name.replace(".copy_head.", ".painting."): value for name, value in tensors.items()}
    assert former.keys() != tensors.keys()
    checkpoint.save_checkpoint(tmp_path / "broken", former, done)
    losses.clear()
    train_small(squares, **run, resume=True)
    assert losses == {step: expected[step] for step in (4, 5, 6)}
    assert files(tmp_path / "broken") == files(folder)
