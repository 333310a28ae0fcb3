"""TensorBoard logging."""

from pathlib import Path
from typing import Any

from gnnrec.errors import MissingExtraError
from gnnrec.training.callbacks import Callback
from gnnrec.training.state import TrainState

__all__ = ["TensorBoard"]


class TensorBoard(Callback):
    """Writes losses and validation metrics as TensorBoard scalars.

    Args:
        folder: Where the event files go.

    Raises:
        MissingExtraError: If tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("tensorboard", "tensorboard", "writing TensorBoard logs") from error
        self._open = lambda: SummaryWriter(str(folder))

    def on_start(self, state: TrainState) -> None:
        """Open the event file."""
        self._writer = self._open()  # type: ignore[no-untyped-call]

    def on_epoch(self, state: TrainState, record: dict[str, Any]) -> None:
        """Write the epoch's scalars."""
        scalars = {f"loss/{name}": value for name, value in record["losses"].items()}
        scalars |= {f"valid/{name}": value for name, value in record.get("valid", {}).items()}
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, record["epoch"])

    def on_end(self, state: TrainState) -> None:
        """Flush and close."""
        if hasattr(self, "_writer"):
            self._writer.close()
