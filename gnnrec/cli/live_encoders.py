"""Options of ``gnnrec train`` about encoders that make a run's features."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from gnnrec.data import Dataset
    from gnnrec.training.live_features import LiveFeatures

__all__ = ["build_encoders"]


def build_encoders(
    dataset: "Dataset",
    encoders: Sequence[str],
    *,
    contents: Sequence[str],
    settings: Sequence[str],
    table: Path | None,
    seed: int,
    training: str,
) -> tuple["LiveFeatures", dict[str, Any]]:
    """Encoders with the contents of a data set's items.

    Args:
        dataset: The items.
        encoders: Texts such as ``resnet50`` or ``resnet50=weights.pth``.
        contents: Texts such as ``image=posters/{item_id}.jpg``.
        settings: Texts such as ``learning_rate=1e-5``, of :class:`~gnnrec.training.live_options.LiveOptions`.
        table: A further table of the items.
        seed: Of random weights.
        training: The regime, for the message about memory.

    Returns:
        The encoders, and how they were built, for ``run.json``.

    Raises:
        ArgumentError: If a text has another form or names what there is not.
    """
    from gnnrec.cli.output import status
    from gnnrec.data.content_catalog import content_catalog
    from gnnrec.training.encoder_source import EncoderSource, create_live_features

    options = _live_options(settings)
    sources = []
    for text in encoders:
        name, _, weights = text.partition("=")
        sources.append(EncoderSource(name, weights=Path(weights) if weights else None, seed=seed))
    templates = dict(_pair(text, "--content", "image='posters/{item_id}.jpg'") for text in contents)
    catalog = content_catalog(dataset, templates=templates, table=table)
    live = create_live_features(catalog, sources, options)
    for name, content in zip(live.names, live.contents, strict=True):
        status(
            f"{name}: {int(content.mask.sum()):,} of {len(content.mask):,} items"
            + (f", {len(content.problems)} cannot be read" if content.problems else "")
        )
    if training == "end-to-end":
        each = live.bytes_per_item()
        status(
            f"a step encodes at most {options.max_items} items with gradient: about {each / 2**20:.1f} MiB each, "
            f"{each * options.max_items / 2**30:.2f} GiB in all (--encoder-set max_items=N or checkpoint=True for less)"
        )
    encoding = {
        "encoders": [
            {"name": one.name, "weights": None if one.weights is None else str(one.weights), "seed": one.seed}
            for one in sources
        ],
        "templates": templates,
    }
    return live, encoding


def _live_options(settings: Sequence[str]) -> Any:
    from gnnrec.cli.settings import read_value
    from gnnrec.errors import UnknownNameError
    from gnnrec.training.live_options import LiveOptions

    known = get_type_hints(LiveOptions)
    values: dict[str, Any] = {}
    for text in settings:
        key, value = _pair(text, "--encoder-set", "learning_rate=1e-5")
        if key not in known:
            raise UnknownNameError("encoder setting", key, known)
        values[key] = read_value(key, value, known[key])
    return LiveOptions(**values)


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    from gnnrec.errors import ArgumentError

    key, separator, value = text.partition("=")
    if not (key and separator and value):
        raise ArgumentError(f"'{option}' must read {example} (got {text!r})")
    return key, value
