"""Encoding a catalog, block by block."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from encoders.base import Encoder, average_samples
from encoders.errors import ArgumentError, EncoderError
from encoders.store.blocks import FeatureRows, block_path, block_positions, num_blocks, read_rows, write_rows
from encoders.store.catalog import Catalog
from encoders.store.identity import feature_path, make_header, work_folder
from encoders.store.loader import ContentChunk, load_content
from encoders.store.merge import merge_catalog
from encoders.store.options import EncodeOptions
from encoders.store.report import EncodeReport

__all__ = ["encode_catalog"]


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
        EncoderError: If ``strict`` and there are problems.
    """
    options = options or EncodeOptions()
    number, count = shard
    if not 1 <= number <= count:
        raise ArgumentError(f"'shard' must be a number from 1 to the count of shards (got {number}/{count})")
    if encoder.modality not in catalog.contents or all(entry is None for entry in catalog.contents[encoder.modality]):
        have = ", ".join(sorted(catalog.contents)) or "nothing"
        raise ArgumentError(f"no item of the catalog has content of modality '{encoder.modality}' (it has {have})")
    device, precision = options.resolve()
    header = make_header(encoder, catalog, precision=precision, weights=weights)
    work = work_folder(folder, encoder, header)
    work.mkdir(parents=True, exist_ok=True)
    earlier = _earlier_rows(feature_path(folder, encoder), header)
    report = EncodeReport(encoder.feature_name)
    mine = range(number - 1, num_blocks(len(catalog)), count)
    total = sum(len(block_positions(block, len(catalog))) for block in mine)
    missing = []
    for block in mine:
        done = _finished_rows(work, block, catalog, encoder.modality)
        if done is None:
            missing.append(block)
        else:
            _count(report, catalog, done, reused=int(done.mask.sum()))
    if on_progress:
        on_progress(report.items, total)
    encoder = encoder.to(device).eval()
    for block, rows, reused in _encode_blocks(encoder, catalog, missing, earlier, options, precision, report):
        started = time.perf_counter()
        write_rows(block_path(work, block), rows, {})
        report.write_seconds += time.perf_counter() - started
        _count(report, catalog, rows, reused=reused)
        if on_progress:
            on_progress(report.items, total)
    if count == 1:
        merged = merge_catalog(encoder, catalog, folder, precision=precision, strict=strict, weights=weights)
        report.path, report.covered = merged.path, merged.covered
    return report


def _earlier_rows(path: Path, header: dict[str, str]) -> dict[bytes, tuple[Tensor, bool]]:
    """Vectors by content of a file that the same encoder made in the same way, if there is one."""
    if not path.is_file():
        return {}
    try:
        rows, old = read_rows(path)
    except EncoderError:
        return {}  # of another kind or damaged: it will be replaced
    same = ("encoder", "modality", "dim", "weights_hash", "preprocessing", "precision")
    return rows.by_content() if all(old.get(name) == header[name] for name in same) else {}


def _finished_rows(work: Path, block: int, catalog: Catalog, modality: str) -> FeatureRows | None:
    """A block that is there and whose contents have not changed since."""
    path = block_path(work, block)
    if not path.is_file():
        return None
    rows, _ = read_rows(path)
    stamps = [catalog.stamp(modality, item) for item in block_positions(block, len(catalog))]
    return rows if rows.stamp.tolist() == [list(stamp) for stamp in stamps] else None


def _encode_blocks(
    encoder: Encoder,
    catalog: Catalog,
    blocks: list[int],
    earlier: dict[bytes, tuple[Tensor, bool]],
    options: EncodeOptions,
    precision: str,
    report: EncodeReport,
) -> Iterator[tuple[int, FeatureRows, int]]:
    """Block number, rows, and how many of them were there already."""
    if not blocks:
        return
    ranges = [block_positions(block, len(catalog)) for block in blocks]
    stream = load_content(
        catalog,
        encoder.modality,
        encoder.preprocess,
        ranges,
        known=frozenset(earlier),
        workers=options.workers,
    )
    for block, positions in zip(blocks, ranges, strict=True):
        # Stamps before contents: a file that changes in between is encoded again by the next run.
        stamps = torch.tensor([catalog.stamp(encoder.modality, item) for item in positions], dtype=torch.int64)
        chunks, vectors = _encode_chunks(encoder, stream, len(positions), options, precision, report)
        rows = _assemble(positions, chunks, vectors, encoder.dim, earlier)
        rows.stamp = stamps
        yield block, rows, sum(digest in earlier for chunk in chunks for digest in chunk.hashes.values())


def _encode_chunks(
    encoder: Encoder,
    stream: Iterator[ContentChunk],
    items: int,
    options: EncodeOptions,
    precision: str,
    report: EncodeReport,
) -> tuple[list[ContentChunk], Tensor]:
    """The chunks of one block, and the vectors of their samples."""
    chunks: list[ContentChunk] = []
    waiting: list[Tensor] = []
    vectors: list[Tensor] = []
    while sum(len(chunk.positions) for chunk in chunks) < items:
        started = time.perf_counter()
        chunk = next(stream)
        report.wait_seconds += time.perf_counter() - started
        chunks.append(chunk)
        if chunk.samples is None:
            continue
        waiting.append(chunk.samples)
        while sum(map(len, waiting)) >= options.batch_size:
            pooled = torch.cat(waiting)
            waiting = [pooled[options.batch_size :]]
            vectors.append(_forward(encoder, pooled[: options.batch_size], precision, report))
    if sum(map(len, waiting)):
        vectors.append(_forward(encoder, torch.cat(waiting), precision, report))
    return chunks, torch.cat(vectors) if vectors else torch.zeros(0, encoder.dim)


def _forward(encoder: Encoder, batch: Tensor, precision: str, report: EncodeReport) -> Tensor:
    started = time.perf_counter()
    device = encoder.device
    types = {"bf16": torch.bfloat16, "fp16": torch.float16}
    with torch.inference_mode(), torch.autocast(device.type, types.get(precision), enabled=precision in types):
        vectors: Tensor = encoder(batch.to(device, non_blocking=True)).float().cpu()
    report.forward_seconds += time.perf_counter() - started
    return vectors


def _assemble(
    positions: range,
    chunks: list[ContentChunk],
    vectors: Tensor,
    dim: int,
    earlier: dict[bytes, tuple[Tensor, bool]],
) -> FeatureRows:
    rows = FeatureRows.empty(len(positions), dim)
    first = positions.start
    prepared = [item - first for chunk in chunks for item in chunk.prepared]
    if prepared:
        counts = torch.tensor([count for chunk in chunks for count in chunk.counts])
        means = average_samples(vectors, counts)
        finite = torch.isfinite(means).all(dim=1)
        place = torch.tensor(prepared)
        rows.x[place[finite]] = means[finite]
        rows.mask[place[finite]] = True
        for row in place[~finite].tolist():
            rows.problems[first + row] = "the encoder gave a value that is not finite"
    for chunk in chunks:
        rows.problems |= chunk.problems
        rows.truncated[torch.tensor(chunk.truncated, dtype=torch.int64) - first] = True
        for item, digest in chunk.hashes.items():
            rows.content_hash[item - first] = torch.frombuffer(bytearray(digest), dtype=torch.uint8)
            if digest in earlier:
                rows.x[item - first], rows.truncated[item - first] = earlier[digest]
                rows.mask[item - first] = True
    return rows


def _count(report: EncodeReport, catalog: Catalog, rows: FeatureRows, *, reused: int) -> None:
    report.items += len(rows.mask)
    report.reused += reused
    report.encoded += int(rows.mask.sum()) - reused
    report.truncated += int(rows.truncated.sum())
    report.problems |= {str(catalog.item_ids[item]): reason for item, reason in sorted(rows.problems.items())}
