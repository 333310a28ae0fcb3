"""Sizes of AudioCLIP."""

from typing import Any

__all__ = ["PRESETS", "WINDOW_SECONDS"]

PRESETS: dict[str, dict[str, Any]] = {
    "audioclip": {},
    "audioclip-tiny": {
        "embed_dim": 64,
        "image_resolution": 64,
        "vision_layers": (1, 1, 1, 1),
        "vision_width": 16,
        "transformer_width": 64,
        "transformer_heads": 2,
        "transformer_layers": 2,
        "sample_rate": 16_000,
        "n_fft": 512,
        "hop_length": 256,
        "win_length": 512,
        "audio_layers": (1, 1, 1, 1),
        "audio_width": 16,
        "audio_groups": 8,
        "audio_width_per_group": 8,
    },
}
"""Arguments of :class:`~encoders.audioclip.AudioCLIP` by name; ``audioclip`` is the paper's."""

WINDOW_SECONDS = {"audioclip": 5.0, "audioclip-tiny": 1.0}
"""Length of the windows of sound that a preset encodes; the paper's is that of ESC-50's clips."""
