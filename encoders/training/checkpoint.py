"""The files by which a killed run goes on."""

import json
from pathlib import Path
from typing import Any

import torch

from encoders.errors import TrainingError
from encoders.files import atomic_write

__all__ = ["CheckpointFolder"]


class CheckpointFolder:
    """``checkpoint.pt`` and ``history.jsonl`` of a run, each replaced whole.

    Args:
        path: The folder, made if it is missing.
        identity: What the run is, in words; a checkpoint of another run is refused.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.identity = identity
        path.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """State after the last finished epoch."""
        return self.path / "checkpoint.pt"

    @property
    def history(self) -> Path:
        """A line of JSON an epoch."""
        return self.path / "history.jsonl"

    def write(self, state: dict[str, Any]) -> None:
        """Keep the state after an epoch."""
        with atomic_write(self.checkpoint) as draft:
            torch.save({"identity": self.identity, **state}, draft)
        with atomic_write(self.history) as draft:
            draft.write_text("".join(json.dumps(record) + "\n" for record in state["history"]), encoding="utf-8")

    def read(self, device: torch.device) -> dict[str, Any] | None:
        """The state after the last finished epoch, if there is one.

        Raises:
            TrainingError: If the file is damaged or belongs to another run.
        """
        if not self.checkpoint.is_file():
            return None
        try:
            saved: dict[str, Any] = torch.load(self.checkpoint, map_location=device, weights_only=True)
        except Exception:  # torch raises nearly anything for a damaged archive
            raise TrainingError(f"{self.checkpoint}: cannot be read; delete it to start anew") from None
        if saved["identity"] != self.identity:
            raise TrainingError(
                f"{self.checkpoint}: belongs to a run with other data or settings; go on with the same ones, or choose "
                f"another folder\n{_differences(saved['identity'], self.identity)}"
            )
        return saved


def _differences(one: str, other: str) -> str:
    """What differs between two identities, a line each."""
    first, second = _flat(one), _flat(other)
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    return "\n".join(f"  {name}: that run {first.get(name)}, this run {second.get(name)}" for name in names)


def _flat(identity: str) -> dict[str, Any]:
    try:
        values = json.loads(identity)
    except ValueError:
        values = identity
    if not isinstance(values, dict):
        return {"identity": values}
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(
            {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
        )
    return flat
