"""What encoding did."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["EncodeReport"]


@dataclass
class EncodeReport:
    """What encoding did.

    Args:
        name: Of the features.
        items: Items of the blocks that were this process's.
        encoded: Items that went through the encoder.
        reused: Items whose vector was there already.
        truncated: Items whose content was cut.
        problems: Reason by item id.
        wait_seconds: Time in which the encoder had nothing to do.
        forward_seconds: Time in the encoder.
        write_seconds: Time for writing blocks.
        path: The file of features; None while other shards are missing.
        covered: Items of the file that have a vector.
    """

    name: str
    items: int = 0
    encoded: int = 0
    reused: int = 0
    truncated: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    forward_seconds: float = 0.0
    write_seconds: float = 0.0
    path: Path | None = None
    covered: int = 0

    def add(self, other: "EncodeReport") -> None:
        """Count what another process did as well; times are those of all processes together."""
        for name in ("items", "encoded", "reused", "truncated", "wait_seconds", "forward_seconds", "write_seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.problems |= other.problems
