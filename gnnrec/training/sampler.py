"""Training triples."""

import torch
from torch import Tensor

from gnnrec.errors import DataError
from gnnrec.models.base import Batch
from graphs import BipartiteGraph

__all__ = ["TripleSampler"]


class TripleSampler:
    """Draws a whole epoch of (user, taken item, other item) triples at once, on the graph's device.

    Negatives are uniform over the items that somebody took in training, and never among the user's own: a drawn item
    that the user took is drawn again. Users who took every such item have no negative and are left out.

    Args:
        graph: The training graph.

    Raises:
        DataError: If no user has a negative.
    """

    def __init__(self, graph: BipartiteGraph) -> None:
        self.graph = graph
        self.candidates = graph.item_degree.nonzero().flatten()
        self._all_items = self.candidates.numel() == graph.num_items
        has_negative = graph.user_degree < self.candidates.numel()
        self.users, self.positives = graph.edge_index
        if not bool(has_negative.all()):
            kept = has_negative[self.users]
            self.users, self.positives = self.users[kept], self.positives[kept]
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
        """One item for each user that the user did not take. Shapes: (B,) -> (B,)."""
        drawn = self._draw(users.numel(), generator)
        rejected = self.graph.has_edges(users, drawn).nonzero().flatten()
        while rejected.numel():
            again = self._draw(rejected.numel(), generator)
            drawn[rejected] = again
            rejected = rejected[self.graph.has_edges(users[rejected], again)]
        return drawn

    def _draw(self, size: int, generator: torch.Generator) -> Tensor:
        index = torch.randint(self.candidates.numel(), (size,), generator=generator, device=self.graph.device)
        return index if self._all_items else self.candidates[index]
