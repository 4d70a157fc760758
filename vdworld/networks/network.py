"""What every network has in common."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from vdworld.networks.context import Context
from vdworld.networks.kv_cache import KVCache
from vdworld.types import ActionMask, ClipLevels, Features, Frame, Frames, NoiseLevels, StepFeatures


@runtime_checkable
class Network(Protocol):
    """A network that sees a noisy frame, its past and the actions; all are ``nn.Module``.

    Args:
        frame_channels: Channels of one frame (3 per camera).
        context_length: K, the number of past frames.
        feature_dim: Length of the features for reward, continuation and policies.
        predicts_clean: Whether the output must be a clean frame, as copies of clean pixels are.
    """

    frame_channels: int
    context_length: int
    feature_dim: int
    predicts_clean: bool

    @property
    def edge_layers(self) -> list[nn.Module]:
        """The layers at the pixels, which an optimiser made for hidden layers should leave alone."""
        ...

    def __call__(
        self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Frame, Features]:
        """Return the prediction for the frame after the context, and the features of the transition into it."""
        ...

    def commit(
        self, frame: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Features, KVCache | None]:
        """Return the features of the transition into a frame, and what to keep of it, if anything."""
        ...


@runtime_checkable
class VideoNetwork(Network, Protocol):
    """A network that sees a clip whose every frame has a noise level of its own, causally in time."""

    def clip(
        self, noisy: Frames, level: ClipLevels, actions: Tensor, action_mask: ActionMask, step_size: ClipLevels
    ) -> tuple[Frames, StepFeatures]:
        """Return the prediction for every frame from itself and those before it, and features of each."""
        ...
