"""The folder that a run leaves behind."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from encoders.files import atomic_write, file_hash, held_alone, require_regular
from gnnrec.data.dataset import Dataset
from gnnrec.data.id_map import IdMap
from gnnrec.errors import RunError
from gnnrec.training.run_schema import check_description, check_shapes
from graphs import BipartiteGraph

__all__ = ["ADDED", "ADDED_FILE", "LOCK", "RunFolder"]

ADDED = "added"
"""How folders in a run folder begin that hold what was added after training."""
SELECTION, EVERYTHING = "selection", "all in train"
"""Of a model that was trained anew on all data: folder of the run that chose the epoch, and name of the split."""
LOCK = ".lock"
"""Held by the process that trains in a run folder."""
ADDED_FILE = "added.json"
"""Names the folder that counts, and the hash of the model that it was made with."""

_LARGEST_JSON = 2**28


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
            RunError: If there is no such run, it has not finished, or it is being trained further.
        """
        run = cls(path)
        run.describe_finished()
        if not run.has("model.safetensors"):
            raise RunError(f"{path} has no model.safetensors; train the run again")
        return run

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process from training in the folder, which is made where it is missing.

        Raises:
            RunError: If one does already.
        """
        is_new = not self.path.exists()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise RunError(f"{self.path} is a file; choose another --out") from None
        busy = RunError(f"another process is at work in {self.path}; wait for it or choose another folder")
        try:
            with held_alone(self.path / LOCK, busy):
                yield
        finally:
            if is_new and not any(self.path.iterdir()):  # settings were refused
                self.path.rmdir()

    def describe(self) -> dict[str, Any]:
        """The content of ``run.json``, checked.

        Raises:
            RunError: If it is missing or damaged, or names what does not exist.
        """
        if not self.has("run.json"):
            raise RunError(
                f"{self.path} is not a run folder (no run.json); make one with: gnnrec train MODEL DATA --out "
                f"{self.path}"
            )
        return check_description(self.path / "run.json", self.read_json("run.json"))

    def describe_finished(self) -> dict[str, Any]:
        """The same of a run whose figures and vectors are those of its last epoch.

        Raises:
            RunError: If it has not finished, or is being trained further, or training further was killed.
        """
        description = self.describe()
        if description.get("status", "finished") != "finished":
            raise RunError(f"the run {self.path} has not finished; continue it with the same command and --resume")
        return description

    def require_measurable(self, description: Mapping[str, Any]) -> None:
        """Refuse a run of which no figures can be right, because it was trained on everything.

        Raises:
            RunError: If it was; the message names the run whose figures count.
        """
        if description["data"].get("split") == EVERYTHING:
            raise RunError(
                f"{self.path} was trained on all interactions, so nothing is left to measure it on; its figures are "
                f"those of {self.path / SELECTION}"
            )

    def added(self) -> "RunFolder | None":
        """Where the run is as items that were added after training have made it; None without any.

        Raises:
            RunError: If they were added to the model before it was trained further.
        """
        former = RunFolder(self.path / ADDED)  # versions up to 0.1 wrote there, without saying to which model
        if not self.has(ADDED_FILE):
            return former if former.has("embeddings.safetensors") else None
        stored = self.read_json(ADDED_FILE)
        if not isinstance(stored, dict) or not all(isinstance(stored.get(key), str) for key in ("folder", "model")):
            raise RunError(f"{self.path / ADDED_FILE}: must name a folder and a model; add the items again")
        if Path(stored["folder"]).name != stored["folder"] or not stored["folder"].startswith(ADDED):
            raise RunError(f"{self.path / ADDED_FILE}: names no folder of added items; add the items again")
        if stored["model"] != self.model_hash():
            raise RunError(
                f"items were added to {self.path} before its model was trained further; add them again with: gnnrec "
                f"add-items {self.path} ITEMS --replace"
            )
        return RunFolder(self.path / stored["folder"])

    def model_hash(self) -> str:
        """Hash of the model's weights: what was worked out from them belongs to no other."""
        try:
            return file_hash(self.path / "model.safetensors")
        except OSError as error:
            raise RunError(f"{self.path / 'model.safetensors'} cannot be read: {error}") from error

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write ``name`` as indented JSON."""
        self._replace(name, lambda file: file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8"))

    def read_json(self, name: str) -> Any:
        """Read ``name``.

        Raises:
            RunError: If it is missing or damaged.
        """
        path = self._readable(name)
        try:
            if path.stat().st_size > _LARGEST_JSON:
                raise RunError(f"{path}: must be smaller than {_LARGEST_JSON // 2**20} MiB")
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"{path} cannot be read: {error}") from error

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
        path = self._readable(name)
        try:
            return load_file(path, device=str(device))
        except Exception as error:  # safetensors raises its own kinds
            raise RunError(f"{path} cannot be read: {error}") from error

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return (self.path / name).is_file()

    def write_graph(self, graph: BipartiteGraph, held_out: BipartiteGraph) -> None:
        """Keep what the users took: recommending leaves it out, neighbour models score by the training pairs.

        Args:
            graph: Training pairs.
            held_out: Pairs of validation and test.
        """
        sizes = torch.tensor([graph.num_users, graph.num_items])
        tensors = {"edge_index": graph.edge_index, "held_out": held_out.edge_index, "sizes": sizes}
        self.write_tensors("interactions.safetensors", tensors)

    def read_graph(
        self, num_users: int, num_items: int, device: torch.device | str = "cpu"
    ) -> tuple[BipartiteGraph, BipartiteGraph]:
        """Training pairs, and those of validation and test (none in runs of versions up to 0.1).

        Raises:
            RunError: If the file is missing or damaged, or of another number of users or items.
        """
        path = self.path / "interactions.safetensors"
        stored = self.read_tensors(path.name)
        check_shapes(path, stored, {"edge_index": (2, None), "sizes": (2,)})
        stored.setdefault("held_out", stored["edge_index"][:, :0])
        check_shapes(path, stored, {"held_out": (2, None)})
        if any(stored[name].dtype != torch.int64 for name in ("edge_index", "held_out", "sizes")):
            raise RunError(f"{path}: must hold int64; train the run again")
        if stored["sizes"].tolist() != [num_users, num_items] or not stored["edge_index"].shape[1]:
            found = " and ".join(map(str, stored["sizes"].tolist()))
            raise RunError(
                f"{path}: must hold pairs of {num_users} users and {num_items} items, as the ids are (got "
                f"{stored['edge_index'].shape[1]} pairs of {found}); train the run again"
            )
        try:
            graphs = [BipartiteGraph(stored[name], num_users, num_items) for name in ("edge_index", "held_out")]
        except ValueError as error:
            raise RunError(f"{path}: {error}; train the run again") from None
        return graphs[0].to(device), graphs[1].to(device)

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

        path = self._readable("ids.parquet")
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{path} cannot be read: {error}") from error
        metadata = table.schema.metadata or {}
        if not {"kind", "id", "title"} <= set(table.column_names) or not {b"user", b"item"} <= metadata.keys():
            raise RunError(f"{path}: must have the columns kind, id, title and say which ids are integers")
        maps = []
        for kind in ("user", "item"):
            try:
                ids = table.filter(pc.field("kind") == kind)["id"].to_pylist()
                integer = metadata[kind.encode()] == b"True"
                if not all(isinstance(one, str) for one in ids):
                    raise ValueError(f"{kind} ids must be texts")
                maps.append(IdMap(np.array(ids, dtype=np.int64) if integer else ids, kind=kind))
            except (ValueError, OverflowError, pa.ArrowException) as error:
                raise RunError(f"{path}: {error}; train the run again") from None
        titles = table.filter(pc.field("kind") == "item")["title"].to_pylist()
        return maps[0], maps[1], [None if title is None else str(title) for title in titles]

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

    def _readable(self, name: str) -> Path:
        path = self.path / name
        require_regular(path, RunError)
        return path

    def _replace(self, name: str, write: Callable[[Path], object]) -> None:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as draft:
            write(draft)
