"""What the fusions share about rows that lack a modality."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gnnrec.errors import ArgumentError

__all__ = ["check_lengths", "masked_softmax", "presence", "present_vectors", "shares"]


def check_lengths(name: str, in_dims: Mapping[str, int], length: int, why: str) -> None:
    """Refuse vectors of other lengths than ``length``.

    Raises:
        ArgumentError: If a modality has another length; all such are named.
    """
    wrong = ", ".join(f"{modality} {dim}" for modality, dim in in_dims.items() if dim != length)
    if wrong:
        raise ArgumentError(f"fusion '{name}' needs vectors of length {length}, {why} (got {wrong})")


def presence(in_dims: Mapping[str, int], vectors: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None) -> Tensor:
    """Which row has which modality, in the order of ``in_dims``. Shape: (n, M), bool."""
    if masks is not None:
        return torch.stack([masks[name] for name in in_dims], dim=1)
    first = vectors[next(iter(in_dims))]
    return torch.ones(first.shape[0], len(in_dims), dtype=torch.bool, device=first.device)


def present_vectors(
    in_dims: Mapping[str, int], vectors: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None
) -> list[Tensor]:
    """The vectors in the order of ``in_dims``, zero where a row lacks the modality. Shape of each: (n, in_dims[m])."""
    if masks is None:
        return [vectors[name] for name in in_dims]
    return [vectors[name].masked_fill(~masks[name].unsqueeze(1), 0.0) for name in in_dims]


def masked_softmax(scores: Tensor, present: Tensor) -> Tensor:
    """Softmax over the last dimension among what is present; all 0 where nothing is. Shapes: the same."""
    lowest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~present, lowest), dim=-1) * present


def shares(amounts: Tensor, present: Tensor) -> Tensor:
    """Amounts of what is present over their sum; all 0 where there is none. Shapes: (n, M)."""
    kept = amounts * present
    return kept / kept.sum(1, keepdim=True).clamp(min=torch.finfo(kept.dtype).tiny)
