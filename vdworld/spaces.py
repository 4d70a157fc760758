"""Conversions between Gymnasium's spaces and tensors: pixels, flat actions and encoded actions.

An action has three forms. *Native*: what the environment takes (arrays, or a tree of them for Dict and Tuple spaces).
*Flat*: the same numbers in one vector ``[n]``, a Discrete action as its integer; datasets store this form. *Encoded*: a
vector ``[a]`` in [-1, 1] with discrete choices one-hot; networks and planners use this form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor
from torch.nn import functional as F

from vdworld.json_values import arguments_from_json
from vdworld.space_json import space_from_json, space_to_json
from vdworld.space_leaves import (
    flat_action_size,
    leaf_bounds,
    leaf_choices,
    leaf_offsets,
    leaf_size,
    leaves,
    scale_bounds,
)

_LARGEST = 1e30  # float32 holds products of such numbers and small factors


def frames_to_float(pixels: Tensor) -> Tensor:
    """Turn uint8 pixels ``[..., h, w, c]`` into float frames ``[..., c, h, w]`` in [-1, 1]."""
    return pixels.movedim(-1, -3).float().div_(127.5).sub_(1.0)


def frames_to_pixels(frames: Tensor) -> Tensor:
    """Turn frames ``[..., c, h, w]`` in [-1, 1] into uint8 pixels ``[..., h, w, c]``, rounded and clamped."""
    return frames.float().add(1.0).mul(127.5).round_().clamp_(0, 255).to(torch.uint8).movedim(-3, -1)


def flatten_action(space: gym.Space, action: Any) -> np.ndarray:
    """Turn one native action, or a batch with leading axes, into flat numbers ``[..., n]`` (float64)."""
    if isinstance(space, spaces.Dict):
        return np.concatenate([flatten_action(part, action[key]) for key, part in space.spaces.items()], axis=-1)
    if isinstance(space, spaces.Tuple):
        return np.concatenate([flatten_action(p, a) for p, a in zip(space.spaces, action, strict=True)], axis=-1)
    values = np.asarray(action.detach().cpu() if isinstance(action, Tensor) else action, dtype=np.float64)
    event_ndim = len(space.shape or ())
    return values.reshape((*values.shape[: values.ndim - event_ndim], leaf_size(space)))


def unflatten_action(space: gym.Space, vector: Any) -> Any:
    """Turn flat numbers ``[..., n]`` back into a native action of the space's dtype; leading axes are kept."""
    flat = np.asarray(vector.detach().cpu() if isinstance(vector, Tensor) else vector)
    if isinstance(space, spaces.Dict | spaces.Tuple):
        parts = list(space.spaces.values()) if isinstance(space, spaces.Dict) else list(space.spaces)
        ends = np.cumsum([flat_action_size(part) for part in parts])[:-1]
        children = [unflatten_action(p, f) for p, f in zip(parts, np.split(flat, ends, axis=-1), strict=True)]
        return dict(zip(space.spaces, children, strict=True)) if isinstance(space, spaces.Dict) else tuple(children)
    if not np.issubdtype(space.dtype, np.floating):
        flat = np.rint(flat)
    native = flat.reshape((*flat.shape[:-1], *(space.shape or ()))).astype(space.dtype)
    return native[()] if native.ndim == 0 and isinstance(space, spaces.Discrete) else native


class ActionCodec:
    """Map flat actions to vectors in [-1, 1] and back.

    Bounded Boxes are scaled by their bounds, the others by `low` and `high`; discrete parts become one-hot vectors of
    0 and 1, binary ones -1 and 1. A Box whose range exceeds ``space_leaves.WIDEST_RANGE`` counts as unbounded.

    Args:
        space: The environment's action space.
        low: Lower ends ``[n]`` in flat units for unbounded numbers, usually a low quantile of the data.
        high: Upper ends ``[n]`` likewise.

    Raises:
        ValueError: A Box is unbounded, and `low` and `high` do not bound it.
    """

    def __init__(
        self, space: gym.Space, low: Sequence[float] | None = None, high: Sequence[float] | None = None
    ) -> None:
        self.space, parts = space, leaves(space)
        self.num_choices = [count for leaf in parts for count in leaf_choices(leaf)]  # 0: a number, not a choice
        self.offsets = np.concatenate([leaf_offsets(leaf) for leaf in parts])
        self.whole = [not np.issubdtype(leaf.dtype, np.floating) for leaf in parts for _ in range(leaf_size(leaf))]
        legal = np.concatenate([leaf_bounds(leaf) for leaf in parts])
        self._legal = np.where([[count > 0] for count in self.num_choices], [-np.inf, np.inf], legal)  # [n, 2]
        fallback = np.stack([_bound_array("low", low, len(legal)), _bound_array("high", high, len(legal))], axis=1)
        bounds = np.concatenate([scale_bounds(leaf) for leaf in parts])
        bounds = np.where(np.isfinite(bounds), bounds, fallback)
        if not (np.abs(bounds) <= _LARGEST).all():  # NaN included
            rule = f"bound the unbounded parts of {space}, within +-{_LARGEST:g}"
            raise ValueError(f"`low` and `high` must {rule}, got {low} and {high}.")
        self.low, self.high = bounds[:, 0], np.maximum(bounds[:, 1], bounds[:, 0] + 1e-6)
        self.dim = sum(max(count, 1) for count in self.num_choices)

    def encode(self, actions: Any) -> Tensor:
        """Turn native actions (tensors, arrays, or a tree of them, leading axes kept) into ``[..., a]``, float32."""
        return self.encode_flat(self.flatten(actions))

    def encode_batch(
        self, actions: Any, batch: tuple[int, ...], device: torch.device, action_mask: Tensor | None = None
    ) -> Tensor:
        """Turn native actions with leading axes `batch` into encoded ones ``[*batch, a]`` on a device.

        Args:
            actions: In the environment's units.
            batch: The expected leading axes.
            device: Where to encode.
            action_mask: Which of them are actions; see ``encode_flat``.

        Raises:
            ValueError: The actions have other leading axes.
        """
        flat = self.flatten(actions).to(device)
        if flat.shape[:-1] != batch:
            raise ValueError(
                f"`actions` must have leading axes {list(batch)} before one action of {self.space}, "
                f"got {list(flat.shape[:-1])}."
            )
        return self.encode_flat(flat, action_mask)

    def flatten(self, actions: Any) -> Tensor:
        """Turn native actions into flat float32 numbers ``[..., n]``; tensors stay on their device."""
        return _flatten_tensor(self.space, actions)

    def encode_flat(self, flat: Tensor, action_mask: Tensor | None = None) -> Tensor:
        """Turn flat actions ``[..., n]`` into encoded ones ``[..., a]``.

        Args:
            flat: The actions in the environment's units.
            action_mask: Which of them are actions ``[...]``; the others become zeros. None means all.

        Raises:
            ValueError: An action has another length than the space's, or is a choice that the space does not have.
        """
        if flat.shape[-1] != len(self.num_choices):
            raise ValueError(f"`flat` must end in {len(self.num_choices)} numbers for {self.space}, got {flat.shape}.")
        low, high, offsets = (
            torch.as_tensor(v, dtype=torch.float32, device=flat.device) for v in (self.low, self.high, self.offsets)
        )
        if action_mask is not None:
            flat = torch.where(action_mask[..., None], flat, offsets)  # the first choice; becomes zero below
        scaled = ((flat - low) / (high - low) * 2 - 1).clamp(-1, 1).float()
        columns = [
            self._one_hot(flat[..., i] - offsets[i], count) if count else scaled[..., i : i + 1]
            for i, count in enumerate(self.num_choices)
        ]
        encoded = torch.cat(columns, dim=-1)
        return encoded if action_mask is None else encoded * action_mask[..., None]

    def decode_flat(self, encoded: Tensor) -> Tensor:
        """Turn encoded actions ``[..., a]`` into flat ones ``[..., n]``, as an environment executes them.

        The largest entry of a one-hot part wins; whole numbers are rounded.
        """
        columns, position = [], 0
        for i, count in enumerate(self.num_choices):
            part = encoded[..., position : position + max(count, 1)]
            if count:
                columns.append(part.argmax(dim=-1).float() + float(self.offsets[i]))
            else:
                columns.append(self._decode_number(i, part[..., 0]))
            position += max(count, 1)
        return torch.stack(columns, dim=-1)

    def project(self, encoded: Tensor) -> Tensor:
        """Return the nearest legal encoded actions ``[..., a]``: numbers clamped, whole ones rounded, choices one-hot.

        Gradients pass as if nothing were rounded (the straight-through estimator, Bengio et al. 2013).
        """
        parts = encoded.split([max(count, 1) for count in self.num_choices], dim=-1)
        legal = torch.cat([self._project_part(i, part.detach()) for i, part in enumerate(parts)], dim=-1)
        return legal + (encoded - encoded.detach()) if encoded.requires_grad else legal

    def decode(self, encoded: Tensor) -> Any:
        """Turn encoded actions ``[..., a]`` into native ones: arrays of the space's dtype, or a tree of them."""
        flat = self.decode_flat(encoded).detach().cpu().numpy().astype(np.float64)
        return unflatten_action(self.space, flat.clip(*self._legal.T))  # float32 may round past a bound

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; ``from_json`` reads them back."""
        return {"space": space_to_json(self.space), "low": self.low.tolist(), "high": self.high.tolist()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ActionCodec:
        """Read what ``to_json`` returned.

        Raises:
            ValueError: A value is missing, unknown or of another type.
        """
        return cls(**arguments_from_json(cls, {**values, "space": space_from_json(values["space"])}))

    def _decode_number(self, index: int, encoded: Tensor) -> Tensor:
        """Return a number in flat units."""
        low, high = float(self.low[index]), float(self.high[index])
        flat = (encoded.clamp(-1, 1) + 1) / 2 * (high - low) + low
        return flat.round() if self.whole[index] else flat

    def _project_part(self, index: int, encoded: Tensor) -> Tensor:
        """Return the nearest legal values of a number ``[..., 1]``, or of a choice ``[..., c]``."""
        if count := self.num_choices[index]:
            return F.one_hot(encoded.argmax(dim=-1), count).to(encoded)
        if not self.whole[index]:
            return encoded.clamp(-1, 1)
        low, high = float(self.low[index]), float(self.high[index])
        return ((self._decode_number(index, encoded) - low) / (high - low) * 2 - 1).clamp(-1, 1)

    def _one_hot(self, values: Tensor, count: int) -> Tensor:
        choice = values.round().long()
        if choice.device.type == "cpu" and ((choice < 0) | (choice >= count)).any():  # on a GPU one_hot itself raises
            raise ValueError(f"`actions` must lie in {self.space}, got choice {choice.unique().tolist()} of {count}.")
        return F.one_hot(choice, count).float()


def _flatten_tensor(space: gym.Space, actions: Any) -> Tensor:
    if isinstance(space, spaces.Dict):
        return torch.cat([_flatten_tensor(part, actions[key]) for key, part in space.spaces.items()], dim=-1)
    if isinstance(space, spaces.Tuple):
        return torch.cat([_flatten_tensor(p, a) for p, a in zip(space.spaces, actions, strict=True)], dim=-1)
    values, shape = torch.as_tensor(actions).float(), tuple(space.shape or ())
    leading = values.shape[: max(values.ndim - len(shape), 0)]
    if values.shape != (*leading, *shape):
        raise ValueError(f"`actions` must end with the axes {list(shape)} of {space}, got {list(values.shape)}.")
    return values.reshape(*leading, leaf_size(space))


def _bound_array(name: str, values: Sequence[float] | None, size: int) -> np.ndarray:
    array = np.full(size, np.nan) if values is None else np.asarray(values, dtype=np.float64)
    if array.shape != (size,):
        raise ValueError(f"`{name}` must hold {size} numbers, one per number of a flat action, got {values}.")
    return array
