"""The settings are those of a real checkout, and its code trains and dreams; VDWORLD_DIAMOND names the checkout."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from vdworld.benchmarks.peers import DiamondCode, DiamondWorld, diamond_code, diamond_training, train_diamond
from vdworld.evaluation.prediction import predict

CHECKOUT = os.environ.get("VDWORLD_DIAMOND")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHECKOUT is None, reason="VDWORLD_DIAMOND names no checkout of DIAMOND"),
]


@pytest.fixture(scope="module")
def published() -> tuple[Any, Any]:
    folder = Path(CHECKOUT or "") / "config"
    return OmegaConf.load(folder / "trainer.yaml"), OmegaConf.load(folder / "agent" / "default.yaml")


@pytest.fixture(scope="module")
def real_code() -> DiamondCode:
    return DiamondCode.load(CHECKOUT)


def test_the_network_is_the_published_one(published):
    denoiser = published[1].denoiser
    for settings, node in ((diamond_code.NETWORK, denoiser.inner_model), (diamond_code.DENOISER, denoiser)):
        assert {name: node[name] for name in settings} == settings


def test_the_noise_levels_are_the_published_ones(published):
    node = published[0].denoiser.sigma_distribution
    assert {name: node[name] for name in diamond_code.TRAINING_SIGMAS} == diamond_code.TRAINING_SIGMAS


def test_the_sampler_is_the_published_one(published):
    node = published[0].world_model_env.diffusion_sampler
    assert {name: node[name] for name in diamond_code.SAMPLER} == diamond_code.SAMPLER
    assert node.num_steps_denoising == diamond_code.NUM_SAMPLING_STEPS


def test_training_is_the_published_one(published):
    node = published[0].denoiser
    assert OmegaConf.to_container(node.optimizer) == diamond_training.OPTIMIZER
    written = {
        "batch_size": diamond_training.BATCH_SIZE,
        "num_autoregressive_steps": diamond_training.NUM_AUTOREGRESSIVE_STEPS,
        "lr_warmup_steps": diamond_training.WARMUP_STEPS,
        "max_grad_norm": diamond_training.MAX_GRADIENT_NORM,
        "grad_acc_steps": 1,
    }
    assert {name: node.training[name] for name in written} == written


def test_it_has_as_many_parameters_as_its_paper_says(real_code, belt_data):
    peer = DiamondWorld.for_dataset(real_code, belt_data)
    assert sum(parameter.numel() for parameter in peer.parameters()) == pytest.approx(4.4e6, rel=0.01)


@pytest.mark.parametrize("data", ["belt_data", "pusht_data"])
def test_it_trains_and_dreams(real_code, data, request, monkeypatch):
    dataset = request.getfixturevalue(data)
    monkeypatch.setattr(diamond_training, "BATCH_SIZE", 2)
    peer = DiamondWorld.for_dataset(real_code, dataset)
    before = [parameter.detach().clone() for parameter in peer.parameters()]
    ticks = iter(range(100))  # a clock on which every step takes a second
    monkeypatch.setattr(diamond_training, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    train_diamond(peer, dataset, minutes=3 / 60, progress=False)
    assert peer.training_info["steps"] == 3
    assert any(not torch.equal(old, new) for old, new in zip(before, peer.parameters(), strict=True))
    prediction = predict(peer, dataset.split("test"), num_clips=2, steps=(1, 2), progress=False)
    assert np.isfinite(prediction.scores["psnr"]).all()
