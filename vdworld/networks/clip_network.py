"""Base of the video networks: they take a whole clip, every frame at its own noise level."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from vdworld.networks.context import Context
from vdworld.networks.copy_head import CopyHead
from vdworld.networks.frame_network import FrameNetwork
from vdworld.networks.kv_cache import KVCache, KVCacheWriter
from vdworld.networks.network import ClipPrediction, Prediction
from vdworld.types import ActionMask, Actions, ClipLevels, Features, Frame, Frames, NoiseLevels, StepFeatures


class ClipNetwork(FrameNetwork, ABC):
    """Estimate every frame of a clip from its own noisy frame and the frames before it (Chen et al. 2024).

    A frame is estimated beside the noisy frame before it, from which its pixels may be copied; the first frame is its
    own predecessor. Attention along time, in the subclasses, reaches further back. No frame depends on later ones.

    A subclass sets `patch_in`, which reads `pixel_channels` channels, and `copy_head`. It passes ``num_past=1`` to the
    constructor.
    """

    patch_in: nn.Conv2d
    copy_head: CopyHead

    @property
    def edge_layers(self) -> list[nn.Module]:
        """The input and output layers, which an optimiser for hidden layers should skip."""
        return [self.patch_in, *self.copy_head.edge_layers]

    def clip(
        self, noisy: Frames, level: ClipLevels, actions: Actions, action_mask: ActionMask, step_size: ClipLevels
    ) -> ClipPrediction:
        """Return what the process predicts for every frame, and the features of the transitions into them.

        Args:
            noisy: Frames ``[b, t, c, h, w]``, each scaled by the process for its level.
            level: The noise levels, as numbers of order 1.
            actions: Encoded; each leads into the frame at its index.
            action_mask: False marks a null action, as that of a clip's first frame.
            step_size: How far along the noise levels a shortcut step goes, in [0, 1]; 0 is no shortcut.
        """
        before = torch.cat([noisy[:, :1], noisy[:, :-1]], dim=1)
        before_level = torch.cat([level[:, :1], level[:, :-1]], dim=1)
        pixels, condition = self._read_clip(noisy, level, before, before_level, actions, action_mask, step_size)
        maps, features = self._encode(self.patch_in(pixels), condition, noisy.shape[1], KVCacheWriter())
        painting = self.copy_head(self._decode(maps, condition), pixels, before.flatten(0, 1))
        size = noisy.shape[:2]
        frames, spread, moved_share = (None if part is None else part.unflatten(0, size) for part in painting)
        assert frames is not None
        return ClipPrediction(frames, features, moved_share, spread)

    def forward(self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels) -> Prediction:
        """Return the prediction for the last frame of the clip that the context and the noisy frame make."""
        (maps, features), pixels, condition = self._continue(
            noisy, level, context, step_size, KVCacheWriter(context.cache)
        )

        def last(rows: Tensor) -> Tensor:
            return rows.unflatten(0, (len(noisy), -1))[:, -1]

        hidden = self._decode([last(part) for part in maps], last(condition))
        painting = self.copy_head(hidden, last(pixels), context.frames[:, -1])
        return Prediction(painting.frame, features[:, -1], painting.moved_share, painting.spread)

    def commit(
        self, frame: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels
    ) -> tuple[Features, KVCache]:
        """Return the features of the transition into a frame, and the cache of it and of the frames before."""
        writer = KVCacheWriter(context.cache)
        (_, features), _, _ = self._continue(frame, level, context, step_size, writer)
        return features[:, -1], writer.cache(self.context_length)

    def _continue(
        self, noisy: Frame, level: NoiseLevels, context: Context, step_size: NoiseLevels, writer: KVCacheWriter
    ) -> tuple[tuple[list[Tensor], StepFeatures], Tensor, Tensor]:
        """Encode the frame after a context; return the encoding, the pixel inputs and the conditions.

        Without a cache, the frames of the context are encoded too, without step sizes; the first has a null action.
        """
        if context.cache is None:
            frames = torch.cat([context.frames, noisy[:, None]], dim=1)
            levels = torch.cat([context.level, level[:, None]], dim=1)
            actions = torch.cat([torch.zeros_like(context.actions[:, :1]), context.actions], dim=1)
            action_mask = torch.cat([torch.zeros_like(context.action_mask[:, :1]), context.action_mask], dim=1)
            before = torch.cat([context.frames[:, :1], context.frames], dim=1)
            before_level = torch.cat([context.level[:, :1], context.level], dim=1)
            step_size = torch.cat([torch.zeros_like(context.level), step_size[:, None]], dim=1)
        else:
            frames, levels, step_size = noisy[:, None], level[:, None], step_size[:, None]
            actions, action_mask = context.actions[:, -1:], context.action_mask[:, -1:]
            before, before_level = context.frames[:, -1:], context.level[:, -1:]
        pixels, condition = self._read_clip(frames, levels, before, before_level, actions, action_mask, step_size)
        return self._encode(self.patch_in(pixels), condition, frames.shape[1], writer), pixels, condition

    @abstractmethod
    def _encode(
        self, hidden: Tensor, condition: Tensor, num_frames: int, writer: KVCacheWriter
    ) -> tuple[list[Tensor], StepFeatures]:
        """Return the maps that `_decode` needs, ``[b t, ...]``, and the features; only this mixes frames."""

    @abstractmethod
    def _decode(self, maps: list[Tensor], condition: Tensor) -> Tensor:
        """Return the hidden features for the copy head, each frame's from its own maps."""

    def _read_clip(
        self,
        noisy: Frames,
        level: ClipLevels,
        before: Frames,
        before_level: ClipLevels,
        actions: Actions,
        action_mask: ActionMask,
        step_size: ClipLevels,
    ) -> tuple[Tensor, Tensor]:
        """Return each frame's pixel inputs and condition vectors, with rows ``[b t]``."""
        frames, levels = before.flatten(0, 1)[:, None], before_level.flatten()[:, None]
        past = Context(frames, actions.flatten(0, 1)[:, None], action_mask.flatten()[:, None], levels)
        return self.read_inputs(noisy.flatten(0, 1), level.flatten(), past, step_size.flatten())
