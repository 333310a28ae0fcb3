"""The musicnn music tagger as an encoder of sounds, with its published Keras weights.

After Pons & Serra, `musicnn: Pre-trained convolutional neural networks for music audio tagging
<https://arxiv.org/abs/1909.06654>`_ (2019).
"""

from encoders.musicnn.encoder import Musicnn
from encoders.musicnn.mel import LogMel
from encoders.musicnn.network import MusicnnNetwork, MusicnnOutput
from encoders.musicnn.tag_names import MSD_50_TAGS, MTT_50_TAGS
from encoders.musicnn.weights import load_keras_weights

__all__ = [
    "MSD_50_TAGS",
    "MTT_50_TAGS",
    "LogMel",
    "Musicnn",
    "MusicnnNetwork",
    "MusicnnOutput",
    "load_keras_weights",
]
