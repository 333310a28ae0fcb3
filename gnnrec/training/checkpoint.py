"""Checkpoints that survive being killed while they are written."""

from pathlib import Path
from typing import Any

import torch

from encoders.files import atomic_write, require_regular
from gnnrec.errors import RunError
from gnnrec.training.callbacks import Callback
from gnnrec.training.run_schema import check_checkpoint
from gnnrec.training.state import TrainState

__all__ = ["Checkpoint"]


class Checkpoint(Callback):
    """Writes ``checkpoint.pt`` after every epoch; it is there whole or not at all.

    Args:
        path: The checkpoint file.
        identity: What the run is (model, data, options); a checkpoint of another run is refused.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.identity = identity

    def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
        """Write the state."""
        with atomic_write(self.path) as draft:
            torch.save({"identity": self.identity, **state.to_dict()}, draft)

    def load(self, device: torch.device) -> dict[str, Any]:
        """The saved state, for :meth:`TrainState.restore`.

        Raises:
            RunError: If the file is damaged or belongs to a run with other settings.
        """
        require_regular(self.path, RunError)
        try:
            saved = torch.load(self.path, map_location=device, weights_only=True)
        except Exception as error:  # torch raises many kinds for a damaged archive
            raise RunError(f"{self.path} cannot be read as a checkpoint ({error}); delete it to start anew") from error
        saved = check_checkpoint(self.path, saved)
        if saved["identity"] != self.identity:
            raise RunError(
                f"{self.path} belongs to a run with another model, data or options; resume with the same settings or "
                "choose another --out"
            )
        return {**saved, "path": str(self.path)}
