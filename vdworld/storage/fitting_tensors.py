"""Weights that fit their description: compared before anything of the described size is allocated."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.modules import module as hooks

from vdworld.finite_tensors import check_finite_tensors


@contextlib.contextmanager
def no_larger_than(tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """A block that may build modules with about as many numbers as there are, and no more.

    New tensors cost no memory before they are filled, which happens after the module has registered them.

    Raises:
        ValueError: The modules are larger.
    """
    thread, held = threading.get_ident(), [0, 0]
    limits = (2 * len(tensors) + 64, 2 * sum(tensor.numel() for tensor in tensors.values()) + 2**16)

    def count(module: nn.Module, name: str, tensor: Any) -> None:
        if threading.get_ident() != thread or not isinstance(tensor, Tensor):
            return
        held[0], held[1] = held[0] + 1, held[1] + tensor.numel()
        if held[0] > limits[0] or held[1] > limits[1]:
            raise ValueError("it describes more weights than the folder holds.")

    handles = [
        hooks.register_module_parameter_registration_hook(count),
        hooks.register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def load_fitting(module: nn.Module, tensors: Mapping[str, Tensor], path: Path, what: str = "config.json") -> None:
    """Load tensors from a file into a module.

    Args:
        module: The module.
        tensors: Its tensors by name.
        path: The file, for messages.
        what: What the tensors must fit, for messages.

    Raises:
        ValueError: The file holds other tensors than the module, or numbers that are not finite.
    """
    expected = module.state_dict()
    for name in [*expected, *tensors]:
        here, there = (_described(parts.get(name)) for parts in (tensors, expected))
        if here != there:
            raise ValueError(f"{path} doesn't fit {what}: `{name}` must be {there}, got {here}.")
    check_weights(tensors, path)
    module.load_state_dict(dict(tensors))


def check_weights(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Check that all numbers from a file are finite.

    Raises:
        ValueError: One is NaN or infinite.
    """
    try:
        check_finite_tensors(tensors, f"The numbers in {path}", "Its training failed: train it again.")
    except FloatingPointError as error:
        raise ValueError(str(error)) from error


def _described(tensor: Tensor | None) -> str:
    if tensor is None:
        return "absent"
    kind = "floating point" if tensor.is_floating_point() else str(tensor.dtype).removeprefix("torch.")
    return f"{kind} {list(tensor.shape)}"
