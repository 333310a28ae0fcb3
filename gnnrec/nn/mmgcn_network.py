"""The network of one modality in MMGCN."""

from torch import Tensor, nn

from gnnrec.nn.mmgcn_layer import Combination, MMGCNLayer
from graphs import SparseOperator

__all__ = ["MMGCNNetwork"]


class MMGCNNetwork(nn.Module):
    """Layers of :class:`gnnrec.nn.mmgcn_layer.MMGCNLayer`, the first from the width of the content.

    Args:
        in_dim: Length of the vectors of layer 0.
        embedding_dim: Length of the id embeddings and of all further layers.
        num_layers: Number of layers, at least 1.
        combination: ``"concat"`` or ``"element-wise"``.

    Shapes:
        - **vectors:** user (num_users, in_dim), item (num_items, in_dim)
        - **identities:** user (num_users, embedding_dim), item (num_items, embedding_dim)
        - **forward:** user and item (number of rows asked for, embedding_dim)
    """

    def __init__(self, in_dim: int, embedding_dim: int, num_layers: int, combination: Combination = "concat") -> None:
        super().__init__()
        dims = [in_dim] + [embedding_dim] * (num_layers - 1)
        self.layers = nn.ModuleList(MMGCNLayer(dim, embedding_dim, combination) for dim in dims)

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for module in self.modules():
            if isinstance(module, MMGCNLayer):
                module.reset_parameters()

    def forward(
        self,
        vectors: tuple[Tensor, Tensor],
        identities: tuple[Tensor, Tensor],
        means: tuple[SparseOperator, SparseOperator],
        rows: tuple[Tensor | None, Tensor | None] = (None, None),
    ) -> tuple[Tensor, Tensor]:
        """The last layer of users and items.

        Args:
            vectors: Layer 0 of users and of items.
            identities: Id embeddings of users and of items.
            means: Means over the items of each user, and over the users of each item.
            rows: Users and items whose last layer is wanted, int64; ``None`` asks for all.
        """
        user, item = vectors
        for depth, layer in enumerate(self.layers, start=1):
            users, items = rows if depth == len(self.layers) else (None, None)
            user, item = (
                layer(user, item, identities[0], means[0], users),
                layer(item, user, identities[1], means[1], items),
            )
        return user, item
