"""Which modality features are of, told from their name."""

import re

__all__ = ["MODALITIES", "modality_of"]

MODALITIES = ("image", "text", "audio", "video")

# In this order: "vggish" is sound although it starts like a picture network.
_HINTS = {
    "audio": (
        "audio",
        "whisper",
        "vggish",
        "musicnn",
        "wav2vec",
        "hubert",
        "clap",
        "panns",
        "mfcc",
        "spectrum",
        "sound",
    ),
    "video": ("video", "r2plus1d", "i3d", "slowfast", "frames"),
    "text": ("text", "minilm", "mpnet", "bert", "sentence", "word2vec", "glove", "words", "title"),
    "image": (
        "image",
        "visual",
        "resnet",
        "vgg",
        "inception",
        "dino",
        "vit",
        "colour",
        "color",
        "picture",
        "poster",
    ),
}
# Encoders of several modalities say nothing about which one a file holds.
_SEVERAL = re.compile("(audio|video)?clip")


def modality_of(name: str) -> str:
    """The modality of features called ``name``, ``"unknown"`` if the name does not tell.

    A last part that is a modality decides (``"clip.text"``); else the names of well-known encoders do.

    Example:
        >>> [modality_of(name) for name in ("clip.image", "all-MiniLM-L6-v2", "vggish", "x")]
        ['image', 'text', 'audio', 'unknown']
    """
    last = name.rpartition(".")[2]
    if last in MODALITIES:
        return last
    rest = _SEVERAL.sub("", name.lower())
    return next((modality for modality, hints in _HINTS.items() if any(hint in rest for hint in hints)), "unknown")
