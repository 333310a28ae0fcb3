"""Settings of training by name, as papers and code published them."""

from typing import Any

from encoders.errors import ArgumentError
from encoders.training.options import TrainingOptions

__all__ = ["PRESETS", "preset_options"]

PRESETS: dict[str, dict[str, Any]] = {
    # AudioCLIP, section 4.4: all training on AudioSet.
    "audioset": {"epochs": 30, "learning_rate": 1e-4, "decay": 0.95},
    # AudioCLIP, section 4.4: fine-tuning to ESC-50 and UrbanSound8K.
    "finetune": {"epochs": 50, "learning_rate": 5e-5, "decay": 0.98},
    # The protocols in AudioCLIP's released code, which differ from the paper.
    "released-esc50": {"epochs": 50, "learning_rate": 5e-5, "decay": 0.96},
    "released-urbansound8k": {"epochs": 50, "learning_rate": 1e-5, "decay": 0.96},
    # The released protocols of ESResNe(X)t-fbsp, for the audio head alone.
    "esresnext-imagenet": {
        "epochs": 300,
        "batch_size": 16,
        "optimizer": "adam",
        "learning_rate": 2.5e-4,
        "decay": 0.985,
        "cold_epochs": 5,
        "warm_up_epochs": 10,
    },
    "esresnext-audioset": {
        "epochs": 300,
        "batch_size": 16,
        "optimizer": "adam",
        "learning_rate": 1e-5,
        "decay": 0.99,
    },
    # Ours: small data, random weights.
    "scratch": {
        "epochs": 60,
        "batch_size": 32,
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "decay": 0.95,
        "weight_decay": 1e-2,
        "warm_up_epochs": 5,
    },
}
"""Arguments of :class:`~encoders.training.TrainingOptions` by name of a preset; what is left out is its default."""


def preset_options(name: str, **changes: Any) -> TrainingOptions:
    """The options of a preset, with changes.

    Raises:
        ArgumentError: If there is no such preset, or a value cannot work.
    """
    if name not in PRESETS:
        raise ArgumentError(f"'preset' must be one of {', '.join(PRESETS)} (got {name!r})")
    return TrainingOptions(**{**PRESETS[name], **changes})
