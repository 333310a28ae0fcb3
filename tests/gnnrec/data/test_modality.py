"""Modalities told from names."""

import pytest

from gnnrec.data.modality import modality_of


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("whisper", "audio"),
        ("vggish", "audio"),
        ("vgg16", "image"),
        ("all-MiniLM-L6-v2", "text"),
        ("image", "image"),
        ("audio", "audio"),
        ("audioclip", "unknown"),
        ("clip", "unknown"),
        ("clip.text", "text"),
        ("audioclip.image", "image"),
        ("clip-text", "text"),
        ("r2plus1d", "video"),
        ("emb", "unknown"),
    ],
)
def test_names(name, modality):
    assert modality_of(name) == modality
