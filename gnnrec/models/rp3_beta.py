"""Three-step random walks with a popularity penalty."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from gnnrec.models._arguments import check_not_negative
from gnnrec.models.ranges import FloatRange, IntegerRange, Range
from gnnrec.models.registry import register_model
from gnnrec.models.scorer import HistoryRows
from gnnrec.models.sparse_item_scorer import SparseItemScorer

__all__ = ["RP3beta"]


@register_model("rp3-beta")
class RP3beta(SparseItemScorer):
    r"""Items that a random walk user-item-user-item reaches, popular ones held back.

    From `Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive Applications
    <https://doi.org/10.1145/2955101>`_ (Paudel et al., 2017):

    .. math:: \hat{y}_{uj} = \frac{1}{n_j^{\beta}} \sum_{i \in H_u} p_{ui} \sum_v p_{iv} \, p_{vj}, \qquad
        p_{uj} = \left(\frac{R_{uj}}{|H_u|}\right)^{\alpha}, \quad
        p_{iv} = \left(\frac{R_{vi}}{n_i}\right)^{\alpha}

    where :math:`H_u` is what the user took and :math:`n_i` the number of users of an item.

    Args:
        k: Items from which the walk's last two steps may come to an item: the likeliest are kept.
        alpha: Exponent of every transition probability.
        beta: Exponent of the popularity penalty.

    Shapes:
        - **score:** (B,) -> (B, num_items)

    Raises:
        ArgumentError: If an argument is out of range.

    Differs from the reference:
        Only each item's k strongest transitions are kept (``k=num_items`` keeps all), which also ranks better
        on our data. Walks that return to the item they came through are left out: they reach only items
        already taken. The paper takes either ``alpha`` or ``beta``; here they combine.
    """

    search_space: ClassVar[Mapping[str, Range]] = {
        "k": IntegerRange(20, 500, log=True),
        "alpha": FloatRange(0.3, 1.5),
        "beta": FloatRange(0.0, 0.8),
    }

    def __init__(self, *, k: int = 200, alpha: float = 1.0, beta: float = 0.1) -> None:
        super().__init__(k)
        check_not_negative("alpha", alpha)
        check_not_negative("beta", beta)
        self.alpha = alpha
        self.beta = beta

    def _user_weight(self, degree: Tensor) -> Tensor:
        return degree**-self.alpha

    def _weigh(self, votes: Tensor, start: int, degree: Tensor) -> Tensor:
        penalty = degree[start : start + votes.shape[0]] ** -self.beta
        return votes.mul_(degree**-self.alpha).mul_(penalty.unsqueeze(1))

    def score_histories(self, histories: HistoryRows) -> Tensor:
        """Penalised probability of reaching each item from the history. Shape: (B, num_items)."""
        first_step = histories[0].diff().clamp(min=1) ** -self.alpha
        return super().score_histories(histories).mul_(first_step.unsqueeze(1))

    def extra_repr(self) -> str:
        """Hyper-parameters shown by ``repr``."""
        return f"{super().extra_repr()}, alpha={self.alpha}, beta={self.beta}"
