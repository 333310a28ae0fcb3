"""Linear projection of item content, one vector a modality."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gnnrec.data.item_features import ItemFeatures
from gnnrec.nn.content import modality_of

__all__ = ["ModalityProjection"]


class ModalityProjection(nn.Module):
    r"""Projects each modality of items, :math:`h_{m,i} = W_m f_{m,i} / \lVert f_{m,i} \rVert + b_m`.

    Only the items asked for are projected. Each feature vector is scaled to length 1, so that no encoder's units
    dominate; the scale is applied after the product, which spares a normalised copy of wide features. An item without
    content in a modality gets that modality's mean direction, projected.

    Args:
        feature_dims: Length of the feature vector of each modality by name.
        out_dim: Length of a projection.
        bias: Whether there are :math:`b_m`.

    Shapes:
        - **forward:** items (B,) -> (B, out_dim) for each modality
    """

    def __init__(self, feature_dims: Mapping[str, int], out_dim: int, *, bias: bool = True) -> None:
        super().__init__()
        self.feature_dims = dict(feature_dims)
        self.out_dim = out_dim
        self.weights = nn.ParameterList([nn.Parameter(torch.empty(out_dim, dim)) for dim in feature_dims.values()])
        self.biases = nn.ParameterList([nn.Parameter(torch.empty(out_dim)) for _ in feature_dims]) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier normal); biases start at zero."""
        for weight in self.weights:
            nn.init.xavier_normal_(weight)
        for bias in self.biases or ():
            nn.init.zeros_(bias)

    def forward(self, features: Mapping[str, ItemFeatures], items: Tensor | None = None) -> dict[str, Tensor]:
        """Projections of the given items, of all without ``items``. Shape of each: (B, out_dim).

        Raises:
            ArgumentError: If a modality is missing or its vectors have another length.
        """
        projected = {}
        for index, name in enumerate(self.feature_dims):
            modality, weight = modality_of(features, name, self.feature_dims[name]), self.weights[index]
            x, norms, mask = modality.x, modality.norms, modality.mask
            if items is not None:
                x, norms, mask = x[items], norms[items], mask[items]
            rows = (x.to(weight.dtype) @ weight.T) / norms.unsqueeze(1)
            if not modality.complete:
                rows = torch.where(mask.unsqueeze(1), rows, weight @ modality.mean_direction.to(weight.dtype))
            projected[name] = rows if self.biases is None else rows + self.biases[index]
        return projected

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"feature_dims={self.feature_dims}, out_dim={self.out_dim}, bias={self.biases is not None}"
