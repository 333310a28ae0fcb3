"""Encoding the items of a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from encoders.registry import create_encoders, encoder_modalities
from encoders.store import Catalog, EncodeOptions, EncodeReport, encode_catalog
from gnnrec.data.content_catalog import content_catalog, content_folder
from gnnrec.data.reading import read_dataset
from gnnrec.errors import ArgumentError

__all__ = ["choose_modalities", "encode_items"]


def choose_modalities(catalog: Catalog, encoder: str, wanted: Sequence[str] | None = None) -> list[str]:
    """Which of a catalog's contents to encode.

    Args:
        catalog: The items.
        encoder: Name of an encoder.
        wanted: Modalities [default: all that the encoder encodes and an item has].

    Raises:
        ArgumentError: If no item has what is wanted, or anything that the encoder encodes.
        UnknownEncoderError: If there is no such encoder.
    """
    available = encoder_modalities(encoder)
    have = [name for name, entries in catalog.contents.items() if any(entry is not None for entry in entries)]
    chosen = list(wanted or [name for name in available if name in have])
    lacking = [name for name in chosen if name in available and name not in have]
    if lacking or not chosen:
        raise ArgumentError(
            f"'{encoder}' encodes {', '.join(available)}; no item has {', '.join(lacking or available)} "
            f"(they have {', '.join(have) or 'nothing'})"
        )
    return chosen


def encode_items(
    path: str | Path,
    encoder: str,
    *,
    modalities: Sequence[str] | None = None,
    weights: str | Path | None = None,
    out: str | Path | None = None,
    options: EncodeOptions | None = None,
    seed: int = 0,
    **encoder_options: Any,
) -> dict[str, EncodeReport]:
    """Encode the contents that a data set's table of items names, as ``gnnrec encode`` does.

    Args:
        path: Data set folder or interaction file.
        encoder: Name of an encoder; see :func:`encoders.list_encoders`.
        modalities: Which contents [default: all that the encoder can encode and the items have].
        weights: File of trained weights [default: random, with a warning].
        out: Folder of feature files [default: ``features`` in that of the data].
        options: Batches, workers, device, precision.
        seed: Of random weights.
        **encoder_options: Further arguments of the encoder.

    Returns:
        Counts and times by modality.

    Raises:
        DataError: If the data cannot be read.
        EncoderError: If the encoder does not exist, or its weights do not fit.
    """
    dataset = read_dataset(path, features=())
    catalog = content_catalog(dataset)
    if modalities is None:
        modalities = [name for name in encoder_modalities(encoder) if any(catalog.contents.get(name, ()))]
    built = create_encoders(encoder, modalities, weights=weights, seed=seed, **encoder_options)
    folder = content_folder(dataset) / "features" if out is None else Path(out)
    return {
        modality: encode_catalog(
            one, catalog, folder, options=options, weights=None if weights is None else Path(weights)
        )
        for modality, one in built.items()
    }
