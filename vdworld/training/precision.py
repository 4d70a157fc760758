"""Which arithmetic pays on this machine."""

from __future__ import annotations

import torch


def autocast(device: torch.device, precision: str = "auto") -> torch.autocast:
    """Return the autocast context for training on `device`.

    bfloat16 about doubles the speed where the processor multiplies it natively, and is many times slower where it is
    emulated, so that ``"auto"`` asks the processor.

    Raises:
        ValueError: `precision` is none of "auto", "float32" and "bfloat16".
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise ValueError(f'`precision` must be "auto", "float32" or "bfloat16", got {precision!r}.')
    native = has_native_bfloat16(device) if precision == "auto" else precision == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=native)


def has_native_bfloat16(device: torch.device) -> bool:
    """Tell whether `device` multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)
