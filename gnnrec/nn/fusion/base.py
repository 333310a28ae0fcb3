"""What every fusion has."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from gnnrec.errors import ArgumentError
from graphs import ItemGraph

__all__ = ["Fusion"]


class Fusion(nn.Module, ABC):
    """Combines one vector a modality into one vector, for any number of rows (items, or users and items).

    Args:
        in_dims: Length of the vectors of each modality by name, in the order of the columns of :meth:`usage`.
        out_dim: Length of the result.

    Shapes:
        - **vectors:** (n, in_dims[m]) for each modality m
        - **masks:** (n,) bool for each modality: whether the row has it; without masks all rows have all
        - **graphs:** item graphs over the n rows by modality, for fusions that convolve; rows that are no items have
          none
        - **forward:** (n, out_dim)

    Raises:
        ArgumentError: If no modality is given, or the vectors' lengths must agree and do not.
    """

    needs_graphs: ClassVar[bool] = False
    """Whether it convolves over graphs: a model then fuses all items at once and gives their graphs.

    Without graphs and without masks, every fusion works row by row, so any rows can be fused without the others.
    """

    row_wise: ClassVar[bool] = True
    """Whether a row's result depends on that row alone whatever the masks.

    If so, a model that gives masks, too, can fuse some rows without the others.
    """

    def __init__(self, in_dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__()
        if not in_dims:
            raise ArgumentError("'in_dims' must name at least one modality")
        self.in_dims = dict(in_dims)
        self.out_dim = out_dim

    @abstractmethod
    def forward(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """The fused vectors; what a row lacks has no influence on it. Shape: (n, out_dim)."""

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw all parameters anew."""

    def parts(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> dict[str, Tensor] | None:
        """The result as a sum of one term a modality, shape (n, out_dim) each.

        Weights that the fusion finds by attention count as given. A term that belongs to no modality (a bias) is
        shared equally by the modalities. ``None`` where the fusion is no such sum.
        """
        return None

    @abstractmethod
    def usage(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """How much each row's result draws on each modality: shares of 1, all 0 where the row has none.

        Shape: (n, number of modalities).
        """

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"in_dims={self.in_dims}, out_dim={self.out_dim}"
