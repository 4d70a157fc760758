"""A checkout with DIAMOND's names and the belt's rule: the last action rolls the last frame by -1, 0 or +1."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "models/__init__.py": "",
    "models/diffusion/__init__.py": """
from dataclasses import dataclass
from typing import Any, Optional

import torch
from torch import nn

from data import Batch
from utils import LossAndLogs


@dataclass
class InnerModelConfig:
    img_channels: int
    num_steps_conditioning: int
    cond_channels: int
    depths: list
    channels: list
    attn_depths: list
    num_actions: Optional[int] = None


@dataclass
class DenoiserConfig:
    inner_model: InnerModelConfig
    sigma_data: float
    sigma_offset_noise: float


@dataclass
class SigmaDistributionConfig:
    loc: float
    scale: float
    sigma_min: float
    sigma_max: float


@dataclass
class DiffusionSamplerConfig:
    num_steps_denoising: int
    sigma_min: float
    sigma_max: float
    rho: int
    order: int
    s_churn: float
    s_tmin: float
    s_noise: float


class InnerModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        width = cfg.cond_channels // cfg.num_steps_conditioning
        self.act_emb = nn.Sequential(nn.Embedding(cfg.num_actions, width), nn.Flatten())


class Denoiser(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.inner_model = InnerModel(cfg.inner_model)
        self.noise = 0.0
        self.batches = []

    def setup_training(self, cfg):
        self.sigmas = cfg

    def forward(self, batch: Batch) -> LossAndLogs:
        self.batches.append(batch)
        embedded = self.inner_model.act_emb(batch.act[:, :4])
        return (embedded - torch.randn(embedded.shape)).square().mean(), {}


class DiffusionSampler:
    def __init__(self, denoiser, cfg):
        self.denoiser, self.cfg = denoiser, cfg

    def sample(self, prev_obs, prev_act):
        assert prev_obs.shape[1] == prev_act.shape[1] == 4
        shifts = prev_act[:, -1].long().reshape(len(prev_act), -1)[:, 0] - 1
        frames = torch.stack([frame.roll(int(shift), dims=-1) for frame, shift in zip(prev_obs[:, -1], shifts)])
        frames = frames + self.denoiser.noise * self.cfg.num_steps_denoising * torch.randn(frames.shape)
        return frames, [frames]
""",
    "data/__init__.py": """
from dataclasses import dataclass
from typing import Any


@dataclass
class Batch:
    obs: Any
    act: Any
    rew: Any
    end: Any
    trunc: Any
    mask_padding: Any
    info: Any
    segment_ids: Any
""",
    "utils.py": """
import torch
import wandb

LossAndLogs = tuple


def configure_opt(model, lr, weight_decay, eps):
    return torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, eps=eps)


def get_lr_sched(optimizer, num_warmup_steps):
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / num_warmup_steps))
""",
}


def write_checkout(folder: Path) -> Path:
    """Write the checkout below a folder and return it."""
    for name, text in FILES.items():
        path = folder / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
