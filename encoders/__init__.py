"""Raw content in, vectors out."""

from encoders.base import MODALITIES, Encoder, Prepared, Preprocess
from encoders.registry import create_encoder, create_encoders, encoder_modalities, list_encoders

__all__ = [
    "MODALITIES",
    "Encoder",
    "Prepared",
    "Preprocess",
    "create_encoder",
    "create_encoders",
    "encoder_modalities",
    "list_encoders",
]
