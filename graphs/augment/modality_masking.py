"""A view in which one modality says nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["modality_masking"]


def modality_masking(
    vectors: Mapping[str, Tensor], probabilities: Mapping[str, float], generator: torch.Generator | None = None
) -> tuple[str, dict[str, Tensor]]:
    """Replace the vectors of one modality, drawn at random, by random ones.

    Modality masking of `Multi-modal Graph Contrastive Learning for Micro-video Recommendation
    <https://doi.org/10.1145/3477495.3532027>`_ (MMGCL, Yi et al., 2022). The replacement is normal noise, scaled so
    that its rows are as long on average as those it replaces; no gradient passes it.

    Args:
        vectors: Vectors by modality. Shape of each: (n, d) with a d of its own.
        probabilities: Probability of each modality to be the one, summing to 1.
        generator: Source of randomness, torch's global one (the choice on the CPU, the noise where the vectors are) if
            not given.

    Returns:
        The name of the modality and the vectors, those of other modalities being the same tensors.

    Raises:
        ValueError: If there is no modality, the names differ, or probabilities are negative or do not sum to 1.
    """
    if not vectors:
        raise ValueError("'vectors' must hold at least one modality (got none)")
    if set(vectors) != set(probabilities):
        wanted, found = (", ".join(sorted(given)) or "none" for given in (vectors, probabilities))
        raise ValueError(f"'probabilities' must name the modalities of 'vectors': {wanted} (got {found})")
    if not all(value >= 0 for value in probabilities.values()) or not math.isclose(
        sum(probabilities.values()), 1.0, abs_tol=1e-6
    ):
        raise ValueError(f"'probabilities' must be non-negative and sum to 1 (got {dict(probabilities)})")
    names = list(vectors)
    chances = torch.tensor([probabilities[name] for name in names], dtype=torch.float64)
    source = chances.device if generator is None else generator.device
    masked = names[int(torch.multinomial(chances.to(source), 1, generator=generator))]
    return masked, {**vectors, masked: _noise_like(vectors[masked], generator)}


@torch.no_grad()
def _noise_like(x: Tensor, generator: torch.Generator | None) -> Tensor:
    device = x.device if generator is None else generator.device
    noise = torch.randn(x.shape, dtype=x.dtype, device=device, generator=generator).to(x.device)
    length, of_noise = (torch.linalg.vector_norm(rows, dim=1).mean() for rows in (x, noise))
    return noise.mul_(length / of_noise)
