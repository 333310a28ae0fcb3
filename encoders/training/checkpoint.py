"""The files by which a killed run goes on."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from encoders.errors import TrainingError
from encoders.files import atomic_write, held_alone, require_regular

__all__ = ["CheckpointFolder"]

_KINDS: dict[str, type | tuple[type, ...]] = {
    "identity": str,
    "model": dict,
    "optimizer": dict,
    "epoch": int,
    "history": list,
    "best_epoch": int,
    "best_value": (int, float),
    "best_tensors": dict,
}
_LOCK = ".lock"


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

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Keep every other process from training in the folder; a TrainingError says if one does already."""
        busy = TrainingError(f"another process trains in {self.path}; wait for it or choose another folder")
        return held_alone(self.path / _LOCK, busy)

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

    def read(self, device: torch.device, trained: Mapping[str, Tensor] | None = None) -> dict[str, Any] | None:
        """The state after the last finished epoch, if there is one.

        Args:
            device: Where the tensors go.
            trained: What training changes, by name; the saved tensors must be of the same shapes [default: any].

        Raises:
            TrainingError: If the file is damaged or belongs to another run.
        """
        require_regular(self.checkpoint, TrainingError)
        if not self.checkpoint.is_file():
            return None
        try:
            saved: dict[str, Any] = torch.load(self.checkpoint, map_location=device, weights_only=True)
        except Exception:  # torch raises nearly anything for a damaged archive
            raise TrainingError(f"{self.checkpoint}: cannot be read; delete it to start anew") from None
        wrong = _problem(saved)
        if wrong:
            raise TrainingError(f"{self.checkpoint}: {wrong}; delete it to start anew")
        if saved["identity"] != self.identity:
            raise TrainingError(
                f"{self.checkpoint}: belongs to a run with other data or settings; go on with the same ones, or choose "
                f"another folder\n{_differences(saved['identity'], self.identity)}"
            )
        if trained is not None:
            self._check_shapes(saved, trained)
        return saved

    def _check_shapes(self, saved: Mapping[str, Any], trained: Mapping[str, Tensor]) -> None:
        for part in ("model", *(["best_tensors"] if saved["best_epoch"] else [])):
            found, wanted = ({name: tuple(one.shape) for name, one in of.items()} for of in (saved[part], trained))
            for name in {**wanted, **found}:
                if found.get(name) != wanted.get(name):
                    raise TrainingError(
                        f"{self.checkpoint}: '{name}' of {part} must have the shape {wanted.get(name)} (got "
                        f"{found.get(name)}); delete it to start anew"
                    )


def _problem(saved: Any) -> str:
    """What is wrong with a state by itself; nothing if it can be one."""
    if not isinstance(saved, dict):
        return f"is no state of a training (got {type(saved).__name__})"
    for name, kind in _KINDS.items():
        if not isinstance(saved.get(name), kind) or isinstance(saved[name], bool):
            return f"'{name}' is missing or of another type"
    epoch, best = saved["epoch"], saved["best_epoch"]
    if not 1 <= epoch == len(saved["history"]) or not 0 <= best <= epoch:
        return f"its epochs do not fit together ({epoch}, the best {best}, {len(saved['history'])} in the history)"
    states = saved["optimizer"].get("state")
    if not isinstance(states, dict) or not all(isinstance(one, dict) for one in states.values()):
        return "'optimizer' is missing or of another type"
    parts = {name: saved[name] for name in ("model", "best_tensors")}
    parts |= {f"optimizer.{number}": one for number, one in states.items()}
    for part, tensors in parts.items():
        for name, tensor in tensors.items():
            if isinstance(tensor, Tensor) and tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                return f"'{name}' of {part} is not finite"
            if not isinstance(tensor, Tensor) and part in ("model", "best_tensors"):
                return f"'{name}' of {part} is no tensor"
    return ""


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
