"""Which encoders make a run's features, and of what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encoders import create_encoders
from encoders.store import Catalog
from encoders.store.prepared import PreparedContents
from gnnrec.data.encoding import choose_modalities
from gnnrec.errors import ArgumentError
from gnnrec.training.live_features import LiveFeatures
from gnnrec.training.live_options import LiveOptions

__all__ = ["EncoderSource", "create_live_features"]


@dataclass(frozen=True)
class EncoderSource:
    """One encoder by name.

    Args:
        name: Of :func:`encoders.list_encoders`.
        weights: File of trained weights [default: random].
        modalities: Which contents [default: all that it encodes and the items have].
        seed: Of random weights.
        arguments: Further arguments of the encoder.
    """

    name: str
    weights: Path | None = None
    modalities: tuple[str, ...] | None = None
    seed: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict)


def create_live_features(
    catalog: Catalog,
    sources: Sequence[EncoderSource],
    options: LiveOptions,
    *,
    workers: int = 0,
    cache_gigabytes: float = 2.0,
    on_prepared: Callable[[str, int, int], None] | None = None,
) -> LiveFeatures:
    """Build encoders and prepare the contents of all items.

    Args:
        catalog: The items.
        sources: The encoders.
        options: How they are trained.
        workers: Processes that decode.
        cache_gigabytes: Memory for prepared contents, shared out equally.
        on_prepared: Called with the name of the features, the items looked at and all items.

    Raises:
        ArgumentError: If no item has what an encoder encodes, or two make features of one name.
        EncoderError: If an encoder does not exist, or its weights do not fit.
    """
    encoders = {}
    for source in sources:
        wanted = choose_modalities(catalog, source.name, source.modalities)
        built = create_encoders(source.name, wanted, weights=source.weights, seed=source.seed, **source.arguments)
        for encoder in built.values():
            if encoder.feature_name in encoders:
                raise ArgumentError(f"two encoders make features named '{encoder.feature_name}'; name each once")
            encoders[encoder.feature_name] = encoder
    contents = {}
    for name, encoder in encoders.items():

        def tell(done: int, total: int, name: str = name) -> None:
            if on_prepared:
                on_prepared(name, done, total)

        contents[name] = PreparedContents(
            catalog,
            encoder.modality,
            encoder.preprocess,
            workers=workers,
            cache_gigabytes=cache_gigabytes / len(encoders),
            on_prepared=tell,
        )
    return LiveFeatures(encoders, contents, options)
