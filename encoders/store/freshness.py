"""Whether features are still those of their items and weights."""

from pathlib import Path

from encoders.errors import ContentError, EncoderError
from encoders.files import file_hash
from encoders.store.catalog import Catalog, content_hash
from encoders.store.tensor_file import read_tensor_file

__all__ = ["check_fresh"]

_SHOWN = 3


def check_fresh(path: Path, catalog: Catalog) -> None:
    """Compare a file of features with the catalog's contents and with the weights that made it.

    Contents are compared if the catalog has the modality; files whose size and time of change are as they were are not
    read again. Weights are compared where their file is still in its place.

    Args:
        path: The file of features.
        catalog: The items as they are now.

    Raises:
        EncoderError: If items or weights have changed; it says how to encode again.
    """
    tensors, header = read_tensor_file(path, names=("stamp", "content_hash"))
    modality = header["modality"]
    refresh = f"encode again: gnnrec encode {catalog.root} --encoder {header['encoder']} --modality {modality}"
    source = header.get("source", "")
    if source.startswith("template "):
        refresh += f" --{modality} '{source.removeprefix('template ')}'"
    if path.parent.resolve() != (catalog.root / "features").resolve():
        refresh += f" --out {path.parent}"
    if header["item_id_hash"] != catalog.item_id_hash():
        raise EncoderError(f"{path}: stale, the items or their order have changed; {refresh}")
    weights = Path(header["weights_file"]) if "weights_file" in header else None
    if weights is not None:
        refresh += f" --weights {weights}"
        if weights.is_file() and file_hash(weights) != header["weights_file_hash"]:
            raise EncoderError(f"{path}: stale, the weights {weights} have changed; {refresh}")
    changed = []
    hashes, stamps = tensors["content_hash"].numpy(), tensors["stamp"].tolist()
    for item in range(len(catalog)) if modality in catalog.contents else ():
        if list(catalog.stamp(modality, item)) != stamps[item]:
            now = _current_hash(catalog, modality, item)
            before = hashes[item].tobytes()
            if now != before:
                changed.append(str(catalog.item_ids[item]))
    if changed:
        others = "..." if len(changed) > _SHOWN else ""
        raise EncoderError(
            f"{path}: stale, the {modality} of {len(changed)} items has changed "
            f"({', '.join(changed[:_SHOWN])}{others}); {refresh}"
        )


def _current_hash(catalog: Catalog, modality: str, item: int) -> bytes:
    """Hash of an item's content, of zeros where there is none that can be read."""
    if catalog.contents[modality][item] is None:
        return bytes(16)
    try:
        return content_hash(catalog.read(modality, item))
    except ContentError:
        return bytes(16)
