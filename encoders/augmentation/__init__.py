"""Augmentations of sounds, as AudioCLIP's training uses them: one transform a file, and their usual sequence.

A transform is called with a waveform of shape (channels, samples) between -1 and 1 and with a source of random
numbers, and gives a waveform; the same source in the same state gives the same waveform. No transform writes to what it
is given, but what it gives may share memory with that.
"""

from encoders.augmentation.audioclip import audioclip_augmentation, audioclip_evaluation
from encoders.augmentation.batches import augment_batch, mirror_images, shift_sounds
from encoders.augmentation.center_fit import CenterFit
from encoders.augmentation.pipeline import Pipeline
from encoders.augmentation.random_crop import RandomCrop
from encoders.augmentation.random_flip import RandomFlip
from encoders.augmentation.random_noise import RandomNoise
from encoders.augmentation.random_padding import RandomPadding
from encoders.augmentation.random_scale import RandomScale
from encoders.augmentation.random_source import RandomSource
from encoders.augmentation.transform import Transform

__all__ = [
    "CenterFit",
    "Pipeline",
    "RandomCrop",
    "RandomFlip",
    "RandomNoise",
    "RandomPadding",
    "RandomScale",
    "RandomSource",
    "Transform",
    "audioclip_augmentation",
    "audioclip_evaluation",
    "augment_batch",
    "mirror_images",
    "shift_sounds",
]
