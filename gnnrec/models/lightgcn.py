"""LightGCN."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gnnrec.models._arguments import check_layers, check_not_negative, check_positive, check_positive_integer
from gnnrec.models.base import Batch, Embeddings, Features, Recommender
from gnnrec.models.ranges import FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.nn.losses import bpr_loss, embedding_penalty
from graphs import BipartiteGraph

__all__ = ["LightGCN"]


@register_model("lightgcn")
class LightGCN(Recommender):
    r"""Linear propagation of id embeddings over the user-item graph.

    From `LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation
    <https://arxiv.org/abs/2002.02126>`_ (He et al., 2020), equations 3, 4 and 15:

    .. math::
        E^{(k+1)} = D^{-1/2} A D^{-1/2} E^{(k)}, \quad E = \frac{1}{K+1} \sum_{k=0}^{K} E^{(k)}

    trained with BPR and an L2 penalty on the layer-0 embeddings of the step's users and items.

    Args:
        num_users: Number of users.
        num_items: Number of items.
        embedding_dim: Length of an embedding.
        num_layers: K; 0 is matrix factorisation.
        regularization: Weight of the penalty.
        init_std: Standard deviation of the initial embeddings.

    Raises:
        ArgumentError: If an argument is out of range.

    Shapes:
        - **forward:** user (num_users, embedding_dim), item (num_items, embedding_dim)

    Differs from the reference:
        An epoch visits every training pair once in random order; the authors' code draws users with replacement.
        With gnnrec's sampler, items that nobody took in training are no negatives. The penalty's default is 1e-3, not
        1e-4: ``benchmarks/README.md`` says by what search.
    """

    search_space: ClassVar[Mapping[str, Range]] = {
        "num_layers": IntegerRange(1, 4),
        "regularization": FloatRange(1e-5, 1e-2, log=True),
        "init_std": FloatRange(0.01, 0.3, log=True),
        "learning_rate": FloatRange(3e-4, 1e-2, log=True),
    }
    paper_setting: ClassVar[Mapping[str, Any]] = {"regularization": 1e-4, "learning_rate": 1e-3}  # the authors' code

    def __init__(
        self,
        num_users: int,
        num_items: int,
        *,
        embedding_dim: int = 64,
        num_layers: int = 3,
        regularization: float = 1e-3,
        init_std: float = 0.1,
    ) -> None:
        super().__init__(num_users, num_items)
        check_positive_integer("embedding_dim", embedding_dim)
        check_layers("num_layers", num_layers, least=0)
        check_not_negative("regularization", regularization)
        check_positive("init_std", init_std)
        self.embedding_dim = embedding_dim
        self.num_layers = num_layers
        self.regularization = regularization
        self.init_std = init_std
        # One table, users first: it is propagated as it is, without a copy a step.
        self.embedding = nn.Parameter(torch.empty(num_users + num_items, embedding_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the embeddings from a normal distribution."""
        nn.init.normal_(self.embedding, std=self.init_std)

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        """Propagated embeddings of all users and items."""
        adjacency = graph.adjacency("symmetric")
        final = adjacency.layer_mean(self.embedding, self.num_layers)
        return Embeddings(final[: self.num_users], final[self.num_users :])

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        """BPR on propagated embeddings and the penalty on layer 0."""
        final = graph.adjacency("symmetric").layer_mean(self.embedding, self.num_layers)
        nodes = torch.cat([batch.users, batch.positives + self.num_users, batch.negatives + self.num_users])
        user, positive, negative = final.index_select(0, nodes).chunk(3)
        return {
            "bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1)),
            "regularization": self.regularization * embedding_penalty(*self.embedding.index_select(0, nodes).chunk(3)),
        }

    @torch.no_grad()
    def item_fold_in(self, graph: BipartiteGraph, features: Features) -> Tensor | None:
        """Equation 3 for a user node that joins after training, without an embedding of its own."""
        if self.num_layers == 0:
            return None
        last = self.num_layers - 1
        mean = graph.adjacency("symmetric").layer_mean(self.embedding, last)[self.num_users :]
        degree = graph.item_degree.clamp(min=1).sqrt().unsqueeze(1)
        return mean * ((last + 1) / (self.num_layers + 1)) / degree

    def extra_repr(self) -> str:
        """Sizes shown by ``repr``."""
        return f"{super().extra_repr()}, embedding_dim={self.embedding_dim}, num_layers={self.num_layers}"
