"""Interactions, item features, ids, readers and splits.

The readers need pandas; they load on first use, so that ``import gnnrec.models`` stays light.
"""

from typing import TYPE_CHECKING, Any

from gnnrec.data.dataset import Dataset
from gnnrec.data.id_map import IdMap
from gnnrec.data.interactions import Interactions
from gnnrec.data.item_features import ItemFeatures

if TYPE_CHECKING:
    from gnnrec.data.reading import read_dataset
    from gnnrec.data.writing import write_dataset

__all__ = ["Dataset", "IdMap", "Interactions", "ItemFeatures", "read_dataset", "write_dataset"]


def __getattr__(name: str) -> Any:
    if name == "read_dataset":
        from gnnrec.data.reading import read_dataset

        return read_dataset
    if name == "write_dataset":
        from gnnrec.data.writing import write_dataset

        return write_dataset
    raise AttributeError(f"module 'gnnrec.data' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
