"""Item neighbourhoods by cosine."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from gnnrec.models._arguments import check_not_negative, check_share
from gnnrec.models.ranges import FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.models.sparse_item_scorer import SparseItemScorer

__all__ = ["ItemKNN"]


@register_model("item-knn")
class ItemKNN(SparseItemScorer):
    r"""Items that resemble what the user took, by who else took them.

    From `Item-Based Top-N Recommendation Algorithms <https://doi.org/10.1145/963770.963776>`_ (Deshpande and
    Karypis, 2004), with the asymmetric cosine of `Efficient Top-N Recommendation for Very Large
    Scale Binary Rated Datasets <https://doi.org/10.1145/2507157.2507189>`_ (Aiolli, 2013):

    .. math:: \hat{y}_{uj} = \sum_{i \in H_u \cap N_k(j)} s_{ij}, \qquad
        s_{ij} = \frac{\sum_v |H_v|^{-\gamma} R_{vi} R_{vj}}{n_i^{a} \, n_j^{1-a} + h}

    where :math:`H_u` is what the user took, :math:`n_i` the number of users of an item and :math:`N_k(j)` the
    k items with the largest :math:`s_{ij}`. With :math:`\gamma = 0`, :math:`a = 1/2` and :math:`h = 0` this
    is the cosine.

    Args:
        k: Neighbours kept for each item.
        user_damping: :math:`\gamma`; how much less a user counts who took many items. 1 gives every user's
            row of the matrix unit length, as Deshpande and Karypis do.
        asymmetry: :math:`a` in [0, 1]; above 1/2, popular items are recommended more.
        shrinkage: :math:`h`; pulls down similarities that rest on few users.

    Shapes:
        - **score:** (B,) -> (B, num_items)

    Raises:
        ArgumentError: If an argument is out of range.

    Differs from the reference:
        The k neighbours are those of the item to be scored, not of the item taken: it ranks better on our
        data. An item is not its own neighbour. Similarities are not rescaled to sum to one.
    """

    search_space: ClassVar[Mapping[str, Range]] = {
        "k": IntegerRange(20, 500, log=True),
        "user_damping": FloatRange(0.0, 1.0),
        "asymmetry": FloatRange(0.0, 1.0),
        "shrinkage": FloatRange(0.0, 50.0),
    }

    def __init__(
        self, *, k: int = 200, user_damping: float = 1.0, asymmetry: float = 0.8, shrinkage: float = 5.0
    ) -> None:
        super().__init__(k)
        check_not_negative("user_damping", user_damping)
        check_not_negative("shrinkage", shrinkage)
        check_share("asymmetry", asymmetry, of_all=True)
        self.user_damping = user_damping
        self.asymmetry = asymmetry
        self.shrinkage = shrinkage

    def _user_weight(self, degree: Tensor) -> Tensor:
        return degree**-self.user_damping

    def _weigh(self, votes: Tensor, start: int, degree: Tensor) -> Tensor:
        target = degree[start : start + votes.shape[0]] ** (1 - self.asymmetry)
        return votes.div_(torch.outer(target, degree**self.asymmetry).add_(self.shrinkage))

    def extra_repr(self) -> str:
        """Hyper-parameters shown by ``repr``."""
        return (
            f"{super().extra_repr()}, user_damping={self.user_damping}, asymmetry={self.asymmetry}, "
            f"shrinkage={self.shrinkage}"
        )
