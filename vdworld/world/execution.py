"""How a world computes: arithmetic, compilation, recorded steps."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from vdworld.world.precision import autocast, check_precision, has_native_bfloat16


@dataclass(frozen=True)
class Execution:
    """Settings of how a world computes its dreams; they change a dream by rounding alone.

    Args:
        precision: "float32", "bfloat16" or "float16" for the networks. "auto" is bfloat16 on a GPU that multiplies it
            natively, and float32 everywhere else: the reference.
        compile: Compile the network (``torch.compile``): the first step of every new batch size then takes up to a
            minute. On a CPU it needs a C++ compiler.
        cuda_graphs: On a GPU, record a whole step at a batch size when it comes up for the second time, and replay it
            from then on: one launch instead of hundreds. Only where no gradients are wanted. A recording keeps the
            memory of one step.

    Raises:
        ValueError: An unknown precision.
    """

    precision: str = "auto"
    compile: bool = False
    cuda_graphs: bool = True

    def __post_init__(self) -> None:
        check_precision(self.precision)

    def precision_on(self, device: torch.device) -> str:
        """Return the name of the arithmetic on `device`."""
        if self.precision != "auto":
            return self.precision
        return "bfloat16" if device.type == "cuda" and has_native_bfloat16(device) else "float32"

    def arithmetic(self, device: torch.device) -> AbstractContextManager[object]:
        """Return the context in which networks on `device` compute."""
        return autocast(device, self.precision_on(device), cache=False)  # a recorded step holds no weights from outside


class CompiledNetwork:
    """A network whose evaluations and commits are compiled, and which is otherwise the network itself.

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
            raise AttributeError(name)  # copying and pickling look for such, before there is a `_network`
        return getattr(self._network, name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a network to be compiled: what is compiled belongs to one process."""
        return (CompiledNetwork, (self._network,))
