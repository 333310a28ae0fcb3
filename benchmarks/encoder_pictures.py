"""Items and their nearest neighbours by what encoders make of them, for the page of benchmarks/compare_encoders.py."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from encoder_figures import Row, Run, load_features
from encoder_report import Report
from PIL import Image, ImageOps
from torch import Tensor

from encoders.content import read_image
from encoders.errors import ContentError
from encoders.store import Catalog
from gnnrec.data import Dataset

__all__ = ["Neighbours", "Sheet", "Tile", "Tiles", "nearest_items", "neighbour_sheets"]

NUM_EXAMPLES, NUM_NEIGHBORS, SIDE = 6, 5, 112


@dataclass(frozen=True)
class Tile:
    """An item as the page shows it.

    Args:
        title: Its title, or its id.
        picture: A small picture as a data URL; None where there is none.
    """

    title: str
    picture: str | None


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of one item in one run.

    Args:
        regime: Of the run.
        label: What made the features.
        tiles: The neighbours, nearest first; none where the item has no features.
    """

    regime: str
    label: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Sheet:
    """Examples of one choice of encoders.

    Args:
        content: The encoders.
        examples: An item and its neighbours in each run.
    """

    content: str
    examples: tuple[tuple[Tile, tuple[Neighbours, ...]], ...]


class Tiles:
    """Items as tiles, each picture read once.

    Args:
        dataset: Titles and ids.
        catalog: Pictures.
    """

    def __init__(self, dataset: Dataset, catalog: Catalog) -> None:
        self.dataset, self.catalog = dataset, catalog
        self._known: dict[int, Tile] = {}

    def tile(self, item: int) -> Tile:
        """That of an item."""
        if item not in self._known:
            self._known[item] = Tile(self._title(item), self._picture(item))
        return self._known[item]

    def _title(self, item: int) -> str:
        table = self.dataset.catalog
        if table is not None and "title" in table.columns:
            title = table["title"].iloc[item]
            if isinstance(title, str) and title.strip():
                return title
        return str(self.dataset.items.ids([item])[0])

    def _picture(self, item: int) -> str | None:
        entries = self.catalog.contents.get("image")
        if entries is None or entries[item] is None:
            return None
        try:
            picture = read_image(self.catalog.read("image", item), name=entries[item])
        except ContentError:
            return None
        file = io.BytesIO()
        ImageOps.fit(picture, (SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "JPEG", quality=72, optimize=True)
        return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def neighbour_sheets(report: Report, dataset: Dataset, catalog: Catalog) -> list[Sheet]:
    """For each choice of encoders some items, the same ones everywhere, with their neighbours under each regime.

    Features of encoders that are frozen or fine-tuned do not depend on the recommender: they are shown once.
    """
    shown: dict[str, list[tuple[str, Run]]] = {}
    for panel in report.panels:
        for row in panel.rows:
            label = _label(row)
            known = shown.setdefault(row.setting.content, [])
            if row.setting.encoders and label not in [other for other, _ in known]:
                known.append((label, row.runs[0]))
    examples = _examples(catalog)
    tiles = Tiles(dataset, catalog)
    sheets = []
    for content, runs in shown.items():
        found = {label: nearest_items(load_features(run), examples, NUM_NEIGHBORS) for label, run in runs}
        cards = tuple(
            (
                tiles.tile(item),
                tuple(
                    Neighbours(run.setting.regime, label, tuple(map(tiles.tile, found[label][place])))
                    for label, run in runs
                ),
            )
            for place, item in enumerate(examples)
        )
        if runs:
            sheets.append(Sheet(content, cards))
    return sheets


def nearest_items(features: dict[str, tuple[Tensor, Tensor]], items: Sequence[int], count: int) -> list[list[int]]:
    """Nearest others by the mean cosine over the features that both have; none for items without any.

    Args:
        features: Values and which items have them, by name.
        items: Items to start from.
        count: Neighbours of each.
    """
    chosen = torch.tensor(list(items), dtype=torch.int64)
    total: Tensor | float = 0.0
    shared: Tensor | float = 0.0
    for x, mask in features.values():
        unit = torch.nn.functional.normalize(x, dim=1)
        both = (mask[chosen].unsqueeze(1) & mask.unsqueeze(0)).float()
        total, shared = total + unit[chosen] @ unit.T * both, shared + both
    assert isinstance(total, Tensor) and isinstance(shared, Tensor), "a run with encoders has features"
    cosine = torch.where(shared > 0, total / shared.clamp(min=1), torch.full_like(total, -torch.inf))
    cosine[torch.arange(len(chosen)), chosen] = -torch.inf
    values, places = cosine.topk(min(count, cosine.shape[1]), dim=1)
    return [
        [place for place, value in zip(row, own, strict=True) if value > -torch.inf]
        for row, own in zip(places.tolist(), values.tolist(), strict=True)
    ]


def _label(row: Row) -> str:
    setting = row.setting
    seed = row.runs[0].seed
    by = f", by {setting.model}" if setting.regime == "end-to-end" else ""
    return f"{setting.regime}{by} (seed {seed})"


def _examples(catalog: Catalog) -> list[int]:
    """Items spread over the catalog, those with the most kinds of content, pictures first."""
    kinds = [[entry is not None for entry in entries] for entries in catalog.contents.values()]
    pictures = catalog.contents.get("image", [None] * len(catalog))
    scores = [(pictures[item] is not None, sum(kind[item] for kind in kinds)) for item in range(len(catalog))]
    best = max(scores, default=(False, 0))
    wanted = [item for item, score in enumerate(scores) if score == best]
    count = min(NUM_EXAMPLES, len(wanted))
    return [wanted[place * len(wanted) // count] for place in range(count)]
