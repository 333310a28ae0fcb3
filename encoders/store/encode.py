"""Encoding a catalog, block by block."""

from collections.abc import Callable
from pathlib import Path

from encoders.base import Encoder
from encoders.errors import ArgumentError
from encoders.store.block_encoder import BlockEncoder
from encoders.store.blocks import block_positions, num_blocks
from encoders.store.catalog import Catalog
from encoders.store.merge import merge_catalog
from encoders.store.options import EncodeOptions
from encoders.store.report import EncodeReport

__all__ = ["check_modality", "encode_catalog"]


def encode_catalog(
    encoder: Encoder,
    catalog: Catalog,
    folder: Path,
    *,
    options: EncodeOptions | None = None,
    shard: tuple[int, int] = (1, 1),
    strict: bool = False,
    weights: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> EncodeReport:
    """Encode one modality of a catalog into ``<encoder>.<modality>.safetensors``.

    Blocks of items are encoded and written one by one; a run that was killed goes on with the first missing one. Rows
    of an earlier file are reused where encoder, weights, preprocessing and content are the same. Content that cannot be
    read is left out of the mask, and ``<encoder>.<modality>.problems.csv`` says why.

    Args:
        encoder: In evaluation mode.
        catalog: The items.
        folder: Where the file goes; made if it does not exist.
        options: Batches, workers, device, precision.
        shard: Number and count: this process does every count-th block. With more than one, call
            :func:`~encoders.store.merge_catalog` when all are done.
        strict: Refuse to write the file if there is any problem.
        weights: File that the encoder's weights came from, noted in the header.
        on_progress: Called with the items done and the items of this shard.

    Returns:
        Counts and times.

    Raises:
        ArgumentError: If the catalog lacks the modality, or an argument cannot work.
        EncoderError: If nothing at all could be encoded, or if ``strict`` and there are problems.
    """
    options = options or EncodeOptions()
    number, count = shard
    if not 1 <= number <= count:
        raise ArgumentError(f"'shard' must be a number from 1 to the count of shards (got {number}/{count})")
    check_modality(catalog, encoder.modality)
    device, precision = options.resolve()
    worker = BlockEncoder(
        encoder, catalog, folder, options=options, device=device, precision=precision, weights=weights
    )
    report = EncodeReport(encoder.feature_name)
    mine = range(number - 1, num_blocks(len(catalog)), count)
    total = sum(len(block_positions(block, len(catalog))) for block in mine)
    missing = worker.find_missing(mine, report)
    if on_progress:
        on_progress(report.items, total)
    for _ in worker.encode(missing, report):
        if on_progress:
            on_progress(report.items, total)
    if count == 1:
        merged = merge_catalog(encoder, catalog, folder, precision=precision, strict=strict, weights=weights)
        report.path, report.covered = merged.path, merged.covered
    return report


def check_modality(catalog: Catalog, modality: str) -> None:
    """Refuse a catalog without any content to encode."""
    if all(entry is None for entry in catalog.contents.get(modality, ())):
        have = ", ".join(sorted(catalog.contents)) or "nothing"
        raise ArgumentError(f"no item of the catalog has content of modality '{modality}' (it has {have})")
