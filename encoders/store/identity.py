"""What identifies features, and where they and their blocks are."""

import json
from importlib import metadata
from pathlib import Path

from encoders.base import Encoder
from encoders.files import file_hash
from encoders.store.catalog import Catalog, content_hash

__all__ = ["feature_path", "make_header", "work_folder"]


def make_header(encoder: Encoder, catalog: Catalog, *, precision: str, weights: Path | None) -> dict[str, str]:
    """What identifies the features of a catalog; the same for all shards."""
    header = {
        "name": encoder.feature_name,
        "encoder": encoder.name,
        "modality": encoder.modality,
        "dim": str(encoder.dim),
        "weights_hash": encoder.weights_hash(),
        "preprocessing": encoder.preprocess.describe(),
        "precision": precision,
        "item_id_hash": catalog.item_id_hash(),
        "source": catalog.sources.get(encoder.modality, ""),
        "reference_hash": catalog.reference_hash(encoder.modality),
        "gnnrec_version": metadata.version("gnnrec"),
    }
    if weights is not None and weights.is_file():
        header |= {"weights_file": str(weights.resolve()), "weights_file_hash": file_hash(weights)}
    return header


def feature_path(folder: Path, encoder: Encoder) -> Path:
    """The file of an encoder's features."""
    return folder / f"{encoder.name}.{encoder.modality}.safetensors"


def work_folder(folder: Path, encoder: Encoder, header: dict[str, str]) -> Path:
    """Where blocks wait until all are there; another one for whatever would give other blocks."""
    told = {name: text for name, text in header.items() if name != "weights_file"}  # not where a machine keeps it
    key = content_hash(json.dumps(told, sort_keys=True).encode()).hex()
    return folder / ".encoding" / f"{encoder.name}.{encoder.modality}" / key
