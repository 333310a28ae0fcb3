"""Augmentations of whole batches of prepared samples."""

import torch
from torch import Tensor

__all__ = ["augment_batch", "mirror_images", "shift_sounds"]


def augment_batch(samples: Tensor, modality: str, random: torch.Generator | None = None) -> Tensor:
    """What training may see instead of the samples: pictures mirrored, sounds shifted; others stay as they are.

    Args:
        samples: An encoder's input. Shape: (batch, ...).
        modality: ``"image"``, ``"audio"``, ``"text"`` or ``"video"``.
        random: Source of randomness [default: the global one].
    """
    if modality == "image":
        return mirror_images(samples, random)
    return shift_sounds(samples, random) if modality == "audio" else samples


def mirror_images(image: Tensor, random: torch.Generator | None = None) -> Tensor:
    """Each picture left to right with probability one half. Shape: (batch, 3, height, width)."""
    mirrored = torch.rand(len(image), generator=random) < 0.5
    return torch.where(mirrored[:, None, None, None].to(image.device), image.flip(-1), image)


def shift_sounds(audio: Tensor, random: torch.Generator | None = None) -> Tensor:
    """Each sound rotated in time by up to a quarter of its length. Shape: (batch, samples)."""
    length = audio.shape[1]
    offset = torch.randint(0, max(1, length // 4), (len(audio), 1), generator=random).to(audio.device)
    return audio.gather(1, (torch.arange(length, device=audio.device)[None] + offset) % length)
