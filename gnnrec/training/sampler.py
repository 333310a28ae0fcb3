"""Training triples."""

import torch
from torch import Tensor

from gnnrec.errors import DataError
from gnnrec.models.batch import Batch
from gnnrec.models.given import as_graph
from graphs import BipartiteGraph

__all__ = ["TripleSampler"]


class TripleSampler:
    """Draws a whole epoch of (user, taken item, other item) triples at once, on the graph's device.

    Negatives are uniform over the items that somebody took in training, less the user's own. Nothing is drawn twice:
    the r-th item that a user did not take is found by binary search among the items taken, so that an epoch costs the
    same however much users took. Users who took every such item have no negative and are left out.

    Args:
        graph: The training graph.

    Raises:
        ArgumentError: If the graph is none, such as a plain ``edge_index``.
        DataError: If no user has a negative.
    """

    def __init__(self, graph: BipartiteGraph) -> None:
        self.graph = as_graph(graph)
        warm = graph.item_degree > 0
        self.candidates = warm.nonzero().flatten()
        self._free = self.candidates.numel() - graph.user_degree  # negatives of each user
        user, item = graph.edge_index
        # Among the candidates below a user's p-th item, its number less p are free.
        place = warm.cumsum(0)[item] - 1
        before = torch.arange(graph.num_edges, device=graph.device) - graph.user_pointer[user]
        self._keys = user * (self.candidates.numel() + 1) + (place - before)  # sorted
        has_negative = self._free[user] > 0
        self.users, self.positives = user[has_negative], item[has_negative]
        if self.users.numel() == 0:
            raise DataError("every user took every item in training, so there is nothing to rank below")

    def __len__(self) -> int:
        return int(self.users.numel())

    def epoch(self, generator: torch.Generator) -> Batch:
        """Every training pair once, in random order, each with a negative.

        Args:
            generator: Source of randomness, on the graph's device.

        Returns:
            Triples, each tensor of shape (E,).
        """
        # Negatives are drawn while pairs are sorted by user: the lookups then touch neighbouring keys.
        negatives = self.negatives(self.users, generator)
        order = torch.randperm(len(self), generator=generator, device=self.graph.device)
        return Batch(self.users[order], self.positives[order], negatives[order])

    def negatives(self, users: Tensor, generator: torch.Generator) -> Tensor:
        """One item for each user that the user did not take; the users must have one. Shapes: (B,) -> (B,)."""
        free = self._free[users]
        chance = torch.rand(users.shape, generator=generator, device=users.device, dtype=torch.float64)
        wanted = (chance * free).to(torch.int64).minimum(free - 1)
        keys = users * (self.candidates.numel() + 1) + wanted
        taken_below = torch.searchsorted(self._keys, keys, right=True) - self.graph.user_pointer[users]
        return self.candidates[wanted + taken_below]
