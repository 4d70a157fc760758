"""A real world model that learnt nothing: small, with random weights and start clips."""

from __future__ import annotations

import copy

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

from vdworld.spaces import ActionCodec, flat_action_size, flatten_action
from vdworld.world import OutcomeHeads, StartClips, WorldModel, build

BOX = spaces.Box(-1.0, 1.0, (2,), np.float32)
SIZE, CONTEXT, NUM_CLIPS = (8, 16), 3, 4


def random_world(action_space: gym.Space = BOX, *, cameras: tuple[str, ...] = ("image",)) -> WorldModel:
    """Return the same world every time; its rewards spread, many of its steps end, and errors in it do not grow."""
    wide = [3.0] * flat_action_size(action_space)  # for what has no bounds
    codec, channels = ActionCodec(action_space, [-3.0] * len(wide), wide), 3 * len(cameras)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build(
            {
                "_target_": "vdworld.networks.StackedUNet",
                "width": 16,
                "coarse_width": 16,
                "depth": 1,
                "coarse_depth": 1,
            },
            frame_channels=channels,
            image_size=SIZE,
            action_dim=codec.dim,
            context_length=CONTEXT,
            condition_dim=16,
            feature_dim=16,
        )
        heads = OutcomeHeads(16)
    rng = torch.Generator().manual_seed(0)
    chooser = copy.deepcopy(action_space)
    chooser.seed(0)
    taken = [[flatten_action(chooser, chooser.sample()) for _ in range(CONTEXT - 1)] for _ in range(NUM_CLIPS)]
    taken[0] = [np.zeros_like(action) for action in taken[0]]  # a clip at the very start of an episode: padding
    starts = StartClips(
        frames=torch.randint(0, 256, (NUM_CLIPS, CONTEXT, channels, *SIZE), dtype=torch.uint8, generator=rng),
        actions=torch.from_numpy(np.array(taken)).float(),
        action_mask=torch.arange(NUM_CLIPS)[:, None].expand(-1, CONTEXT - 1) > 0,
    )
    world = WorldModel(
        network=network,
        process=build({"_target_": "vdworld.diffusion.RectifiedFlow"}),
        heads=heads,
        action_codec=codec,
        image_size=SIZE,
        cameras=cameras,
        starts=starts,
    )
    with torch.no_grad():
        for weight in world.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=rng))
        world.heads.output.weight[1] *= 0.1
        world.heads.output.bias[1] = 1.5
    return world.eval().requires_grad_(False)
