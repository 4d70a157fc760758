"""DIAMOND's denoiser and sampler behind the interface that evaluations measure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from torch import Tensor, nn

from vdworld.benchmarks.peers.diamond_code import CONTEXT_LENGTH, NUM_SAMPLING_STEPS, DiamondCode
from vdworld.benchmarks.peers.foreign import random_stream
from vdworld.data import Dataset
from vdworld.extras import require
from vdworld.spaces import ActionCodec
from vdworld.training.assemble_world import action_codec
from vdworld.types import Frames, PerStep


@dataclass(frozen=True)
class DiamondState:
    """Last frames ``[b, 4, c, h, w]``, the encoded actions between them, and a seed."""

    frames: Frames
    actions: Tensor
    seed: int


@dataclass(frozen=True)
class DiamondRollout:
    """Imagined frames; the denoiser alone predicts no rewards (zeros) and no ends (continuations of one)."""

    frames: Frames
    rewards: PerStep
    continuations: PerStep


class DiamondWorld:
    """DIAMOND as a ``World``, to be compared with ours.

    Args:
        code: Its classes.
        codec: Encodes the environment's actions.
        image_size: Height and width of the frames in pixels.
        cameras: Names of the images, concatenated along the channels.
        fps: Frames per second of the environment's own time.
        context_length: Number of real frames to start from, at least 4; only the last 4 are used.
        device: Where it computes.
        compiled: Whether to compile the sampler, as DIAMOND's trainer does; the first calls then take minutes.
        seed: Decides the initial weights.

    Attributes:
        training_info: How it was trained; plain JSON values.

    Raises:
        ValueError: The context is too short, or the checkout is not on branch main.
    """

    has_reward = False

    def __init__(
        self,
        code: DiamondCode,
        *,
        codec: ActionCodec,
        image_size: tuple[int, int],
        cameras: tuple[str, ...] = ("image",),
        fps: float = 10.0,
        context_length: int = CONTEXT_LENGTH,
        device: torch.device | str = "cpu",
        compiled: bool = False,
        seed: int = 0,
    ) -> None:
        if context_length < CONTEXT_LENGTH:
            raise ValueError(f"`context_length` must be at least {CONTEXT_LENGTH}, got {context_length}.")
        self.code, self.codec, self.image_size, self.cameras, self.fps = code, codec, image_size, cameras, fps
        self.context_length, self.device, self.compiled = context_length, torch.device(device), compiled
        self.discrete = isinstance(codec.space, gym.spaces.Discrete)
        self.training_info: dict[str, Any] = {}
        self._samplers: dict[int, Callable[..., Any]] = {}
        with random_stream(seed, self.device):
            channels = 3 * len(cameras)
            denoiser = code.denoiser(frame_channels=channels, action_dim=codec.dim, discrete=self.discrete)
        self.denoiser = denoiser.to(self.device)

    @classmethod
    def for_dataset(cls, code: DiamondCode, dataset: Dataset, **settings: Any) -> DiamondWorld:
        """Return an untrained world for a dataset's frames and training actions; `settings` are the constructor's."""
        shape = {"image_size": dataset.image_size, "cameras": dataset.cameras, "fps": dataset.fps}
        return cls(code, codec=action_codec(dataset.split("train")), **shape, **settings)

    @property
    def action_space(self) -> gym.Space:
        """The environment's action space."""
        return self.codec.space

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the denoiser's parameters."""
        return self.denoiser.parameters()

    def start(self, frames: Frames, actions: Any = None, *, seed: Sequence[int] = (0,)) -> DiamondState:
        """Return the state after real frames ``[b, k, c, h, w]`` and the k - 1 native actions between them.

        Its sampler draws noise for the whole batch at once, so the first lane's seed decides for all lanes.

        Raises:
            ValueError: There are fewer frames than it uses.
        """
        b, k = frames.shape[:2]
        if k < CONTEXT_LENGTH:
            raise ValueError(f"`frames` must hold at least {CONTEXT_LENGTH} frames, got {k}.")
        flat = torch.zeros(b, k - 1, len(self.codec.num_choices)) if actions is None else self.codec.flatten(actions)
        action_mask = torch.full(flat.shape[:-1], actions is not None)
        taken = self.network_actions(flat, action_mask)[:, k - CONTEXT_LENGTH :]
        return DiamondState(frames[:, -CONTEXT_LENGTH:].to(self.device), taken, int(seed[0]))

    @torch.no_grad()
    def rollout(self, state: DiamondState, actions: Any, /, *, num_sampling_steps: int | None = None) -> DiamondRollout:
        """Imagine a frame per native action ``[b, h, ...]``; None takes the published 3 sampling steps."""
        taken = torch.cat([state.actions, self.network_actions(self.codec.flatten(actions))], dim=1)
        sample = self._sampler(NUM_SAMPLING_STEPS if num_sampling_steps is None else num_sampling_steps)
        frames = list(state.frames.unbind(dim=1))
        with random_stream(state.seed, self.device):
            for t in range(taken.shape[1] - CONTEXT_LENGTH + 1):
                past = torch.stack(frames[-CONTEXT_LENGTH:], dim=1)
                frame, _ = sample(past, taken[:, t : t + CONTEXT_LENGTH])
                frames.append(frame.clone())  # a compiled sampler writes the next frame over it
        imagined = torch.stack(frames[CONTEXT_LENGTH:], dim=1)
        zeros = imagined.new_zeros(imagined.shape[:2])
        return DiamondRollout(imagined, zeros, zeros + 1)

    def network_actions(self, flat: Tensor, action_mask: Tensor | None = None) -> Tensor:
        """Encode flat actions ``[b, t, n]`` for the network: choices ``[b, t]`` or vectors ``[b, t, a]``.

        Masked actions become choice 0, as in DIAMOND's own padding, or zeros.
        """
        encoded = self.codec.encode_flat(flat, action_mask).to(self.device)
        return encoded.argmax(dim=-1) if self.discrete else encoded

    def save(self, path: Path) -> None:
        """Write weights and training info into one safetensors file."""
        safetensors = require("safetensors.torch", "all")
        path.parent.mkdir(parents=True, exist_ok=True)
        weights = {name: value.cpu().contiguous() for name, value in self.denoiser.state_dict().items()}
        safetensors.save_file(weights, path, metadata={"record": json.dumps(self.training_info)})

    def load(self, path: Path) -> None:
        """Load a file that ``save`` wrote.

        Raises:
            ValueError: The weights belong to another network.
        """
        with require("safetensors", "all").safe_open(path, framework="pt") as file:
            self.training_info = json.loads((file.metadata() or {}).get("record", "{}"))
        try:
            self.denoiser.load_state_dict(require("safetensors.torch", "all").load_file(path))
        except RuntimeError as error:
            raise ValueError(f"{path} holds the weights of another network: {error} Train it again.") from error

    def _sampler(self, num_steps: int) -> Callable[..., Any]:
        if num_steps not in self._samplers:
            sample = self.code.sampler(self.denoiser, num_steps)
            self._samplers[num_steps] = torch.compile(sample, mode="reduce-overhead") if self.compiled else sample
        return self._samplers[num_steps]
