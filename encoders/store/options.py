"""How to encode a catalog."""

import os
from dataclasses import dataclass, field

import torch

from encoders.errors import ArgumentError

__all__ = ["PRECISIONS", "EncodeOptions"]

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True)
class EncodeOptions:
    """How to encode; the vectors depend on ``precision`` alone.

    Args:
        batch_size: Samples a forward pass at most.
        workers: Processes that read and decode, 0 for none besides this one [default: one less than the cores, at most
            8, at least 1].
        device: ``"cpu"``, ``"cuda"``, ... or ``"auto"``.
        precision: ``"fp32"``, ``"bf16"``, ``"fp16"``, or ``"auto"``: bf16 on a GPU, fp32 elsewhere.
        item_seconds: After which a worker that still reads the same item is ended, and the item left out.

    Raises:
        ArgumentError: If a value cannot work.
    """

    batch_size: int = 64
    workers: int = field(default_factory=lambda: max(1, min(8, (os.cpu_count() or 1) - 1)))
    device: str = "auto"
    precision: str = "auto"
    item_seconds: float = 120.0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ArgumentError(f"'batch_size' must be a positive integer (got {self.batch_size})")
        if self.workers < 0:
            raise ArgumentError(f"'workers' must be an integer of at least 0 (got {self.workers})")
        if not self.item_seconds > 0:
            raise ArgumentError(f"'item_seconds' must be positive (got {self.item_seconds:g})")
        if self.precision not in PRECISIONS:
            raise ArgumentError(f"'precision' must be one of {', '.join(PRECISIONS)} (got {self.precision!r})")

    def resolve(self) -> tuple[torch.device, str]:
        """The device and precision that are meant.

        Raises:
            ArgumentError: If there is no such device.
        """
        name = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        try:
            device = torch.device(name)
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise ArgumentError(f"'device' must be one that there is (got {name!r}: {reason})") from None
        precision = ("bf16" if device.type == "cuda" else "fp32") if self.precision == "auto" else self.precision
        return device, precision
