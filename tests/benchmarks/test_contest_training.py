"""Only worlds that were trained on the same episodes, for no longer than their opponent, may compete."""

from __future__ import annotations

import pytest

from vdworld.benchmarks.contest_training import check_output, check_training
from vdworld.data import Dataset


@pytest.fixture
def dataset(belt_data) -> Dataset:
    return belt_data


def test_the_folder_of_a_contest_is_made_and_not_overwritten(tmp_path):
    check_output(tmp_path / "out", resume=False)
    check_output(tmp_path / "out", resume=False)  # it is empty
    (tmp_path / "out" / "contest.json").touch()
    with pytest.raises(FileExistsError, match="`output` must be a new folder, got .*, which holds contest.json."):
        check_output(tmp_path / "out", resume=False)
    check_output(tmp_path / "out", resume=True)


def training_info(dataset: Dataset, minutes: float, **more) -> dict:
    split = dataset.split("train")
    return {"minutes": minutes, "dataset": {"episodes": len(split), "steps": split.num_steps}, **more}


def test_a_world_of_the_same_minutes_on_the_same_episodes_may_compete(dataset):
    check_training(training_info(dataset, 15.3), dataset, 15, "ours")  # the last step ends after the time is up
    check_training(training_info(dataset, 5, before=training_info(dataset, 10)), dataset, 15, "ours")


def test_a_world_that_trained_longer_may_not_compete(dataset):
    for record in (training_info(dataset, 16), training_info(dataset, 8, before=training_info(dataset, 8))):
        with pytest.raises(ValueError, match="ours must be trained for at most the peer's 15 minutes, got 16"):
            check_training(record, dataset, 15, "ours")


def test_a_world_of_unknown_training_may_not_compete(dataset):
    without_minutes = {name: value for name, value in training_info(dataset, 1).items() if name != "minutes"}
    with pytest.raises(ValueError, match="at most the peer's 15 minutes, got inf"):
        check_training(without_minutes, dataset, 15, "ours")
    with pytest.raises(ValueError, match="at most the peer's 15 minutes, got inf"):
        check_training({}, dataset, 15, "ours")


def test_a_world_that_was_trained_on_other_episodes_may_not_compete(dataset):
    with pytest.raises(ValueError, match=r"ours must be trained on this dataset's \d+ episodes and \d+ steps, got"):
        check_training(training_info(dataset, 1) | {"dataset": {"episodes": 1, "steps": 3}}, dataset, 15, "ours")
