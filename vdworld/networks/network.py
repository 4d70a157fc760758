"""The interface of networks, and what they return."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from vdworld.networks.context import Context
from vdworld.networks.kv_cache import KVCache
from vdworld.types import (
    ActionMask,
    ClipLevels,
    Features,
    Frame,
    Frames,
    NoiseLevels,
    PerLane,
    PerStep,
    StepFeatures,
)


class Prediction(NamedTuple):
    """What a network returns for the frame after a context.

    Args:
        frame: What the process predicts ``[b, c, h, w]``: a clean frame, noise or a velocity.
        features: Features of the transition into the frame ``[b, f]``.
        moved_share: The share of the pixels, in [0, 1], that are not copied in place ``[b]``. None out of training
            mode, where nothing needs it, and for networks that copy no pixels.
        spread: Standard deviation of the clean pixels around `frame` ``[b, cameras, h, w]``, as far as the noisy frame
            shall tell more than the network; None for networks whose output is final.
    """

    frame: Frame
    features: Features
    moved_share: PerLane | None = None
    spread: Tensor | None = None


class ClipPrediction(NamedTuple):
    """What a video network returns for every frame of a clip; the fields are those of ``Prediction``.

    Args:
        frames: ``[b, t, c, h, w]``.
        features: ``[b, t, f]``.
        moved_share: ``[b, t]``, or None.
        spread: ``[b, t, cameras, h, w]``, or None.
    """

    frames: Frames
    features: StepFeatures
    moved_share: PerStep | None = None
    spread: Tensor | None = None


@runtime_checkable
class Network(Protocol):
    """A network that takes a noisy frame, its past and the actions; every one is an ``nn.Module``.

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
        """The input and output layers, which an optimiser for hidden layers should skip."""
        ...

    def __call__(self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels) -> Prediction:
        """Return the prediction for the frame after the context.

        Args:
            noisy: The noisy frame ``[b, c, h, w]``, scaled by the process.
            level: Its noise level ``[b]``, as a number of order 1.
            context: The frames before it, scaled likewise, and the actions.
            step_size: How far along the noise levels a shortcut step goes ``[b]``, in [0, 1]; 0 is no shortcut.
        """
        ...

    def commit(
        self, frame: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Features, KVCache | None]:
        """Return the features of the transition into a frame ``[b, f]``, and the cache to keep, if there is one."""
        ...


@runtime_checkable
class VideoNetwork(Network, Protocol):
    """A network that takes a clip, every frame at its own noise level, and is causal in time."""

    def clip(
        self, noisy: Frames, level: ClipLevels, actions: Tensor, action_mask: ActionMask, step_size: ClipLevels
    ) -> ClipPrediction:
        """Return the prediction for every frame, from itself and the frames before it.

        Args:
            noisy: Frames ``[b, t, c, h, w]``, each scaled by the process for its level.
            level: The noise levels ``[b, t]``, as numbers of order 1.
            actions: Encoded ``[b, t, a]``; each leads into the frame at its index.
            action_mask: ``[b, t]``; False marks a null action, as that of a clip's first frame.
            step_size: How far along the noise levels a shortcut step goes ``[b, t]``, in [0, 1]; 0 is no shortcut.
        """
        ...
