"""AudioCLIP: pictures, texts and sounds in one space."""

from encoders.audioclip.esresnext import AudioFeatures, ESResNeXt
from encoders.audioclip.fbsp import FrequencyBSpline
from encoders.audioclip.model import AudioCLIP
from encoders.audioclip.output import AudioCLIPOutput
from encoders.audioclip.presets import PRESETS

__all__ = [
    "PRESETS",
    "AudioCLIP",
    "AudioCLIPOutput",
    "AudioFeatures",
    "ESResNeXt",
    "FrequencyBSpline",
]
