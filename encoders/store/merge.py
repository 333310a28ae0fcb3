"""Blocks of all shards to one file of features."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from encoders.base import Encoder
from encoders.errors import EncoderError
from encoders.files import held_alone, write_problems
from encoders.store.blocks import FeatureRows, block_path, num_blocks, read_rows, write_rows
from encoders.store.catalog import Catalog
from encoders.store.identity import feature_path, make_header, work_folder

__all__ = ["MergeReport", "merge_catalog", "problems_path"]

_SHOWN = 5


@dataclass(frozen=True)
class MergeReport:
    """What was merged.

    Args:
        path: The file of features.
        items: Items of the catalog.
        covered: Items that have a vector.
        truncated: Items whose content was cut.
        problems: Reason by item id.
    """

    path: Path
    items: int
    covered: int
    truncated: int
    problems: dict[str, str]


def merge_catalog(
    encoder: Encoder,
    catalog: Catalog,
    folder: Path,
    *,
    precision: str = "fp32",
    strict: bool = False,
    weights: Path | None = None,
) -> MergeReport:
    """Put the blocks of all shards together, and write the table of problems beside.

    One process at a time does so for a file of features; whoever comes after the work is done finds it done.

    Args:
        encoder: That made the blocks.
        catalog: Of the same items.
        folder: Where the blocks are and the file goes.
        precision: Of the blocks.
        strict: Refuse to write the file if there is any problem.
        weights: File that the encoder's weights came from.

    Raises:
        EncoderError: If blocks are missing, nothing at all could be encoded, or ``strict`` and there are problems.
    """
    header = make_header(encoder, catalog, precision=precision, weights=weights)
    path = feature_path(folder, encoder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with held_alone(path.with_name(f".{path.name}.lock")):
        return _merge(encoder, catalog, path, work_folder(folder, encoder, header), header, strict=strict)


def _merge(
    encoder: Encoder, catalog: Catalog, path: Path, work: Path, header: dict[str, str], *, strict: bool
) -> MergeReport:
    count = num_blocks(len(catalog))
    missing = [block for block in range(count) if not block_path(work, block).is_file()]
    if missing:
        done = _merged_before(path, header, catalog)
        if done is None:
            raise EncoderError(
                f"{path}: {len(missing)} of {count} blocks of '{encoder.feature_name}' are not there yet (first: "
                f"{missing[0]}); run the shards that made them with the same encoder, weights and options"
            )
        _clear(work)
        return done
    blocks = [read_rows(block_path(work, block))[0] for block in range(count)]
    tensors = {name: torch.cat([block.tensors()[name] for block in blocks]) for name in blocks[0].tensors()}
    rows = FeatureRows(**tensors, problems={item: text for block in blocks for item, text in block.problems.items()})
    report = _report(path, catalog, rows)
    shown = "".join(f"\n  - item {item}: {reason}" for item, reason in list(report.problems.items())[:_SHOWN])
    if strict and report.problems:
        raise EncoderError(f"{path}: not written, because {len(report.problems)} items have a problem:{shown}")
    if not bool(rows.mask.any()):
        _clear(work)
        raise EncoderError(f"{path}: not written, because no content could be read:{shown}")
    contents = catalog.contents[encoder.modality]
    write_problems(
        problems_path(path),
        ("item_id", "content", "reason"),
        [
            (catalog.item_ids[item], "" if encoder.modality == "text" else contents[item], reason)
            for item, reason in sorted(rows.problems.items())
        ],
    )
    write_rows(path, rows, header)
    _clear(work)
    return report


def _report(path: Path, catalog: Catalog, rows: FeatureRows) -> MergeReport:
    problems = {str(catalog.item_ids[item]): reason for item, reason in sorted(rows.problems.items())}
    return MergeReport(path, len(catalog), int(rows.mask.sum()), int(rows.truncated.sum()), problems)


def _merged_before(path: Path, header: dict[str, str], catalog: Catalog) -> MergeReport | None:
    """What an earlier call, or another process, has merged of the same blocks."""
    if not path.is_file():
        return None
    rows, found = read_rows(path)
    is_same = all(found.get(name) == value for name, value in header.items() if name != "weights_file")
    return _report(path, catalog, rows) if is_same and len(rows.mask) == len(catalog) else None


def _clear(work: Path) -> None:
    """Remove the blocks that have been merged; those of other weights or settings stay."""
    shutil.rmtree(work, ignore_errors=True)
    with contextlib.suppress(OSError):  # other features may be on their way
        work.parent.rmdir()
        work.parent.parent.rmdir()


def problems_path(path: Path) -> Path:
    """The table of problems beside a file of features."""
    return path.with_suffix(".problems.csv")
