"""What the audio head says of sounds."""

from collections.abc import Callable

import torch
from torch import Tensor

from encoders.audioclip import AudioFeatures, ESResNeXt
from encoders.audioclip.waveform import prepare_waveform
from encoders.training.order import evaluation_batches
from encoders.training.stages.drawn_samples import EVALUATION
from encoders.training.stages.sound_samples import SoundSamples

__all__ = ["hear", "sound_rows"]


def hear(head: ESResNeXt, sounds: Tensor) -> AudioFeatures:
    """Pass a batch of samples through the head, on its device.

    Args:
        head: In any mode.
        sounds: At the head's sample rate, between -1 and 1. Shape: (batch, channels, samples).
    """
    on_device = sounds.to(head.window.device, non_blocking=True)
    features: AudioFeatures = head(prepare_waveform(on_device, sample_rate=1, wanted_rate=1))  # nothing to resample
    return features


@torch.no_grad()
def sound_rows(
    head: ESResNeXt,
    samples: SoundSamples,
    *,
    batch_size: int = 64,
    workers: int = 0,
    on_rows: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Outputs of the head for sounds as they are, without augmentation.

    Args:
        head: In evaluation mode.
        samples: The sounds.
        batch_size: Sounds a pass.
        workers: Processes that make samples.
        on_rows: Called with the number of sounds done and of all.

    Returns:
        Shape: (sounds, out_features), on the CPU.
    """
    rows: list[Tensor] = []
    places = evaluation_batches(len(samples), batch_size)
    for batch, sounds in zip(places, samples.batches(places, epoch=EVALUATION, workers=workers), strict=True):
        rows.append(hear(head, sounds).vectors.float().cpu())
        if on_rows:
            on_rows(batch[-1] + 1, len(samples))
    return torch.cat(rows)
