"""Figures of top-k lists beyond accuracy: coverage, concentration, novelty, diversity, popularity bias.

Lists are (U, k) int64, best first, with -1 where a list is shorter.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from gnnrec.data.interactions import Interactions
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError
from graphs import BipartiteGraph

__all__ = [
    "beyond_accuracy",
    "catalog_coverage",
    "gini_index",
    "intra_list_diversity",
    "novelty",
    "popularity_bias",
    "popularity_lift",
]

_BLOCK_VALUES = 4_000_000
"""Sums of feature vectors held at a time: 16 MB."""


@torch.no_grad()
def beyond_accuracy(
    items: Tensor,
    train: Interactions | BipartiteGraph,
    features: Mapping[str, ItemFeatures] | None,
    k: int,
    *,
    users: Tensor | None = None,
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """All figures of this module for lists of length k.

    Args:
        items: Recommended items, best first, -1 where a list is shorter. Shape: (U, K) int64.
        train: Training interactions; popularity is the number of different users who took an item.
        features: Item features by name; without any there is no diversity.
        k: List length; further columns are not read.
        users: Whose lists. Shape: (U,). By default all users of ``train`` in order.

    Returns:
        Figures over all lists (``coverage@k``, ``gini@k``, ``novelty@k``, ``arp@k``, ``popularity_lift@k``
        and ``diversity@k``) and values of each list, (U,) float32, NaN where undefined (``novelty@k``,
        ``arp@k``, ``popularity_lift@k`` and ``diversity@k``). Novelty, ARP and diversity are means over the
        lists that have them; diversity is the mean over modalities. The overall lift compares means of the
        group, so it is not the mean of the lists' own. A figure that no list has, such as the diversity of
        lists of one item, is left out.

    Raises:
        ArgumentError: If ``k`` or the lists cannot be: wrong shape, type, or an item outside the catalog.
    """
    if isinstance(train, Interactions):
        train = BipartiteGraph.from_interactions(train).to(items.device)
    _check_lists(items, train.num_items)
    if k < 1:
        raise ArgumentError(f"'k' must be a positive integer (got {k})")
    if users is None:
        users = torch.arange(train.num_users, device=items.device)
    if users.shape != items.shape[:1]:
        raise ArgumentError(
            f"'users' must name the user of each of the {items.shape[0]} lists (got {tuple(users.shape)}); "
            "when it is not given, the lists must be those of all users"
        )
    items = items[:, :k].contiguous()
    recommended, profile = popularity_bias(items, train, users)
    each = {
        f"novelty@{k}": novelty(items, train.item_degree, train.num_users),
        f"arp@{k}": recommended,
    }
    if features:
        of_modality = [intra_list_diversity(items, modality) for modality in features.values()]
        each[f"diversity@{k}"] = torch.stack(of_modality).nanmean(dim=0)
    overall = {
        f"coverage@{k}": catalog_coverage(items, train.num_items),
        f"gini@{k}": gini_index(items, train.num_items),
        f"popularity_lift@{k}": popularity_lift(recommended, profile),
        **{name: float(value.nanmean()) for name, value in each.items()},
    }
    each[f"popularity_lift@{k}"] = recommended / profile - 1
    return {name: value for name, value in overall.items() if value == value}, each


def catalog_coverage(items: Tensor, num_items: int) -> float:
    """Share of all items that are in anyone's list, in [0, 1].

    Args:
        items: Recommended items. Shape: (U, k), int64.
        num_items: Number of items.

    Returns:
        The share.
    """
    return int((_recommendation_counts(items, num_items) > 0).sum()) / num_items


def gini_index(items: Tensor, num_items: int) -> float:
    r"""Gini coefficient of how often each item is recommended.

    :math:`\sum_i (2 i - n - 1) c_{(i)} / (n \sum_i c_i)` over counts in rising order, items never recommended
    included. It is half the mean absolute difference of two items' counts over the mean count: 0 when all
    items are recommended equally often, (n - 1) / n when only one is.

    Args:
        items: Recommended items. Shape: (U, k), int64.
        num_items: n, the number of items.

    Returns:
        The coefficient; NaN if nothing is recommended.
    """
    counts = _recommendation_counts(items, num_items).sort().values
    rank = torch.arange(1, num_items + 1, device=counts.device)
    total = int(counts.sum())
    return int(((2 * rank - num_items - 1) * counts).sum()) / (num_items * total) if total else float("nan")


def novelty(items: Tensor, item_counts: Tensor, num_users: int) -> Tensor:
    r"""Mean self-information of each list, :math:`-\log_2 (c_i / m)` with c_i of m users having taken item i.

    An item without training users counts as if one had taken it, the most surprising that training data can
    show; its own value would be infinite. Zhou et al., Solving the apparent diversity-accuracy dilemma of
    recommender systems, PNAS 2010.

    Args:
        items: Recommended items. Shape: (U, k), int64.
        item_counts: Training users of each item. Shape: (num_items,).
        num_users: m, the number of users.

    Returns:
        Bits, NaN for an empty list. Shape: (U,), float32.
    """
    share = item_counts.clamp(min=1).to(torch.float32) / num_users
    return _list_means(-share.log2(), items)


@torch.no_grad()
def intra_list_diversity(items: Tensor, features: ItemFeatures) -> Tensor:
    r"""Mean cosine distance of the pairs in each list, among listed items that have the feature.

    Ziegler et al., Improving recommendation lists through topic diversification, WWW 2005, with distances in
    place of similarities. With unit vectors u the sum of the cosines over ordered pairs is :math:`|\sum u|^2
    - \sum |u|^2`, so no pair is formed. A vector of zeros is orthogonal to all others.

    Args:
        items: Recommended items. Shape: (U, k), int64.
        features: Item features. Shape of ``x``: (num_items, d).

    Returns:
        Distances in [0, 2]; NaN where fewer than two listed items have the feature. Shape: (U,), float32.
    """
    _check_lists(items, features.num_items)
    x, mask = features.x.to(items.device, torch.float32), features.mask.to(items.device)
    length = torch.linalg.vector_norm(x, dim=1)
    usable = mask & (length > 0)
    scale = torch.where(usable, length.reciprocal(), 0.0)
    # Rows that must not be read stand for a row that may, with weight 0: what they hold need not be finite.
    row = torch.where(usable, torch.arange(x.shape[0], device=x.device), usable.int().argmax())
    place = items.clamp(min=0)
    listed = items >= 0
    covered = (mask[place] & listed).sum(dim=1)
    row, scale = row[place], scale[place].masked_fill_(~listed, 0.0)
    block = max(_BLOCK_VALUES // max(features.dim, 1), 1)
    squared = x.new_zeros(items.shape[0])
    for start in range(0, items.shape[0], block):
        part = slice(start, start + block)
        total = embedding_bag(row[part], x, mode="sum", per_sample_weights=scale[part])  # (B, d)
        torch.linalg.vecdot(total, total, out=squared[part])
    similarity = (squared - (scale > 0).sum(dim=1)) / (covered * (covered - 1))
    return (1 - similarity).clamp_(min=0.0, max=2.0).masked_fill_(covered < 2, torch.nan)


def popularity_bias(items: Tensor, train: BipartiteGraph, users: Tensor) -> tuple[Tensor, Tensor]:
    """Mean popularity of what users are recommended and of what they took themselves.

    The first is the average recommendation popularity (ARP) of each list, Yin et al., Challenging the long
    tail recommendation, VLDB 2012. An item's popularity is the number of its training users.

    Args:
        items: Recommended items. Shape: (U, k), int64.
        train: The training graph.
        users: Whose lists. Shape: (U,).

    Returns:
        Of the list (NaN where it is empty) and of the training profile (NaN where the user has none).
        Shapes: (U,), (U,), float32.
    """
    popularity = train.item_degree.to(torch.float32)
    total = train.user_item_matrix().matmul(popularity.unsqueeze(1)).squeeze(1)
    profile = total / train.user_degree.clamp(min=1)
    profile = profile.masked_fill(train.user_degree == 0, torch.nan)
    return _list_means(popularity, items), profile[users]


def popularity_lift(recommended: Tensor, profile: Tensor) -> float:
    r"""How much more popular recommendations are than what their users took, :math:`GAP_q / GAP_p - 1`.

    GAP, the group average popularity, is the mean over users of the mean popularity of their items;
    Abdollahpouri et al., The unfairness of popularity bias in recommendation, RMSE 2019, and The connection
    between popularity bias, calibration, and fairness in recommendation, RecSys 2020. Users who lack a list
    or a profile are in neither mean.

    Args:
        recommended: Of each user's list, see :func:`popularity_bias`. Shape: (U,).
        profile: Of each user's profile. Shape: (U,).

    Returns:
        0 for no bias, 1 for twice as popular; NaN if no user has both.
    """
    both = ~(recommended.isnan() | profile.isnan())
    return float(recommended[both].mean() / profile[both].mean() - 1)


def _recommendation_counts(items: Tensor, num_items: int) -> Tensor:
    """How often each item is recommended. Shape: (num_items,), int64."""
    _check_lists(items, num_items)
    return torch.bincount((items + 1).reshape(-1), minlength=num_items + 1)[1:]  # the first bin takes the -1


def _list_means(table: Tensor, items: Tensor) -> Tensor:
    """Mean table value of each list, NaN where it is empty. Shapes: (num_items,), (U, k) -> (U,)."""
    _check_lists(items, table.numel())
    listed = items >= 0
    return table[items.clamp(min=0)].masked_fill_(~listed, 0.0).sum(dim=1) / listed.sum(dim=1)


def _check_lists(items: Tensor, num_items: int) -> None:
    if items.dtype != torch.int64 or items.dim() != 2:
        raise ArgumentError(f"'items' must be int64 of shape (U, k) (got {items.dtype}, {tuple(items.shape)})")
    if not items.numel():
        return
    low, high = int(items.min()), int(items.max())
    if low < -1 or high >= num_items:
        raise ArgumentError(f"'items' must lie in [0, {num_items}), or be -1 for none (got {low} to {high})")
