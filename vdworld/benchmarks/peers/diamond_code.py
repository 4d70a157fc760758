"""DIAMOND's own classes (Alonso et al. 2024), imported from a checkout and built as published."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from vdworld.benchmarks.peers.foreign import commit_of, foreign_imports

REPOSITORY = "https://github.com/eloialonso/diamond"
CONTEXT_LENGTH = 4
NUM_SAMPLING_STEPS = 3

# As in its config/agent/default.yaml and config/trainer.yaml; a test compares them with a checkout's.
NETWORK = {
    "num_steps_conditioning": CONTEXT_LENGTH,
    "cond_channels": 256,
    "depths": [2, 2, 2, 2],
    "channels": [64, 64, 64, 64],
    "attn_depths": [0, 0, 0, 0],
}
DENOISER = {"sigma_data": 0.5, "sigma_offset_noise": 0.3}
TRAINING_SIGMAS = {"loc": -0.4, "scale": 1.2, "sigma_min": 2e-3, "sigma_max": 20}
SAMPLER = {"sigma_min": 2e-3, "sigma_max": 5.0, "rho": 7, "order": 1, "s_churn": 0.0, "s_tmin": 0.0, "s_noise": 1.0}


@dataclass(frozen=True)
class DiamondCode:
    """The parts of a checkout that we use.

    Args:
        diffusion: Its ``models.diffusion``: denoiser, sampler and their settings.
        batch: Its ``data.Batch``.
        utils: Its ``utils``: parameter groups and learning rate warm-up.
        commit: The checkout's commit, or ``"unknown"``.
    """

    diffusion: Any
    batch: Callable[..., Any]
    utils: Any
    commit: str = "unknown"

    @classmethod
    def load(cls, checkout: str | Path | None) -> DiamondCode:
        """Import the code of a checkout.

        Raises:
            ValueError: There is no checkout of DIAMOND at this path.
        """
        source = None if checkout is None else Path(checkout).expanduser() / "src"
        if source is None or not (source / "models" / "diffusion").is_dir():
            raise ValueError(
                f"`peer` must be a folder with DIAMOND's own code, got {checkout}. Get it: git clone {REPOSITORY}"
            )
        with foreign_imports(source, stand_ins=("wandb",)):  # its logger
            modules = [importlib.import_module(name) for name in ("models.diffusion", "data", "utils")]
        return cls(modules[0], modules[1].Batch, modules[2], commit_of(source.parent))

    def denoiser(self, *, frame_channels: int, action_dim: int, discrete: bool) -> nn.Module:
        """Build its denoiser with new weights.

        DIAMOND takes discrete actions. For other actions, a linear layer without bias, of the same width, replaces the
        embedding.

        Args:
            frame_channels: Three per camera.
            action_dim: The number of choices, or the length of an encoded action.
            discrete: Whether actions are choices.

        Raises:
            ValueError: The checkout is not on branch main.
        """
        parts = self.diffusion
        try:
            network = parts.InnerModelConfig(img_channels=frame_channels, num_actions=action_dim, **NETWORK)
            denoiser = parts.Denoiser(parts.DenoiserConfig(inner_model=network, **DENOISER))
            denoiser.setup_training(parts.SigmaDistributionConfig(**TRAINING_SIGMAS))
        except (TypeError, AttributeError) as error:
            raise ValueError(
                f"`peer` must be on DIAMOND's branch main, got other code ({error}). Try: git checkout main"
            ) from error
        if not discrete:
            actions = denoiser.inner_model.act_emb
            actions[0] = nn.Linear(action_dim, actions[0].embedding_dim, bias=False)
        return denoiser

    def sampler(self, denoiser: nn.Module, num_steps: int = NUM_SAMPLING_STEPS) -> Callable[..., Any]:
        """Return its sampler: past frames ``[b, 4, c, h, w]`` and actions to the next frame and its trajectory."""
        settings = self.diffusion.DiffusionSamplerConfig(num_steps_denoising=num_steps, **SAMPLER)
        return self.diffusion.DiffusionSampler(denoiser, settings).sample
