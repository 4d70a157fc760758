"""Names that users typed before a rename are refused with the new one."""

from __future__ import annotations

import pkgutil

import pytest
from omegaconf import OmegaConf

from vdworld.commands.arguments import instantiate
from vdworld.commands.dotted_names import RENAMED, refuse_old_name
from vdworld.commands.record import find_policy
from vdworld.envs.tasks.pusht import ContactExploration

OLD, NEW = (f"vdworld.envs.tasks.{module}.ContactExploration" for module in ("pusht_contact", "pusht"))


def test_an_old_name_of_a_policy_is_refused_with_the_new_one():
    with pytest.raises(ValueError, match=f"`policy` must be .*, got '{OLD}': {OLD} is now {NEW}. Use the new name."):
        find_policy(OLD)
    assert isinstance(find_policy(NEW), ContactExploration)


def test_an_old_name_in_a_configuration_is_refused_with_the_new_one():
    with pytest.raises(ValueError, match=f"{OLD} is now {NEW}"):
        instantiate(OmegaConf.create({"_target_": OLD}))
    assert isinstance(instantiate(OmegaConf.create({"_target_": NEW})), ContactExploration)


def test_a_name_that_only_begins_like_an_old_one_passes():
    assert refuse_old_name("vdworld.envs.scripted_games.Maze") == "vdworld.envs.scripted_games.Maze"


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_every_new_name_exists_and_the_old_one_does_not(old, new):
    assert pkgutil.resolve_name(new)
    with pytest.raises((ImportError, AttributeError)):
        pkgutil.resolve_name(old)
