"""Ways to make one vector of several modalities."""

from gnnrec.nn.fusion.base import Fusion

__all__ = ["Fusion"]
