"""Sparse matrices of scipy as logs."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gnnrec.data.id_map import IdMap
from gnnrec.data.readers.base import RawLog, TableForm, refuse_form
from gnnrec.data.readers.external_log import weight_notes
from gnnrec.errors import DataError

__all__ = ["read_matrix"]

_EXPANSION = 100
_LEAST_LIMIT = 1 << 26


def read_matrix(path: Path, form: TableForm) -> RawLog:
    """A matrix of ``scipy.sparse.save_npz``: users in rows, items in columns, entries as weights.

    Raises:
        ArgumentError: If something is said of the form, which it has not.
        DataError: If the file is no such matrix, its places are out of order, or its entries are no finite numbers.
    """
    refuse_form(form, "npz")
    matrix = _load(path)
    if not matrix.nnz:
        raise DataError(f"{path}: must have rows of data (got an empty matrix)")
    if matrix.data.dtype.kind not in "biuf":
        raise DataError(f"{path}: entries must be real numbers (got {matrix.data.dtype})")
    weight = matrix.data.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(weight))
    if bad.size:
        place = f"row {matrix.row[bad[0]]}, column {matrix.col[bad[0]]}"
        raise DataError(f"{path}, {place}: must be a finite number (got {weight[bad[0]]}); {bad.size} such entries")
    return RawLog(
        path=path,
        name=path.stem,
        users=IdMap.of_range(matrix.shape[0], kind="user"),
        items=IdMap.of_range(matrix.shape[1], kind="item"),
        user=matrix.row.astype(np.int64),
        item=matrix.col.astype(np.int64),
        weight=weight,
        notes=weight_notes(weight, "entry"),
    )


def _load(path: Path) -> Any:
    """The matrix by its entries (``scipy.sparse.coo_matrix``), after its sizes were compared with the file's."""
    from scipy import sparse

    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            expanded = sum(member.file_size for member in archive.infolist())
        if expanded > max(_EXPANSION * size, _LEAST_LIMIT):
            raise DataError(f"{path}: promises {expanded:,} bytes, more than a file of its size can reasonably hold")
        with np.load(path, allow_pickle=False) as archive:
            sizes = archive["shape"].astype(np.int64)
        # Rows and columns may be empty, but not most of many.
        if sizes.shape != (2,) or int(sizes.max()) > 100 * size + 1_000_000:
            raise DataError(f"{path}: must hold a matrix of users by items of a size that fits the file")
        matrix = sparse.load_npz(path)
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
        return matrix.tocoo()
    except DataError:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds for a damaged archive
        raise DataError(f"{path}: must be a sparse matrix of scipy.sparse.save_npz ({error})") from None
