"""Which parameters of AudioCLIP are decayed in training."""

from typing import Any

from torch import nn

__all__ = ["undecayed_apart"]

_UNDECAYED = ("fbsp.", "audio.fbsp.", "logit_scale")


def undecayed_apart(model: nn.Module) -> list[dict[str, Any]]:
    """Groups of parameters for an optimizer: the learned transform's and the scales get no weight decay.

    Args:
        model: :class:`~encoders.audioclip.AudioCLIP` or its audio head alone.

    Returns:
        Two groups, of the parameters that need a gradient.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    decayed = [parameter for name, parameter in named if not name.startswith(_UNDECAYED)]
    free = [parameter for name, parameter in named if name.startswith(_UNDECAYED)]
    return [{"params": decayed}, {"params": free, "weight_decay": 0.0}]
