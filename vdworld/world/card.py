"""The model card that is saved beside a world's weights."""

from __future__ import annotations

import json

from vdworld.world.model import WorldModel


def model_card(world: WorldModel) -> str:
    """Describe a world in Markdown: what it imagines, how it was trained, how to use it."""
    parameters = sum(p.numel() for p in world.parameters())
    environment = world.spec.id if world.spec is not None else "recorded data"
    height, width = world.image_size
    lines = [
        f"# A world of {environment}",
        "",
        "An action-conditioned video diffusion model, trained by vdworld.",
        "",
        f"- frames: {height} x {width}, cameras {', '.join(world.cameras)}, {world.fps:g} per second",
        f"- actions: `{world.action_space}`",
        f"- readings: {', '.join(world.readings) or 'none'}",
        f"- rewards: {'yes' if world.has_reward else 'none in the data'}",
        f"- {parameters:,} parameters, {world.context_length} frames of context, "
        f"{world.num_sampling_steps} sampling step{'s' * (world.num_sampling_steps > 1)} per frame "
        f"({world.sampling.sampler})",
        "",
        "```python",
        "import gymnasium as gym, vdworld",
        'env = gym.make("vdworld/Dream-v0", world="this/folder", max_episode_steps=50)',
        "```",
        "",
        "## Training record",
        "",
        "```json",
        json.dumps(world.training_info, indent=2),
        "```",
        "",
    ]
    return "\n".join(lines)
