"""The folder that a run leaves behind."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from gnnrec.data.dataset import Dataset
from gnnrec.data.id_map import IdMap
from gnnrec.errors import RunError
from graphs import BipartiteGraph

__all__ = ["ADDED", "RunFolder"]

ADDED = "added"
"""Folder in a run folder that holds what was added after training."""


class RunFolder:
    """Reads and writes the files of one run; every file is replaced whole, never half written.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    @property
    def checkpoint(self) -> Path:
        """State of training after the last finished epoch."""
        return self.path / "checkpoint.pt"

    @property
    def history(self) -> Path:
        """One line of JSON an epoch."""
        return self.path / "history.jsonl"

    @classmethod
    def existing(cls, path: Path | str) -> "RunFolder":
        """The folder of a finished run.

        Raises:
            RunError: If there is no such run or it has not finished.
        """
        run = cls(path)
        if not (run.path / "run.json").is_file():
            raise RunError(
                f"{path} is not a run folder (no run.json); make one with: gnnrec train MODEL DATA --out {path}"
            )
        if not (run.path / "model.safetensors").is_file():
            raise RunError(f"the run {path} has not finished; continue it with the same command and --resume")
        return run

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write ``name`` as indented JSON."""
        self._replace(name, lambda file: file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8"))

    def read_json(self, name: str) -> dict[str, Any]:
        """Read ``name``.

        Raises:
            RunError: If it is missing or damaged.
        """
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path / name} cannot be read: {error}") from error
        return content

    def write_tensors(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Write ``name`` as safetensors."""
        kept: dict[str, Tensor] = {}
        places: set[int] = set()
        for key, tensor in tensors.items():
            kept[key] = tensor.detach().cpu().contiguous()
            if kept[key].data_ptr() in places:  # safetensors refuses what lies in the same memory
                kept[key] = kept[key].clone()
            places.add(kept[key].data_ptr())
        self._replace(name, lambda file: save_file(kept, file))

    def read_tensors(self, name: str, device: torch.device | str = "cpu") -> dict[str, Tensor]:
        """Read ``name``.

        Raises:
            RunError: If it is missing or damaged.
        """
        try:
            return load_file(self.path / name, device=str(device))
        except Exception as error:  # safetensors raises its own kinds
            raise RunError(f"{self.path / name} cannot be read: {error}") from error

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return (self.path / name).is_file()

    def write_graph(self, graph: BipartiteGraph) -> None:
        """Keep the training pairs: recommending leaves them out, neighbour models score by them."""
        sizes = torch.tensor([graph.num_users, graph.num_items])
        self.write_tensors("interactions.safetensors", {"edge_index": graph.edge_index, "sizes": sizes})

    def read_graph(self, device: torch.device | str = "cpu") -> BipartiteGraph:
        """The training graph."""
        stored = self.read_tensors("interactions.safetensors", device)
        num_users, num_items = stored["sizes"].tolist()
        return BipartiteGraph(stored["edge_index"], num_users, num_items)

    def write_ids(self, dataset: Dataset) -> None:
        """Write the ids of a dataset and the titles of its items; see :meth:`write_id_table`."""
        titles: list[str | None] = [None] * dataset.num_items
        if dataset.catalog is not None and "title" in dataset.catalog.columns:
            known = dataset.catalog["title"].astype(object).where(dataset.catalog["title"].notna(), None)
            titles = [None if title is None else str(title) for title in known.tolist()]
        self.write_id_table(dataset.users, dataset.items, titles)

    def write_id_table(self, users: IdMap, items: IdMap, titles: Sequence[str | None]) -> None:
        """Write ``ids.parquet``: kind, external id as text, title; the schema says which ids were integers."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = ["user"] * len(users) + ["item"] * len(items)
        ids = [str(value) for value in users.array.tolist() + items.array.tolist()]
        named = [None] * len(users) + list(titles)
        table = pa.table({"kind": kinds, "id": ids, "title": pa.array(named, pa.string())})
        integer = {"user": str(users.is_integer), "item": str(items.is_integer)}
        self._replace("ids.parquet", lambda file: pq.write_table(table.replace_schema_metadata(integer), file))

    def read_ids(self) -> tuple[IdMap, IdMap, list[str | None]]:
        """Users, items and the items' titles.

        Raises:
            RunError: If the file is missing or damaged.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(self.path / "ids.parquet")
        except (OSError, pa.ArrowInvalid) as error:
            raise RunError(f"{self.path / 'ids.parquet'} cannot be read: {error}") from error
        metadata = table.schema.metadata
        maps = []
        for kind in ("user", "item"):
            ids = table.filter(pc.field("kind") == kind)["id"].to_pylist()
            integer = metadata[kind.encode()] == b"True"
            maps.append(IdMap(np.array(ids, dtype=np.int64) if integer else ids, kind=kind))
        titles = table.filter(pc.field("kind") == "item")["title"].to_pylist()
        return maps[0], maps[1], titles

    def write_per_user(self, parts: Mapping[str, tuple[list[int | str], Mapping[str, Tensor]]]) -> None:
        """Write ``metrics_per_user.parquet``: user_id, part, and a column a metric."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = []
        for part, (user_ids, values) in parts.items():
            columns = {name: value.cpu().numpy() for name, value in values.items()}
            tables.append(pa.table({"user_id": user_ids, "part": [part] * len(user_ids), **columns}))
        if tables:
            table = pa.concat_tables(tables, promote_options="default")
            self._replace("metrics_per_user.parquet", lambda file: pq.write_table(table, file))

    def _replace(self, name: str, write: Any) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.new")
        write(temporary)
        temporary.replace(target)
