"""Fusion by the mean."""

from collections.abc import Mapping

from torch import Tensor

from gnnrec.nn.fusion._masking import check_lengths, presence, present_vectors
from gnnrec.nn.fusion.base import Fusion
from graphs import ItemGraph

__all__ = ["MeanFusion"]


class MeanFusion(Fusion):
    r"""The mean over the modalities that a row has; zero for a row that has none.

    .. math::
        z_i = \frac{1}{|M_i|} \sum_{m \in M_i} h_{m,i}

    Args:
        in_dims: Length of the vectors of each modality by name; all equal to ``out_dim``.
        out_dim: Length of the result.

    Shapes:
        - **forward:** (n, out_dim) for each modality -> (n, out_dim)

    Raises:
        ArgumentError: If a modality's vectors have another length than ``out_dim``.
    """

    def __init__(self, in_dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__(in_dims, out_dim)
        check_lengths("mean", self.in_dims, out_dim, "that of the result")

    def reset_parameters(self) -> None:
        """Nothing: there are no parameters."""

    def forward(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """The mean of what each row has. Shape: (n, out_dim)."""
        first, *others = self.parts(vectors, masks).values()
        return sum(others, start=first)

    def parts(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> dict[str, Tensor]:
        """Each modality's vectors over the number of modalities of the row. Shape of each: (n, out_dim)."""
        if masks is None:
            return {name: vectors[name] / len(self.in_dims) for name in self.in_dims}
        share = self.usage(vectors, masks)
        present = present_vectors(self.in_dims, vectors, masks)
        return {
            name: rows * share[:, column : column + 1]
            for column, (name, rows) in enumerate(zip(self.in_dims, present, strict=True))
        }

    def usage(
        self,
        vectors: Mapping[str, Tensor],
        masks: Mapping[str, Tensor] | None = None,
        graphs: Mapping[str, ItemGraph] | None = None,
    ) -> Tensor:
        """Equal shares of the modalities that the row has. Shape: (n, M)."""
        present = presence(self.in_dims, vectors, masks)
        return present / present.sum(1, keepdim=True).clamp(min=1)
