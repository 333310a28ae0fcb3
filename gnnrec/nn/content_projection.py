"""Linear projection of item content."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gnnrec.data.item_features import ItemFeatures

__all__ = ["ContentProjection"]


class ContentProjection(nn.Module):
    r"""Projects the concatenated features of items, :math:`\sum_m W_m f_{m,i} / \lVert f_{m,i} \rVert`.

    Only the items asked for are projected. Each modality is scaled to length 1, so that no encoder's units dominate;
    the scale is applied after the product, which spares a normalised copy of wide features. An item without content in
    a modality gets that modality's mean direction.

    Args:
        feature_dims: Length of the feature vector of each modality by name.
        out_dim: Length of the projection.

    Shapes:
        - **forward:** items (B,) -> (B, out_dim)
    """

    def __init__(self, feature_dims: Mapping[str, int], out_dim: int) -> None:
        super().__init__()
        self.out_dim = out_dim
        self.feature_dims = dict(feature_dims)
        self.weights = nn.ParameterList([nn.Parameter(torch.empty(out_dim, dim)) for dim in feature_dims.values()])
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew (Xavier normal)."""
        for weight in self.weights:
            nn.init.xavier_normal_(weight)

    def forward(self, features: Mapping[str, ItemFeatures], items: Tensor | None = None) -> Tensor:
        """Projection of the given items, of all without ``items``. Shape: (B, out_dim)."""
        total: Tensor | None = None
        for name, weight in zip(self.feature_dims, self.weights, strict=True):
            modality = features[name]
            x, norms, mask = modality.x, modality.norms, modality.mask
            if items is not None:
                x, norms, mask = x[items], norms[items], mask[items]
            stand_in = weight @ modality.mean_direction
            projected = torch.where(mask.unsqueeze(1), (x @ weight.T) / norms.unsqueeze(1), stand_in)
            total = projected if total is None else total + projected
        assert total is not None, "feature_dims is checked by the model"
        return total

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"feature_dims={self.feature_dims}, out_dim={self.out_dim}"
