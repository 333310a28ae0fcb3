"""Encoding blocks and writing them; what one process of any number does."""

import time
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from encoders.base import Encoder, average_samples
from encoders.errors import EncoderError
from encoders.store.blocks import FeatureRows, block_path, block_positions, read_rows, write_rows
from encoders.store.catalog import Catalog
from encoders.store.identity import feature_path, make_header, work_folder
from encoders.store.loader import ContentChunk, load_content
from encoders.store.options import EncodeOptions
from encoders.store.report import EncodeReport

__all__ = ["BlockEncoder"]


class BlockEncoder:
    """Encodes blocks of one catalog and writes each as soon as it is done.

    Args:
        encoder: In evaluation mode.
        catalog: The items, some of which have content of the encoder's modality.
        folder: Where the file of features will go.
        options: Batches and workers.
        device: Where to encode.
        precision: ``"fp32"``, ``"bf16"`` or ``"fp16"``.
        weights: File that the encoder's weights came from.
    """

    def __init__(
        self,
        encoder: Encoder,
        catalog: Catalog,
        folder: Path,
        *,
        options: EncodeOptions,
        device: torch.device,
        precision: str,
        weights: Path | None,
    ) -> None:
        self._encoder, self._catalog, self._folder = encoder, catalog, folder
        self._options, self._device, self._precision = options, device, precision
        self._header = make_header(encoder, catalog, precision=precision, weights=weights)
        self.work = work_folder(folder, encoder, self._header)

    def find_missing(self, blocks: Iterable[int], report: EncodeReport) -> list[int]:
        """The blocks that are not there yet, or whose contents have changed since; counts the others as reused."""
        missing = []
        for block in blocks:
            done = self._finished_rows(block)
            if done is None:
                missing.append(block)
            else:
                _count(report, self._catalog, done, reused=int(done.mask.sum()))
        return missing

    def encode(self, blocks: list[int], report: EncodeReport) -> Iterator[None]:
        """Encode and write blocks, and count them; stops to yield after each."""
        if not blocks:
            return
        modality, earlier = self._encoder.modality, self._earlier
        encoder = self._encoder.to(self._device).eval()
        ranges = [block_positions(block, len(self._catalog)) for block in blocks]
        stream = load_content(
            self._catalog,
            modality,
            encoder.preprocess,
            ranges,
            known=frozenset(earlier),
            workers=self._options.workers,
            item_seconds=self._options.item_seconds,
            notes=self.work,
        )
        for block, positions in zip(blocks, ranges, strict=True):
            chunks, vectors = _encode_chunks(
                encoder, stream, len(positions), self._options.batch_size, self._precision, report
            )
            rows = _assemble(positions, chunks, vectors, encoder.dim, earlier)
            rows.stamp = torch.tensor([stamp for chunk in chunks for stamp in chunk.stamps], dtype=torch.int64)
            started = time.perf_counter()
            self.work.mkdir(parents=True, exist_ok=True)  # another process may have merged the same blocks meanwhile
            write_rows(block_path(self.work, block), rows, {})
            report.write_seconds += time.perf_counter() - started
            reused = sum(digest in earlier for chunk in chunks for digest in chunk.hashes.values())
            _count(report, self._catalog, rows, reused=reused)
            yield

    @cached_property
    def _earlier(self) -> dict[bytes, tuple[Tensor, bool]]:
        """Vectors by content of a file that the same encoder made in the same way, if there is one."""
        path = feature_path(self._folder, self._encoder)
        if not path.is_file():
            return {}
        try:
            rows, old = read_rows(path)
        except EncoderError:
            return {}  # of another kind or damaged: it will be replaced
        same = ("encoder", "modality", "dim", "weights_hash", "preprocessing", "precision")
        return rows.by_content() if all(old.get(name) == self._header[name] for name in same) else {}

    def _finished_rows(self, block: int) -> FeatureRows | None:
        """A block that is there and whose contents have not changed since."""
        path = block_path(self.work, block)
        if not path.is_file():
            return None
        try:
            rows, _ = read_rows(path)
        except EncoderError:
            return None  # damaged: it is encoded again
        items = block_positions(block, len(self._catalog))
        stamps = [self._catalog.stamp(self._encoder.modality, item) for item in items]
        return rows if rows.stamp.tolist() == [list(stamp) for stamp in stamps] else None


def _encode_chunks(
    encoder: Encoder,
    stream: Iterator[ContentChunk],
    items: int,
    batch_size: int,
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
        while sum(map(len, waiting)) >= batch_size:
            pooled = torch.cat(waiting)
            waiting = [pooled[batch_size:]]
            vectors.append(_forward(encoder, pooled[:batch_size], precision, report))
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
