"""Long dreams follow recorded actions, and large datasets are sampled by whole episodes."""

from __future__ import annotations

import numpy as np

from vdworld.evaluation.reference_clips import ReferenceClips, some_episodes


def test_actions_are_the_rest_of_the_episode_and_then_whole_other_episodes(perfect_world, moving) -> None:
    clips = ReferenceClips(perfect_world, moving, moving, seed=0)
    starts = clips.starts(5)
    recorded = {moving[i].index: moving[i].actions[:, 0].tolist() for i in range(len(moving))}
    whole = list(recorded.values())
    for actions, episode, step in zip(clips.actions(starts, 300), starts.episodes, starts.steps, strict=True):
        first = recorded[int(episode)][int(step) :]
        assert actions[: len(first), 0].tolist() == first
        rest = actions[len(first) :, 0].tolist()
        pieces = [rest[i : i + 70] for i in range(0, len(rest), 70)]
        assert all(piece in [episode[: len(piece)] for episode in whole] for piece in pieces)


def test_whole_episodes_are_drawn_from_a_large_dataset(moving) -> None:
    few = some_episodes(moving, 150, np.random.default_rng(0))
    assert len(few) == 3, "of 71 frames each"
    assert {entry.index for entry in few.entries} <= {entry.index for entry in moving.entries}
    assert len(some_episodes(moving, 1, np.random.default_rng(0))) == 2
    assert len(some_episodes(moving, 10_000, np.random.default_rng(0))) == 8
