"""Axes, units and tensor aliases: a signature says its shape.

Axes: ``b`` lanes or clips, ``t`` video time, ``c h w`` a frame, ``n`` an action in the environment's own numbers,
``a`` an encoded action, ``f`` features, ``s`` steps with an outcome (t, or 0 with ``frames_only``), ``_`` the numbers
of a reading, of which each has its own count.

Frames inside the library are floats in [-1, 1]; pixels at its boundary are uint8, ``h w c``. ``actions[:, t]`` is taken
after seeing ``frames[:, t]`` and leads to ``frames[:, t + 1]``; ``rewards[:, t]`` and ``terminated[:, t]`` belong to
that same transition.

The aliases hold shapes for type checkers and for the tests, where jaxtyping is imported first. Users need neither
jaxtyping nor beartype: without them each alias is a plain tensor.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Int64, UInt8

    Frames = Float[Tensor, "b t c h w"]
    Frame = Float[Tensor, "b c h w"]
    Pixels = UInt8[Tensor, "... h w c"]
    RawActions = Float[Tensor, "*batch n"]
    Actions = Float[Tensor, "b t a"]
    PastActions = Float[Tensor, "b t-1 a"]
    ActionMask = Bool[Tensor, "b t"]
    PastActionMask = Bool[Tensor, "b t-1"]
    NoiseLevels = Float[Tensor, "b"]
    ClipLevels = Float[Tensor, "b t"]
    Features = Float[Tensor, "b f"]
    Readings = Float[Tensor, "b _"]
    PerLane = Float[Tensor, "b"]
    PerStep = Float[Tensor, "b s"]
    StepMask = Bool[Tensor, "b s"]
    StepFeatures = Float[Tensor, "b t f"]
    StepReadings = Float[Tensor, "b t _"]
    LaneMask = Bool[Tensor, "b"]
    LaneIntegers = Int64[Tensor, "b"]
else:
    Frames = Frame = Pixels = RawActions = Actions = PastActions = ActionMask = PastActionMask = Tensor
    NoiseLevels = Features = Readings = Tensor
    ClipLevels = Tensor
    PerLane = PerStep = StepMask = StepFeatures = StepReadings = LaneMask = LaneIntegers = Tensor
