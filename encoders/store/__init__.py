"""Features on disk: encoded in blocks that survive a kill, merged into one file a modality."""

from encoders.store.blocks import BLOCK_ITEMS
from encoders.store.catalog import Catalog
from encoders.store.encode import encode_catalog
from encoders.store.freshness import check_fresh
from encoders.store.merge import MergeReport, merge_catalog
from encoders.store.options import EncodeOptions
from encoders.store.report import EncodeReport

__all__ = [
    "BLOCK_ITEMS",
    "Catalog",
    "EncodeOptions",
    "EncodeReport",
    "MergeReport",
    "check_fresh",
    "encode_catalog",
    "merge_catalog",
]
