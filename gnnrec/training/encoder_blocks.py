"""The blocks that an encoder consists of, from its input to its output."""

from collections.abc import Mapping

from torch import nn

from encoders import Encoder

__all__ = ["encoder_blocks", "last_parameters"]


def encoder_blocks(encoder: Encoder) -> list[str]:
    """Names of an encoder's blocks, in the order in which it was built, which is that of its input to its output.

    A block is what a number in a parameter's name counts, such as ``network.layer4.2`` or ``model.transformer.3``, else
    the module that holds the parameter. Only parameters that the vectors depend on count.

    Example:
        For a ResNet: ``network.conv1``, ``network.bn1``, ``network.layer1.0``, ... ``network.layer4.2``.
    """
    used = encoder.weights_in_use()
    names = (name for name, _ in encoder.named_parameters() if _is_used(name, used))
    return list(dict.fromkeys(map(_block_of, names)))


def last_parameters(encoder: Encoder, blocks: int | None) -> dict[str, nn.Parameter]:
    """The parameters of an encoder's last blocks, by name; of all without ``blocks``.

    What the vectors do not depend on, such as another modality's part of a shared model, is not among them.
    """
    names = encoder_blocks(encoder)
    kept = set(names[-blocks:] if blocks else names)
    used = encoder.weights_in_use()
    return {
        name: parameter
        for name, parameter in encoder.named_parameters()
        if _is_used(name, used) and _block_of(name) in kept
    }


def _is_used(name: str, used: Mapping[str, object]) -> bool:
    # Encoders that share a model name their weights as the model does.
    return name in used or name.partition(".")[2] in used


def _block_of(name: str) -> str:
    parts = name.split(".")
    for place, part in enumerate(parts):
        if part.isdigit():
            return ".".join(parts[: place + 1])
    return ".".join(parts[:-1])
