"""The trained part of a music-video encoder."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.errors import ArgumentError

__all__ = ["ProjectionHead"]


class ProjectionHead(nn.Module):
    """Features of a frozen backbone to the common space, at length 1.

    ``Linear - BatchNorm - ReLU - Dropout`` for each hidden layer, then ``Linear - Sigmoid``, then division by the
    length. From `Towards Contrastive Learning in Music Video Domain <https://arxiv.org/abs/2309.00347>`_
    (Veldkamp et al., 2023), section 3.

    Differs from the released code: the parameters of batch normalisation are trained; there they are left out of the
    optimizer.

    Args:
        in_features: Width of the backbone.
        out_features: Width of the common space.
        hidden: Width of hidden layers.
        num_layers: Linear layers, the last included; with none the features are divided by their length and nothing is
            trained.
        dropout: Share of hidden values left out in training.
        sigmoid: Whether values are squeezed between 0 and 1 before they are divided by the length.

    Shapes:
        (batch, in_features) -> (batch, out_features)

    Raises:
        ArgumentError: If a number cannot work.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int = 256,
        *,
        hidden: int = 512,
        num_layers: int = 2,
        dropout: float = 0.3,
        sigmoid: bool = True,
    ) -> None:
        super().__init__()
        for name, value, smallest in (
            ("in_features", in_features, 1),
            ("out_features", out_features, 1),
            ("hidden", hidden, 1),
            ("num_layers", num_layers, 0),
        ):
            if value < smallest:
                raise ArgumentError(f"'{name}' must be an integer of at least {smallest} (got {value})")
        if not 0 <= dropout < 1:
            raise ArgumentError(f"'dropout' must be at least 0 and below 1 (got {dropout})")
        if num_layers == 0 and in_features != out_features:
            raise ArgumentError(
                f"'out_features' must be 'in_features', {in_features}, where no layer changes it (got {out_features})"
            )
        self.in_features, self.out_features, self.dropout = in_features, out_features, dropout
        widths = [in_features, *[hidden] * (num_layers - 1), out_features][: num_layers + 1]
        layers: list[nn.Module] = []
        for place, (wide, next_wide) in enumerate(pairwise(widths)):
            layers.append(nn.Linear(wide, next_wide))
            if place < num_layers - 1:
                layers += [nn.BatchNorm1d(next_wide), nn.ReLU(), nn.Dropout(dropout)]
        if sigmoid and num_layers:
            layers.append(nn.Sigmoid())
        self.layers = nn.Sequential(*layers)
        self.widths = tuple(widths)

    def embed(self, features: Tensor) -> Tensor:
        """The vectors before they are divided by their length."""
        vectors: Tensor = self.layers(features)
        return vectors

    def forward(self, features: Tensor) -> Tensor:
        """Project features."""
        return functional.normalize(self.embed(features), dim=1)

    @torch.no_grad()
    def encode(self, features: Tensor, *, batch_size: int = 8192) -> Tensor:
        """Project features of any number, in evaluation mode.

        Returns:
            On the CPU. Shape: (rows, out_features).
        """
        training = self.training
        self.eval()
        device = next((parameter.device for parameter in self.parameters()), features.device)
        try:
            return torch.cat([self(rows.to(device)).cpu() for rows in torch.split(features, batch_size)])
        finally:
            self.train(training)
