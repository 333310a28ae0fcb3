"""Signal features of the demo catalog, computed from its files."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import gnnrec
from encoders.errors import ContentError, MissingPackageError
from encoders.signal import (
    COLOUR_HISTOGRAM_DIM,
    HASHED_WORDS_DIM,
    MEAN_SPECTRUM_DIM,
    colour_histogram,
    hashed_words,
    mean_spectrum,
    read_waveform,
)
from gnnrec.data.feature_file import item_id_hash, write_feature_file
from gnnrec.data.id_map import IdMap
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import DataError, MissingExtraError

__all__ = ["DEMO_FEATURES", "encode_demo_features"]

DEMO_FEATURES = {"colour-histogram": "image", "mean-spectrum": "audio", "hashed-words": "text"}
"""Name of the features and the modality they describe."""

_PREPROCESSING = {
    "colour-histogram": "at most 512 pixels a side, 4 levels a channel, weighted by opacity",
    "mean-spectrum": "channels averaged, 32 ms frames every 16 ms, 40 mel bands from 40 to 7800 Hz",
    "hashed-words": "NFKC, case folded, words and pairs of words",
}


def encode_demo_features(folder: str | Path) -> dict[str, ItemFeatures]:
    """Compute the features of all items of a data set folder and write them to ``features/``.

    Pictures and sounds are read from the files that ``items.parquet`` names, texts from its column ``text``.
    Items whose content is missing or says nothing (silence, a text without words) are outside the mask. Files
    are called ``<features>.<modality>.safetensors``.

    Args:
        folder: A folder written by :func:`gnnrec.data.demo_catalog.write_demo_catalog`, or one like it.

    Returns:
        The features by name, in the order of ``items.parquet``.

    Raises:
        DataError: If the table of items lacks a column or files cannot be read; all of them are named.
        MissingExtraError: If Pillow or soundfile is not installed.
    """
    folder = Path(folder)
    table = _read_items(folder / "items.parquet")
    items = IdMap([str(value) for value in table["item_id"]], kind="item")
    encoders: dict[str, tuple[Callable[[str], Tensor], int]] = {
        "colour-histogram": (lambda path: colour_histogram(folder / path), COLOUR_HISTOGRAM_DIM),
        "mean-spectrum": (lambda path: mean_spectrum(*read_waveform(folder / path)), MEAN_SPECTRUM_DIM),
        "hashed-words": (hashed_words, HASHED_WORDS_DIM),
    }
    problems: list[str] = []
    features = {name: _encode(*encoders[name], table[modality], problems) for name, modality in DEMO_FEATURES.items()}
    if problems:
        raise DataError(problems)
    (folder / "features").mkdir(exist_ok=True)
    for name, modality in DEMO_FEATURES.items():
        header = {
            "encoder": name,
            "modality": modality,
            "weights_hash": "none",
            "preprocessing": _PREPROCESSING[name],
            "dim": str(features[name].dim),
            "item_id_hash": item_id_hash(items),
            "gnnrec_version": gnnrec.__version__,
        }
        write_feature_file(folder / "features" / f"{name}.{modality}.safetensors", features[name], header)
    return features


def _read_items(path: Path) -> dict[str, list[str | None]]:
    from pyarrow import ArrowInvalid, parquet

    try:
        table = parquet.read_table(path)
    except (OSError, ArrowInvalid) as error:
        raise DataError(f"{path}: cannot be read as a Parquet file: {' '.join(str(error).split())}") from None
    wanted = ["item_id", *DEMO_FEATURES.values()]
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        raise DataError(f"{path}: must have the columns {', '.join(wanted)} (without: {', '.join(missing)})")
    return {name: table[name].to_pylist() for name in wanted}


def _encode(encode: Callable[[str], Tensor], dim: int, contents: list[str | None], problems: list[str]) -> ItemFeatures:
    """The features of one modality; what could not be read is added to ``problems``."""
    x = torch.zeros(len(contents), dim)
    for item, content in enumerate(contents):
        if content is None:
            continue
        try:
            x[item] = encode(content)
        except ContentError as error:
            problems.append(str(error))
        except MissingPackageError as error:
            raise MissingExtraError(error.package, error.extra, error.purpose) from None
    return ItemFeatures(x=x, mask=(x != 0).any(dim=1))
