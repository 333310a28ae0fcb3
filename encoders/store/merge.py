"""Blocks of all shards to one file of features."""

import contextlib
import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from encoders.base import Encoder
from encoders.errors import EncoderError
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
    work = work_folder(folder, encoder, header)
    count = num_blocks(len(catalog))
    missing = [block for block in range(count) if not block_path(work, block).is_file()]
    path = feature_path(folder, encoder)
    if missing:
        raise EncoderError(
            f"{path}: {len(missing)} of {count} blocks of '{encoder.feature_name}' are not there yet (first: "
            f"{missing[0]}); run the shards that made them with the same encoder, weights and options"
        )
    blocks = [read_rows(block_path(work, block))[0] for block in range(count)]
    tensors = {name: torch.cat([block.tensors()[name] for block in blocks]) for name in blocks[0].tensors()}
    rows = FeatureRows(**tensors, problems={item: text for block in blocks for item, text in block.problems.items()})
    problems = {str(catalog.item_ids[item]): reason for item, reason in sorted(rows.problems.items())}
    if strict and problems:
        shown = "".join(f"\n  - item {item}: {reason}" for item, reason in list(problems.items())[:_SHOWN])
        raise EncoderError(f"{path}: not written, because {len(problems)} items have a problem:{shown}")
    if not bool(rows.mask.any()):
        shown = "".join(f"\n  - item {item}: {reason}" for item, reason in list(problems.items())[:_SHOWN])
        shutil.rmtree(work.parent)
        raise EncoderError(f"{path}: not written, because no content could be read:{shown}")
    _write_problems(problems_path(path), encoder.modality, catalog, rows.problems)
    write_rows(path, rows, header)
    shutil.rmtree(work.parent)
    with contextlib.suppress(OSError):  # other features may be on their way
        work.parent.parent.rmdir()
    return MergeReport(path, len(catalog), int(rows.mask.sum()), int(rows.truncated.sum()), problems)


def problems_path(path: Path) -> Path:
    """The table of problems beside a file of features."""
    return path.with_suffix(".problems.csv")


def _write_problems(path: Path, modality: str, catalog: Catalog, problems: dict[int, str]) -> None:
    """Item, content and reason of each problem; no file without any."""
    if not problems:
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f".{path.name}.part")
    with draft.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        table = csv.writer(file)
        table.writerow(["item_id", "content", "reason"])
        for item, reason in sorted(problems.items()):
            content = "" if modality == "text" else catalog.contents[modality][item]
            table.writerow([catalog.item_ids[item], content, reason])
    draft.replace(path)
