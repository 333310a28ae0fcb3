"""What AudioCLIP's training does to sounds."""

from encoders.augmentation.center_fit import CenterFit
from encoders.augmentation.pipeline import Pipeline
from encoders.augmentation.random_crop import RandomCrop
from encoders.augmentation.random_flip import RandomFlip
from encoders.augmentation.random_noise import RandomNoise
from encoders.augmentation.random_padding import RandomPadding
from encoders.augmentation.random_scale import RandomScale

__all__ = ["audioclip_augmentation", "audioclip_evaluation"]


def audioclip_augmentation(length: int) -> Pipeline:
    """What the paper (section 4.2) does to sounds of its training, in the order of its released code.

    Time inversion (half of the sounds), scaling by factors from 1/1.5 to 1.5, random padding or cropping, and noise
    of 10 to 120 dB (a quarter of the sounds).

    Args:
        length: Samples that the longest sound has without augmentation: 220,500 for ESC-50 (5 s) and 176,400 for
            UrbanSound8K (4 s), at 44,100 samples a second.

    Raises:
        ArgumentError: If ``length`` is not positive.
    """
    return Pipeline(
        (
            RandomFlip(0.5),
            RandomScale(1.5),
            RandomPadding(length),
            RandomCrop(length),
            RandomNoise(10.0, 120.0, 0.25),
        )
    )


def audioclip_evaluation(length: int) -> CenterFit:
    """What the paper (section 4.2) does to sounds of its evaluation: nothing but the length, around the centre.

    Args:
        length: As for :func:`audioclip_augmentation`.

    Raises:
        ArgumentError: If ``length`` is not positive.
    """
    return CenterFit(length)
