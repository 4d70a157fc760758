from __future__ import annotations

import json

import pytest

from vdworld.spec import EnvironmentSpec

FULL = EnvironmentSpec(
    id="gym_pusht/PushT-v0",
    kwargs={"obs_type": "pixels", "sizes": [1, 2]},
    packages=("gym_pusht",),
    camera="top",
    image_size=(48, 64),
    action_repeat=2,
    fps=12.5,
    max_episode_steps=100,
    reset_options={"level": 3},
)


@pytest.mark.parametrize("spec", [FULL, EnvironmentSpec("Pendulum-v1")])
def test_a_spec_survives_json(spec: EnvironmentSpec) -> None:
    assert EnvironmentSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_what_an_older_file_leaves_out_takes_its_default() -> None:
    assert EnvironmentSpec.from_json({"id": "Pendulum-v1"}) == EnvironmentSpec("Pendulum-v1")


def test_what_can_not_be_is_refused() -> None:
    with pytest.raises(ValueError, match="`action_repeat` must be at least 1, got 0"):
        EnvironmentSpec("Pendulum-v1", action_repeat=0)
    with pytest.raises(ValueError, match="`fps` must be positive, got -1"):
        EnvironmentSpec("Pendulum-v1", fps=-1)
    with pytest.raises(TypeError, match="not JSON serializable"):
        EnvironmentSpec("Pendulum-v1", kwargs={"callback": print}).to_json()
