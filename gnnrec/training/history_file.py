"""The history of a run as lines of JSON."""

import json
from pathlib import Path
from typing import Any

from encoders.files import atomic_write
from gnnrec.training.callbacks import Callback
from gnnrec.training.state import TrainState

__all__ = ["HistoryFile"]


class HistoryFile(Callback):
    """Appends one line an epoch to ``history.jsonl``.

    At the start the file is written anew from the restored state: a run killed between its history line and its
    checkpoint would otherwise show an epoch twice.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_start(self, state: TrainState) -> None:
        """Write the epochs that a restored checkpoint knows."""
        with atomic_write(self.path) as draft:
            draft.write_text("".join(json.dumps(record) + "\n" for record in state.history), encoding="utf-8")

    def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
        """Append the epoch."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
