"""A finished run, read from its folder and checked once: the one place that opens runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gnnrec.data.id_map import IdMap
from gnnrec.errors import GnnrecError, RunError
from gnnrec.models import EmbeddingScorer, create_model, model_class
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.training.run_folder import RunFolder
from gnnrec.training.run_schema import check_finite, check_products, check_shapes, data_counts
from graphs import BipartiteGraph

__all__ = ["OpenedRun", "open_run"]

_EMBEDDINGS, _MODEL, _GRAPH, _IDS = (
    "embeddings.safetensors",
    "model.safetensors",
    "interactions.safetensors",
    "ids.parquet",
)


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """A run as it was trained, or as items that were added have made it.

    Args:
        folder: The run folder.
        description: Its ``run.json``.
        users: External user ids.
        items: External item ids.
        titles: Titles by item position.
        graph: Training pairs.
        held_out: Pairs of validation and test, which training did not see; empty for runs of older versions.
        scorer: What scores.
    """

    folder: RunFolder
    description: dict[str, Any]
    users: IdMap
    items: IdMap
    titles: list[str | None]
    graph: BipartiteGraph
    held_out: BipartiteGraph
    scorer: EmbeddingScorer | HistoryScorer


def open_run(path: Path | str, *, device: torch.device | str = "cpu", added: bool = True) -> OpenedRun:
    """Read a run folder, and check each of its files and that they fit together.

    Args:
        path: The folder.
        device: Where to compute.
        added: Whether items that were added after training count.

    Raises:
        RunError: If the folder is no finished run, or a file is missing, damaged or does not fit the others; the
            message names the file.
    """
    folder = RunFolder.existing(path)
    description = folder.describe()
    counts = data_counts(folder.path / "run.json", description)
    source = folder.added() if added else None
    users, items, titles = (source or folder).read_ids()
    known = len(items) if source else counts[1]
    if len(users) != counts[0] or len(items) < counts[1] or len(items) != known:
        raise RunError(
            f"{(source or folder).path / _IDS}: must have {counts[0]} users and {counts[1]} items, as run.json says "
            f"(got {len(users)} and {len(items)}); train the run again"
        )
    graph, held_out = (source or folder).read_graph(len(users), len(items), device)
    name, arguments = description["model"]["name"], description["model"]["arguments"]
    if issubclass(model_class(name), HistoryScorer):
        scorer: EmbeddingScorer | HistoryScorer = _history_scorer(folder, name, arguments, graph, device)
    else:
        scorer = _embedding_scorer(source or folder, len(users), len(items), device)
    return OpenedRun(folder, description, users, items, titles, graph, held_out, scorer)


def _embedding_scorer(folder: RunFolder, num_users: int, num_items: int, device: torch.device | str) -> EmbeddingScorer:
    file = folder.path / _EMBEDDINGS
    tensors = folder.read_tensors(_EMBEDDINGS, device)
    check_shapes(file, tensors, {"user": (num_users, None), "item": (num_items, None)})
    width = tensors["user"].shape[1]
    others = {name: (num_items, width) for name in tensors if name != "user"}
    check_shapes(file, tensors, others)
    whole = [name for name, tensor in tensors.items() if not tensor.is_floating_point()]
    if whole or not width:
        raise RunError(f"{file}: {whole[0] if whole else 'user'!r} must hold float32 vectors; train the run again")
    check_finite(file, tensors)
    check_products(file, tensors["user"], tensors["item"])
    return EmbeddingScorer.from_tensors(tensors)


def _history_scorer(
    folder: RunFolder, name: str, arguments: Mapping[str, Any], graph: BipartiteGraph, device: torch.device | str
) -> HistoryScorer:
    file = folder.path / _MODEL
    state = folder.read_tensors(_MODEL, device)
    check_finite(file, state)
    try:
        model = create_model(name, **arguments)
        assert isinstance(model, HistoryScorer)
        for key, buffer in model.state_dict().items():
            if key in state and state[key].dtype != buffer.dtype:
                raise RunError(f"'{key}' must be {buffer.dtype} (got {state[key].dtype})")
        model.load_state_dict(state)
    except (GnnrecError, RuntimeError, TypeError) as error:
        raise RunError(f"{file}: does not hold a trained '{name}': {error}") from None
    check_shapes(file, state, model.state_shapes(graph.num_users, graph.num_items))
    _check_neighbours(file, state, graph.num_items)
    return model.to(device).attach(graph)


def _check_neighbours(file: Path, state: Mapping[str, Tensor], num_items: int) -> None:
    """Compressed rows of neighbours: pointers that rise to the number of entries, and items that exist."""
    if "neighbour_pointer" not in state:
        return
    pointer, item, value = (state[f"neighbour_{part}"] for part in ("pointer", "item", "value"))
    rising = bool(pointer[0] == 0) and bool((pointer.diff() >= 0).all()) and int(pointer[-1]) == item.numel()
    inside = not item.numel() or (int(item.min()) >= 0 and int(item.max()) < num_items)
    if (
        pointer.dtype != torch.int64
        or item.dtype != torch.int32
        or item.shape != value.shape
        or not (rising and inside)
    ):
        raise RunError(f"{file}: its neighbours do not fit {num_items} items; train the run again")
