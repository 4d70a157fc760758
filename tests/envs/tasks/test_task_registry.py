"""Claims about the environments that have a goal-reaching task."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from vdworld.envs.real.registry import default_kwargs
from vdworld.envs.tasks import GoalTask, find_task, register_task, task_environments
from vdworld.envs.tasks.pusht import ENVIRONMENT, PushTTask

ROOT = Path(__file__).resolve().parents[3]


def test_a_task_is_found_by_id_with_or_without_its_module() -> None:
    assert isinstance(find_task("gym_pusht/PushT-v0"), GoalTask)
    assert isinstance(find_task("gym_pusht:gym_pusht/PushT-v0"), PushTTask)
    assert find_task("CartPole-v1") is None


def test_every_folder_of_tasks_is_an_environment_whose_task_keeps_the_protocol() -> None:
    folders = [path.parent for path in (ROOT / "envs/tasks").glob("*/__init__.py")]
    assert len(task_environments()) == len(folders) > 0
    assert all(isinstance(find_task(env_id), GoalTask) for env_id in task_environments())


def test_users_bring_their_own_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdworld.envs.tasks.task_registry._REGISTERED", {})
    register_task("vdworld-test/Table-v0", "vdworld.envs.tasks.pusht.goal_task:PushTTask")
    assert isinstance(find_task("vdworld-test/Table-v0"), PushTTask)
    with pytest.raises(ValueError, match="`factory` must look like 'module:name', got 'PushTTask'"):
        register_task("vdworld-test/Table-v1", "PushTTask")


def test_recording_takes_the_keyword_arguments_of_the_folder_as_a_copy() -> None:
    kwargs = default_kwargs("gym_pusht/PushT-v0")
    assert kwargs == dict(ENVIRONMENT.recording_kwargs)
    kwargs.clear()
    assert default_kwargs("gym_pusht/PushT-v0")
    assert default_kwargs("CartPole-v1") == {}


@pytest.mark.parametrize("folder", ["envs", "agents"])
def test_only_the_folder_of_a_task_knows_its_environment(folder: str) -> None:
    """Elsewhere the name may appear in docstrings and comments, as an example, but not in code."""
    for path in (ROOT / folder).rglob("*.py"):
        if "pusht" in path.relative_to(ROOT).parts:
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):  # docstrings are expressions of their own
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = ""
        assert "pusht" not in ast.unparse(tree).lower(), path
