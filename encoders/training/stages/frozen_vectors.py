"""What frozen heads say of pictures and texts, worked out once."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from encoders.audioclip import AudioCLIP
from encoders.audioclip.encoder import AudioCLIPEncoder
from encoders.store.tensor_file import read_tensor_file, write_tensor_file
from encoders.training.stages.frame_samples import FrameSamples

__all__ = ["frame_vectors", "text_vectors"]

_BATCH = 64


@torch.no_grad()
def text_vectors(model: AudioCLIP, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Vectors of length 1 of the different texts among many.

    Args:
        model: In evaluation mode.
        texts: One an item.

    Returns:
        The vectors, shape (different texts, embed_dim), and for each item the place of its own, shape (items,), int64.
    """
    different = list(dict.fromkeys(texts))
    place = {text: number for number, text in enumerate(different)}
    rows = [
        model.encode_text(different[start : start + _BATCH], normalize=True).float()
        for start in range(0, len(different), _BATCH)
    ]
    return torch.cat(rows), torch.tensor([place[text] for text in texts])


@torch.no_grad()
def frame_vectors(
    model: AudioCLIP,
    frames: FrameSamples,
    *,
    file: Path | None = None,
    on_encoded: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Vectors of length 1 of all frames of all items.

    Args:
        model: In evaluation mode.
        frames: The items' frames.
        file: Where they are kept; one of the same frames and weights is read instead of encoding again.
        on_encoded: Called with the number of encoded frames and of all.

    Returns:
        Item after item. Shape: (frames, embed_dim), on the model's device.
    """
    device = model.positional_embedding.device
    identity = _identity(model, frames)
    if file is not None and file.is_file():
        tensors, header = read_tensor_file(file)
        if header.get("identity") == identity:
            return tensors["x"].to(device)
    draws = [(place, number) for place, paths in enumerate(frames.frames) for number in range(len(paths))]
    rows = []
    for start in range(0, len(draws), _BATCH):
        pixels = torch.stack([frames.pixels(place, number) for place, number in draws[start : start + _BATCH]])
        rows.append(model.encode_image(pixels.to(device), normalize=True).float())
        if on_encoded:
            on_encoded(min(len(draws), start + _BATCH), len(draws))
    vectors = torch.cat(rows)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_tensor_file(file, {"x": vectors}, {"identity": identity})
    return vectors


def _identity(model: AudioCLIP, frames: FrameSamples) -> str:
    """Hash of the image head's weights, the preprocessing and the frames' names and sizes."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(AudioCLIPEncoder(model, modality="image").weights_hash().encode())
    digest.update(frames.preprocess.describe().encode())
    for paths in frames.frames:
        digest.update(b"\n".join(f"{path} {path.stat().st_size}".encode() for path in paths) + b"\n\n")
    return digest.hexdigest()
