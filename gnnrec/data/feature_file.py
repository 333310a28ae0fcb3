"""Files of item features: NumPy arrays in item order, and gnnrec's own safetensors with mask and header."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from encoders.files import atomic_write, require_regular
from encoders.store.catalog import hash_of_ids
from gnnrec.data.id_map import IdMap, plain_ids
from gnnrec.data.item_features import LARGEST, ItemFeatures
from gnnrec.errors import DataError

__all__ = ["FeatureFile", "OtherItemsError", "find_feature_files", "item_id_hash", "write_feature_file"]

_SHOWN = 5
_SUFFIX = ".safetensors"


class OtherItemsError(DataError):
    """Features were made for other items than the data's."""


@dataclass(frozen=True)
class FeatureFile:
    """A file of features that is read when it is asked for.

    Two forms are read:

    - ``.npy``, numbers of shape (num_items, d), a row an item in item order. A row of zeros means that the
      item has no such content: it is outside the mask. Pickled arrays are refused.
    - ``.safetensors`` with ``x`` (rows, d), optionally ``mask`` (rows,), and a header. Rows are in item
      order, and then ``item_id_hash`` in the header must be that of the data's items; or the file says
      which items its rows are, by a tensor ``item_id`` (whole numbers) or a JSON list ``item_ids`` in the
      header. Then items without a row are outside the mask, and rows of unknown items are ignored.

    Args:
        name: Name of the features.
        path: The file.
    """

    name: str
    path: Path

    def load(self, items: IdMap) -> tuple[ItemFeatures, dict[str, str]]:
        """Read the features of ``items``.

        Returns:
            The features, float32, and the file's header (empty for ``.npy``).

        Raises:
            DataError: If the file is damaged, does not fit the items, covers none, or holds NaN or infinity.
            OtherItemsError: If its header says that it was made for other items or another order of them.
        """
        if self.path.suffix == _SUFFIX:
            rows, mask, header = self._load_safetensors(items)
        else:
            array, header = _load_array(self.path), {}
            self._check_count(array.shape[0], len(items))
            mask = torch.from_numpy((array != 0).any(axis=1))
            with np.errstate(over="ignore"):  # too large for float32 becomes infinite, which is refused below
                rows = torch.from_numpy(array.astype(np.float32))
        x = rows.to(torch.float32)
        if not x.shape[1]:
            raise DataError(f"{self.path}: must have at least one number a row (got none)")
        bad = (~torch.isfinite(x).all(dim=1) & mask).nonzero().flatten().tolist()
        if bad:
            column = int((~torch.isfinite(x[bad[0]])).nonzero()[0])
            others = f"; in all {len(bad)} rows (first: {', '.join(map(str, bad[:_SHOWN]))})" if len(bad) > 1 else ""
            raise DataError(
                f"{self.path}, row {bad[0]}, column {column}: features must be finite in float32 "
                f"(got {float(x[bad[0], column])}){others}"
            )
        largest = float(x[mask].abs().max()) if bool(mask.any()) else 0.0
        if largest > LARGEST:
            raise DataError(
                f"{self.path}: features must be below {LARGEST:g}, or lengths overflow (got {largest:g}); scale them"
            )
        if not bool(mask.any()):
            raise DataError(f"{self.path}: features must cover at least one item (got none of {len(items)})")
        if not bool(mask.all()):
            x = torch.where(mask[:, None], x, 0.0)
        return ItemFeatures(x=x, mask=mask), header

    def notes(self) -> list[str]:
        """What a user should know: that a file does not say which items its rows are."""
        if self.path.suffix != _SUFFIX:
            return []  # a format of its own, in which the order is the rule
        header = _read_header(self.path)
        if "item_id_hash" in header or "item_ids" in header or "item_id" in _names(self.path):
            return []
        return [
            f"features '{self.name}' do not say which items their rows are, which are taken in the order of the items; "
            "a tensor 'item_id' or a header 'item_ids' in the file would"
        ]

    def _load_safetensors(self, items: IdMap) -> tuple[Tensor, Tensor, dict[str, str]]:
        tensors, header = _read_safetensors(self.path)
        x = tensors.get("x")
        if x is None or x.dim() != 2 or not x.is_floating_point():
            found = "no 'x'" if x is None else f"{x.dtype} of shape {tuple(x.shape)}"
            raise DataError(f"{self.path}: must hold a floating matrix 'x' of shape (rows, d) (got {found})")
        mask = tensors.get("mask", torch.ones(x.shape[0], dtype=torch.bool))
        if mask.dtype != torch.bool or mask.shape != x.shape[:1]:
            raise DataError(
                f"{self.path}: 'mask' must be bool of shape ({x.shape[0]},) (got {mask.dtype}, {tuple(mask.shape)})"
            )
        ids = self._row_ids(tensors, header)
        if ids is not None:
            return *self._align(x, mask, ids, items), header
        stated = header.get("item_id_hash")
        if stated is not None and stated != item_id_hash(items):
            raise OtherItemsError(
                f"{self.path}: made for other items or another order of them (header item_id_hash {stated}, "
                f"the data's {item_id_hash(items)}); encode them again with: gnnrec encode PATH --encoder "
                f"{header.get('encoder', 'NAME')}"
            )
        self._check_count(x.shape[0], len(items))
        return x, mask, header

    def _row_ids(self, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> npt.NDArray[np.generic] | None:
        if "item_id" in tensors:
            if tensors["item_id"].is_floating_point():
                raise DataError(f"{self.path}: 'item_id' must hold whole numbers (got {tensors['item_id'].dtype})")
            ids: npt.NDArray[np.generic] = tensors["item_id"].numpy()
        elif "item_ids" in header:
            try:
                ids = np.asarray(plain_ids("item_ids", json.loads(header["item_ids"])), dtype=object)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{self.path}: header 'item_ids' must be a JSON list of ids: {error}") from None
        else:
            return None
        if ids.shape != (tensors["x"].shape[0],):
            raise DataError(f"{self.path}: must have one item id a row: {tensors['x'].shape[0]} (got {ids.shape})")
        return ids

    def _align(self, x: Tensor, mask: Tensor, ids: npt.NDArray[np.generic], items: IdMap) -> tuple[Tensor, Tensor]:
        try:
            IdMap(ids, kind="item")
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from None
        position = torch.from_numpy(items.positions(ids))
        known = position >= 0
        if not bool(known.any()):
            raise DataError(
                f"{self.path}: none of its {len(ids)} item ids is among the data's {len(items)} "
                f"(first: {ids[:1].tolist()}, the data's: {items.array[:1].tolist()})"
            )
        aligned, covered = (
            torch.zeros(len(items), x.shape[1], dtype=x.dtype),
            torch.zeros(len(items), dtype=torch.bool),
        )
        aligned[position[known]] = x[known]
        covered[position[known]] = mask[known]
        return aligned, covered

    def _check_count(self, rows: int, num_items: int) -> None:
        if rows != num_items:
            raise DataError(f"{self.path}: must have one row an item: {num_items} (got {rows} rows)")


def find_feature_files(folder: Path) -> list[FeatureFile]:
    """The files ``<encoder>.<modality>.safetensors`` in ``folder``, none read but for their headers.

    Features are called as their header says (``name``), else by their encoder, or ``encoder.modality``
    where the encoder has files of several modalities.

    Raises:
        DataError: If a header cannot be read or two files have one name.
    """
    paths = sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []
    stems = [path.name.removesuffix(_SUFFIX) for path in paths]
    encoders = [stem.rpartition(".")[0] or stem for stem in stems]
    files = []
    for path, stem, encoder in zip(paths, stems, encoders, strict=True):
        name = _read_header(path).get("name") or (encoder if encoders.count(encoder) == 1 else stem)
        files.append(FeatureFile(name, path))
    names = [file.name for file in files]
    problems = [
        f"{file.path}: features '{file.name}' are in another file too; names must differ"
        for position, file in enumerate(files)
        if file.name in names[:position]
    ]
    if problems:
        raise DataError(problems)
    return files


def write_feature_file(path: Path, features: ItemFeatures, header: Mapping[str, str]) -> None:
    """Write features in item order with a header of text values."""
    from safetensors.torch import save_file

    with atomic_write(path) as draft:
        save_file({"x": features.x.contiguous(), "mask": features.mask.contiguous()}, draft, metadata=dict(header))


def item_id_hash(items: IdMap) -> str:
    """Hash of the item ids in their order, which tells whether features belong to these items."""
    return hash_of_ids(items.array.tolist())


def _load_array(path: Path) -> npt.NDArray[np.generic]:
    """A two-dimensional array of real numbers, never a pickled one."""
    require_regular(path, DataError)
    with path.open("rb") as stream:
        magic = stream.read(6)
    if magic != np.lib.format.MAGIC_PREFIX:
        kind = "a pickle, which is refused: reading one can run code" if magic[:1] == b"\x80" else "other content"
        raise DataError(f"{path}: must be a NumPy array file (got {kind})")
    try:
        # Mapped first: what a header promises is compared with the file before memory is asked for.
        array: npt.NDArray[np.generic] = np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OverflowError) as error:
        if "Python objects" in str(error):
            raise DataError(
                f"{path}: holds pickled objects, which are refused: reading them can run code; "
                "save it as an array of numbers"
            ) from None
        raise DataError(f"{path}: truncated or damaged: {error}") from None
    if array.ndim != 2 or not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise DataError(
            f"{path}: must be a matrix of numbers, a row an item (got {array.dtype} of shape {array.shape})"
        )
    return array


def _names(path: Path) -> list[str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as opened:
        return list(opened.keys())


def _read_header(path: Path) -> dict[str, str]:
    return _open_safetensors(path, read_tensors=False)[1]


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    return _open_safetensors(path, read_tensors=True)


def _open_safetensors(path: Path, read_tensors: bool) -> tuple[dict[str, Tensor], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    require_regular(path, DataError)
    opened: Any
    try:
        with safe_open(path, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()} if read_tensors else {}  # noqa: SIM118
            return tensors, dict(opened.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path}: truncated or not a safetensors file: {error}") from None
