"""The closed-form linear autoencoder."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from gnnrec.errors import ArgumentError
from gnnrec.models._arguments import check_positive, check_positive_integer
from gnnrec.models._neighbours import SparseRows, add_product, block_rows
from gnnrec.models.base import Features
from gnnrec.models.item_based_scorer import ItemBasedScorer
from gnnrec.models.ranges import FloatRange, Range
from gnnrec.models.registry import register_model
from gnnrec.models.scorer import HistoryRows
from graphs import BipartiteGraph

__all__ = ["EASE"]


@register_model("ease")
class EASE(ItemBasedScorer):
    r"""Ridge regression of every item on all others.

    From `Embarrassingly Shallow Autoencoders for Sparse Data <https://arxiv.org/abs/1905.03375>`_ (Steck,
    2019), equation 8: the scores are :math:`R B` with

    .. math:: P = (R^\top R + \lambda I)^{-1}, \qquad B_{ij} = -P_{ij} / P_{jj}, \qquad B_{jj} = 0.

    The weights are a dense (num_items, num_items) matrix by definition: 4 bytes an entry are kept and three
    times that is needed while fitting (10,000 items: 0.4 GB and 1.2 GB; 30,000 items: 3.6 GB and 10.8 GB).

    Args:
        regularization: :math:`\lambda`.
        max_items: Largest number of items that is accepted.

    Shapes:
        - **score:** (B,) -> (B, num_items)

    Raises:
        ArgumentError: If an argument is out of range, or, when fitting, if there are more than ``max_items``
            items or ``regularization`` is lost beside the numbers of users.

    Differs from the reference:
        Nothing; the inverse comes from a Cholesky factor.
    """

    search_space: ClassVar[Mapping[str, Range]] = {"regularization": FloatRange(10.0, 1000.0, log=True)}
    weight: Tensor

    def __init__(self, *, regularization: float = 75.0, max_items: int = 30_000) -> None:
        super().__init__()
        check_positive("regularization", regularization)
        check_positive_integer("max_items", max_items)
        self.regularization = regularization
        self.max_items = max_items
        self.register_buffer("weight", torch.empty(0, 0))

    def _fit(self, graph: BipartiteGraph, features: Features) -> None:
        num_items = graph.num_items
        if num_items > self.max_items:
            raise ArgumentError(
                f"'max_items' of ease is {self.max_items} (got {num_items} items); it needs a dense matrix "
                f"over all pairs, {num_items**2 * 12 / 1e9:.1f} GB: raise 'max_items' if that fits"
            )
        gram = torch.zeros(num_items, num_items, device=graph.device)
        matrix = graph.user_item_matrix()
        by_user, by_item = SparseRows.from_csr(matrix.csr), SparseRows.from_csr(matrix.transposed.csr)
        size = block_rows(num_items)
        for start in range(0, num_items, size):
            stop = min(start + size, num_items)
            add_product(gram[start:stop], by_item.slice(start, stop), by_user)
        least = float(gram.diagonal().max()) * torch.finfo(gram.dtype).eps if num_items else 0.0
        if self.regularization < least:
            raise ArgumentError(
                f"'regularization' of ease must be at least {least:.1g} for these data (got {self.regularization}): "
                "the numbers cannot tell less from 0"
            )
        gram.diagonal().add_(self.regularization)
        factor = torch.linalg.cholesky(gram, out=gram)
        # LAPACK works by columns; the inverse is symmetric, so its transpose is the same without a copy.
        inverse = torch.cholesky_inverse(factor).mT.contiguous()
        self.weight = inverse.div_(inverse.diagonal().clone().neg_())
        self.weight.fill_diagonal_(0)

    def state_shapes(self, num_users: int, num_items: int) -> dict[str, tuple[int | None, ...]]:
        """Shapes of the buffers after fitting."""
        return {"weight": (num_items, num_items)}

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Sum of the history items' rows of weights. Shape: (B, num_items)."""
        pointer, items = histories
        return functional.embedding_bag(items, self.weight, pointer, mode="sum", include_last_offset=True)

    def extra_repr(self) -> str:
        """Hyper-parameters shown by ``repr``."""
        return f"regularization={self.regularization}, max_items={self.max_items}"
