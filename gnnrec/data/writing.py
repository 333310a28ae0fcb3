"""Writing a data set as gnnrec's own folder."""

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import gnnrec
from encoders.files import put_in_place
from gnnrec.data.dataset import Dataset
from gnnrec.data.feature_file import item_id_hash, write_feature_file
from gnnrec.data.id_map import IdMap
from gnnrec.data.modality import MODALITIES, modality_of
from gnnrec.data.readers.folder import INTERACTIONS, ITEMS, USERS
from gnnrec.errors import ArgumentError, DataError

__all__ = ["write_dataset"]

MEDIA = "media"
"""Folder of the pictures, sounds and videos that came along."""

_OWN = {INTERACTIONS, ITEMS, USERS, MEDIA, "features"}
_PATH_COLUMNS = ("image", "audio", "video")  # relative to the folder in items.parquet


def write_dataset(dataset: Dataset, folder: str | Path, *, force: bool = False) -> Path:
    """Write ``interactions.parquet``, ``items.parquet``, ``users.parquet`` and ``features/``.

    Reading the folder gives a data set of the same fingerprint. It is written under a temporary name beside
    the target and then renamed, so that no half-written folder is ever seen. ``users.parquet`` keeps the
    order of the users and those without interactions. Images, sounds and videos of the catalog come along into
    ``media/``, as hard links where the file system can.

    Args:
        dataset: What to write.
        folder: Where to; its parents are made.
        force: Whether to replace a folder that gnnrec wrote before. Any other folder with content is never
            touched.

    Returns:
        The folder.

    Raises:
        DataError: If the folder has content and may not be replaced.
        ArgumentError: If only some parts have timestamps or weights.
    """
    target = Path(os.path.realpath(Path(folder).expanduser()))  # a link goes on to lead there
    _check_target(target, force)
    target.parent.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(target)
    work = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    work.mkdir()
    try:
        _write_content(dataset, work)
        put_in_place(work, target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return target


def _clear_abandoned(target: Path) -> None:
    """Remove what processes that are gone have left half written."""
    for path in target.parent.iterdir():
        match = re.fullmatch(rf"\.{re.escape(target.name)}\.(\d+)-[0-9a-f]{{8}}\.part", path.name)
        if match and not _is_running(int(match[1])):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _check_target(target: Path, force: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise DataError(f"{target}: must be a folder (got a file)")
    content = sorted(path.name for path in target.iterdir())
    foreign = [name for name in content if name not in _OWN]
    if foreign:
        shown = ", ".join(foreign[:3])
        raise DataError(f"{target}: holds more than data that gnnrec wrote ({shown}); choose another folder")
    if content and not force:
        raise DataError(f"{target}: has content already; choose another folder or replace it with force (--force)")


def _write_content(dataset: Dataset, work: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(_log_table(dataset), work / INTERACTIONS)
    parquet.write_table(_item_table(dataset, work), work / ITEMS)
    parquet.write_table(_id_table(dataset.users), work / USERS)
    if dataset.features:
        (work / "features").mkdir()
    for name, features in dataset.features.items():
        encoder, _, modality = name.rpartition(".")
        if modality not in MODALITIES or not encoder:
            encoder, modality = name, modality_of(name)
        header = {
            "encoder": encoder,
            "modality": modality,
            "weights_hash": "unknown",
            "preprocessing": "unknown",
            **dataset.feature_info.get(name, {}),
            "name": name,
            "dim": str(features.dim),
            "item_id_hash": item_id_hash(dataset.items),
            "gnnrec_version": gnnrec.__version__,
        }
        # The rows are in item order now, and what they were made of is not compared any more: its stamps stay behind.
        for name_of_old in ("item_ids", "reference_hash", "source"):
            header.pop(name_of_old, None)
        file = _feature_path(work / "features", name, header)
        write_feature_file(file, features, header)


def _feature_path(folder: Path, name: str, header: Mapping[str, str]) -> Path:
    """``<encoder>.<modality>.safetensors``, or the features' name for the encoder where that is not free."""
    stem = f"{header['encoder']}.{header['modality']}"
    file = folder / f"{_safe(stem)}.safetensors"
    if name in (header["encoder"], stem) and not file.exists():
        return file
    return folder / f"{_safe(name)}.{_safe(header['modality'])}.safetensors"


def _log_table(dataset: Dataset) -> Any:
    import pyarrow as pa

    parts = {name: part for name, part in dataset.parts().items() if len(part)}
    columns: dict[str, Any] = {}
    for column, ids, name in (("user_id", dataset.users, "user"), ("item_id", dataset.items, "item")):
        positions = np.concatenate([getattr(part, name).cpu().numpy() for part in parts.values()])
        columns[column] = _id_array(ids).take(pa.array(positions))
    for name in ("timestamp", "weight"):
        values = [getattr(part, name) for part in parts.values()]
        lacking = [part for part, value in zip(parts, values, strict=True) if value is None]
        if len(lacking) == len(parts):
            continue
        if lacking:
            raise ArgumentError(f"'{name}' must be in all parts or in none (missing in {', '.join(lacking)})")
        columns[name] = pa.array(np.concatenate([value.cpu().numpy() for value in values]))
    if dataset.split != "none":
        columns["split"] = pa.array(np.repeat(list(parts), [len(part) for part in parts.values()]))
    return pa.table(columns)


def _item_table(dataset: Dataset, work: Path) -> Any:
    import pyarrow as pa

    ids = pa.table({"item_id": _id_array(dataset.items)})
    if dataset.catalog is None:
        return ids
    source = Path(dataset.source)
    base = source if source.is_dir() else source.parent
    catalog = dataset.catalog.drop(columns="item_id", errors="ignore")
    for column in _PATH_COLUMNS:
        if column in catalog:
            catalog[column] = _bring_along(catalog[column].tolist(), base, work)
    table = pa.Table.from_pandas(catalog, preserve_index=False)
    for name in table.column_names:
        ids = ids.append_column(name, table.column(name))
    return ids


def _bring_along(names: list[object], base: Path, work: Path) -> list[str | None]:
    """File names of contents in the new folder, into which the files are linked, or copied where that cannot be.

    So the folder can be encoded, moved and handed on by itself. Names that lead out of the old folder, which encoders
    refuse, lead to the same files from the new one.
    """
    given = [name for name in names if isinstance(name, str) and name]
    known = all(Path(name).parts[0] == MEDIA for name in given)  # a folder that was written like this one
    brought: list[str | None] = []
    for name in names:
        if not isinstance(name, str) or not name:
            brought.append(None)
            continue
        file = Path(os.path.realpath(base / name))
        if Path(name).is_absolute() or not file.is_file():
            brought.append(name)
        elif not file.is_relative_to(os.path.realpath(base)):
            brought.append(os.path.relpath(base / name, work))
        else:
            inner = Path(os.path.normpath(name))
            place = inner if known else Path(MEDIA, inner)
            _link(file, work / place)
            brought.append(place.as_posix())
    return brought


def _link(file: Path, place: Path) -> None:
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, place)
        except OSError:
            shutil.copyfile(file, place)


def _id_table(ids: IdMap) -> Any:
    import pyarrow as pa

    return pa.table({f"{ids.kind}_id": _id_array(ids)})


def _id_array(ids: IdMap) -> Any:
    import pyarrow as pa

    return pa.array(ids.array) if ids.is_integer else pa.array(ids.array.tolist(), type=pa.string())


def _safe(stem: str) -> str:
    """A file name of the stem: path separators are no part of it."""
    return stem.replace("/", "_").replace(os.sep, "_")
