"""How a world computes: precision, compilation, recorded steps."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from vdworld.setting_types import check_types
from vdworld.world.precision import autocast, check_precision, has_native_bfloat16


@dataclass(frozen=True)
class Execution:
    """Settings of how a world computes its dreams; they change a dream only by rounding.

    Args:
        precision: "float32", "bfloat16" or "float16" for the networks. "auto" is bfloat16 on a GPU that multiplies it
            natively, and float32, the reference, everywhere else.
        compile: Compile the network (``torch.compile``). The first step at a new batch size then takes up to a minute.
            A CPU needs a C++ compiler for it.
        cuda_graphs: On a GPU, record a whole step the second time a batch size occurs, and replay it from then on: one
            launch instead of hundreds. Steps with gradients are never recorded. A recording keeps the memory of one
            step.

    Raises:
        ValueError: An unknown precision.
    """

    precision: str = "auto"
    compile: bool = False
    cuda_graphs: bool = True

    def __post_init__(self) -> None:
        check_types(self)
        check_precision(self.precision)

    def precision_on(self, device: torch.device) -> str:
        """Return the name of the precision on `device`."""
        if self.precision != "auto":
            return self.precision
        return "bfloat16" if device.type == "cuda" and has_native_bfloat16(device) else "float32"

    def arithmetic(self, device: torch.device) -> AbstractContextManager[object]:
        """Return the autocast context in which networks on `device` compute."""
        # no cache: a recorded step must not hold weights that were converted outside of it
        return autocast(device, self.precision_on(device), cache=False)


class CompiledNetwork:
    """A network with compiled evaluations and commits; everything else is the network's own.

    Args:
        network: Any of ``vdworld.networks``.
    """

    def __init__(self, network: Any) -> None:
        self._network, self._evaluate, self.commit = network, torch.compile(network), torch.compile(network.commit)

    def __call__(self, *inputs: Any) -> Any:
        """Return the compiled network's output."""
        return self._evaluate(*inputs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # copying and pickling look these up before `_network` exists
        return getattr(self._network, name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a network yet to be compiled, since compiled code belongs to one process."""
        return (CompiledNetwork, (self._network,))
