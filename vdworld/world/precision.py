"""The fastest precision of a device, and its autocast context."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""The precisions by name."""


def autocast(device: torch.device, precision: str = "auto", *, cache: bool = True) -> AbstractContextManager[object]:
    """Return the autocast context for networks on `device`; it changes nothing for "float32".

    bfloat16 about doubles the speed on processors that multiply it natively, and is many times slower where it is
    emulated. ``"auto"`` asks the processor.

    Args:
        device: The device of the networks.
        precision: "auto" or one of ``DTYPES``.
        cache: Whether converted weights are kept until the context ends.

    Raises:
        ValueError: `precision` is something else.
    """
    check_precision(precision)
    if precision == "auto":
        precision = "bfloat16" if has_native_bfloat16(device) else "float32"
    if precision == "float32" and not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    enabled = precision != "float32"
    dtype = DTYPES[precision] if enabled else torch.bfloat16
    return torch.autocast(device.type, dtype, enabled=enabled, cache_enabled=cache)


def check_precision(precision: str) -> None:
    """Raise a ValueError unless `precision` is "auto" or a name of ``DTYPES``."""
    if precision not in ("auto", *DTYPES):
        names = ", ".join(f'"{name}"' for name in DTYPES)
        raise ValueError(f'`precision` must be "auto" or one of {names}, got {precision!r}.')


def has_native_bfloat16(device: torch.device) -> bool:
    """Return whether `device` multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)
