"""Every process with every network and every sampler: five steps of training, then a dream; the others are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch

from vdworld.data import Dataset
from vdworld.diffusion import SAMPLERS, check_sampler
from vdworld.world import WorldModel, build

PROCESSES: dict[str, dict[str, Any]] = {
    **{f"flow-{p}": {"_target_": "vdworld.diffusion.RectifiedFlow", "prediction": p} for p in ("x", "v")},
    **{f"edm-{p}": {"_target_": "vdworld.diffusion.EDM", "prediction": p} for p in ("edm", "x")},
    **{
        f"vp-{s}-{p}": {"_target_": "vdworld.diffusion.VariancePreserving", "schedule": s, "prediction": p}
        for s in ("linear", "cosine", "sigmoid")
        for p in ("eps", "x", "v")
    },
}
SMALL: dict[str, Any] = {"context_length": 2, "feature_dim": 16, "condition_dim": 16}
NETWORKS: dict[str, dict[str, Any]] = {
    "StackedUNet": {"width": 16, "depth": 1, "coarse_width": 16, "coarse_depth": 1, **SMALL},
    "VideoUNet": {"widths": (16, 16), "coarse_depth": 1, "head_dim": 16, **SMALL},
    "Transformer": {"width": 16, "depth": 2, "temporal_every": 2, "head_dim": 8, **SMALL},
    "DiamondUNet": {"width": 32, "num_levels": 2, "depth": 1, **SMALL},
}
COPYING = ("StackedUNet", "VideoUNet", "Transformer")


def named(network: str, copies: bool) -> dict[str, Any]:
    extra = {"copy": copies} if network in COPYING else {}
    return {"_target_": f"vdworld.networks.{network}", **NETWORKS[network], **extra}


def admissible() -> list[Any]:
    """Which (process, network, copies) go together: copies are clean frames, so that they want x-prediction.

    Schedules alike in all but their numbers are tried with one network in the quick suite.
    """
    pairs = list(product(PROCESSES, NETWORKS))
    plain = [(process, network, False) for process, network in pairs]
    together = plain + [(p, n, True) for p, n in pairs if n in COPYING and p.endswith("-x")]
    slow = [p.startswith(("vp-linear", "vp-sigmoid")) and n != "StackedUNet" for p, n, _ in together]
    return [pytest.param(*case, marks=[pytest.mark.slow] * late) for case, late in zip(together, slow, strict=True)]


def dream(world: WorldModel, sampler: str) -> torch.Tensor:
    world.sampling = replace(world.sampling, sampler=sampler, num_steps=2)
    actions = torch.zeros(2, 1, world.action_codec.dim)
    return world.rollout(world.sample_start(2), actions, encoded=True).frames


@pytest.mark.usefixtures("few_validation_clips")
@pytest.mark.parametrize(("process", "network", "copies"), admissible())
def test_admissible_combinations_train_and_dream_with_every_sampler(
    squares: Dataset, train_small: Callable, process: str, network: str, copies: bool
) -> None:
    world = train_small(
        squares, max_steps=5, batch_size=2, horizon=1, network=named(network, copies), process=PROCESSES[process]
    )
    for sampler in SAMPLERS:
        if sampler == "churn" and not process.startswith("edm"):
            continue
        frames = dream(world, sampler)
        assert torch.isfinite(frames).all(), sampler
        assert frames.abs().max() <= 1


@pytest.mark.parametrize("network", COPYING)
@pytest.mark.parametrize("process", [name for name in PROCESSES if not name.endswith("-x")])
def test_copies_of_pixels_with_another_prediction_are_refused_before_training(
    squares: Dataset, train_small: Callable, process: str, network: str
) -> None:
    with pytest.raises(ValueError, match=r"`prediction` must be 'x' .* Choose process\.prediction=x or network\.copy"):
        train_small(squares, network=named(network, True), process=PROCESSES[process])


@pytest.mark.parametrize(
    ("target", "prediction", "advice"),
    [
        ("RectifiedFlow", "eps", "choose prediction=v or x"),
        ("RectifiedFlow", "edm", "choose prediction=v or x"),
        ("EDM", "eps", "choose prediction=edm or x"),
        ("EDM", "v", "choose prediction=edm or x"),
        ("VariancePreserving", "edm", "process=edm"),
    ],
)
def test_predictions_that_a_process_does_not_admit_are_refused_with_advice(
    target: str, prediction: str, advice: str
) -> None:
    with pytest.raises(ValueError, match=rf"`prediction` must be .*got '{prediction}'.*{advice}"):
        build({"_target_": f"vdworld.diffusion.{target}", "prediction": prediction})


@pytest.mark.parametrize("process", [name for name in PROCESSES if not name.startswith("edm")])
def test_churn_is_for_edm_alone(process: str) -> None:
    with pytest.raises(ValueError, match=r"sampler=ancestral, which adds noise under every process"):
        check_sampler("churn", build(PROCESSES[process]))
