"""Random draws that the augmentations share."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["check_rate", "draw_kept"]


def check_rate(rate: float, name: str = "rate") -> None:
    """Refuse a share outside [0, 1).

    Raises:
        ValueError: If it is.
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"'{name}' must lie in [0, 1) (got {rate})")


def draw_kept(size: int, rate: float, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """False for ``round(rate * size)`` places drawn without replacement, True for the rest. Shape: (size,), bool."""
    source = device if generator is None else generator.device
    order = torch.randperm(size, generator=generator, device=source)
    kept = torch.ones(size, dtype=torch.bool, device=device)
    return kept.index_fill_(0, order[: round(rate * size)].to(device), False)
