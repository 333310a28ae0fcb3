"""The modalities that a model was made for, out of those that it is given."""

from collections.abc import Iterable, Mapping

from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError
from graphs import ItemGraph

__all__ = ["item_graphs", "modality_of"]


def modality_of(features: Mapping[str, ItemFeatures], name: str, dim: int | None = None) -> ItemFeatures:
    """One modality of the features given to a model.

    Args:
        features: Item features by name.
        name: The modality wanted.
        dim: Length that its vectors must have, if that matters.

    Raises:
        ArgumentError: If it is not there or has another length.
    """
    if name not in features:
        given = ", ".join(features) or "none"
        raise ArgumentError(f"'features' must hold the modality '{name}' that the model was made for (got: {given})")
    if dim is not None and features[name].dim != dim:
        raise ArgumentError(f"features '{name}' must have {dim} dimensions (got {features[name].dim})")
    return features[name]


def item_graphs(
    features: Mapping[str, ItemFeatures], names: Iterable[str], num_neighbors: int, *, binary: bool = False
) -> dict[str, ItemGraph]:
    """Each modality's graph of nearest items, normalised symmetrically; kept with the features.

    Args:
        features: Item features by name.
        names: The modalities wanted.
        num_neighbors: Neighbours of each item.
        binary: Whether each neighbour weighs the same, instead of its cosine.

    Raises:
        ArgumentError: If a modality is not there.
    """
    return {
        name: modality_of(features, name).item_graph(num_neighbors, norm="symmetric", binary=binary) for name in names
    }
