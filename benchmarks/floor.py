"""A count of what an epoch has to compute and move, and the seconds that takes at this machine's rates."""

from rates import Rates

from graphs import SparseOperator

__all__ = ["Floor"]

FLOAT = 4
"""Bytes of a value."""


class Floor:
    """Adds up operations and bytes of an epoch by stage.

    Every method counts forward and backward of one operation, ``times`` times an epoch. Costs that a better
    implementation could avoid are not counted: a copy, a second pass, a product for rows that no loss reads.

    Args:
        rates: What the machine can do.
        steps: Steps of an epoch, the default of ``times``.
    """

    def __init__(self, rates: Rates, steps: int) -> None:
        self.rates = rates
        self.steps = steps
        self.stages: dict[str, dict[str, float]] = {}

    @property
    def seconds(self) -> float:
        """Seconds of the whole epoch."""
        return sum(stage["seconds"] for stage in self.stages.values())

    def linear(
        self,
        stage: str,
        rows: float,
        inner: int,
        columns: int,
        *,
        input_gradient: bool = True,
        times: float | None = None,
    ) -> None:
        """``x @ W``, (rows, inner) by (inner, columns): the product, the gradient of W, and that of x where wanted."""
        count = max(1, round(rows))
        seconds = self.rates.product(count, inner, columns, False) + self.rates.product(columns, count, inner, True)
        if input_gradient:
            seconds += self.rates.product(count, columns, inner, False)
        self._add(stage, "operations", (3 if input_gradient else 2) * 2 * count * inner * columns, seconds, times)

    def sparse(
        self,
        stage: str,
        operator: SparseOperator,
        columns: int,
        *,
        gradient: bool = True,
        times: float | None = None,
    ) -> None:
        """A sparse product with so many columns, and that of the transpose with the gradient."""
        seconds = self.rates.sparse(operator, columns)
        if gradient:
            seconds += seconds if operator.is_symmetric else self.rates.sparse(operator.transposed, columns)
        count = (2 if gradient else 1) * 2 * operator.num_nonzeros * columns
        self._add(stage, "operations", count, seconds, times)

    def propagation(
        self, stage: str, operator: SparseOperator, columns: int, layers: int, *, gradient: bool = True
    ) -> None:
        """LightGCN: ``layers`` products, each added to the mean of the layers, and the same backward.

        ``operator`` is the adjacency of all nodes; or the users-by-items matrix for inputs that start on one side, as a
        layer then reaches the other side alone.
        """
        self.sparse(stage, operator, columns, gradient=gradient, times=layers * self.steps)
        rows = operator.shape[0] if operator.is_symmetric else sum(operator.shape) / 2
        self.passes("layer means", rows * columns * FLOAT, 2 * (2 if gradient else 1) * layers)

    def gather(self, stage: str, rows: float, columns: int, table_rows: int, *, gradient: bool = True) -> None:
        """Rows of a table: read and written; their gradient read and added into a table that was zero before."""
        part, table = rows * columns * FLOAT, table_rows * columns * FLOAT
        self._moved(stage, 2 * part, table, None)
        if gradient:
            self._moved("gradient scatter", 2 * part + table, table, None)

    def passes(self, stage: str, table: float, count: float, *, times: float | None = None) -> None:
        """So many reads and writes of a table of so many bytes."""
        self._moved(stage, count * table, table, times)

    def contrast(self, stage: str, rows: int, choices: int, dim: int, *, times: float | None = None) -> None:
        """InfoNCE: the logits, their exponentials, and backward the products with their gradient to both sides."""
        seconds = self.rates.product(rows, dim, choices, False)
        seconds += self.rates.product(rows, choices, dim, False) + self.rates.product(choices, rows, dim, True)
        self._add(stage, "operations", 3 * 2 * rows * choices * dim, seconds, times)
        self._add(stage, "exponentials", rows * choices, self.rates.exponential(rows * choices), times)
        # The gradient of the logits is written over them once: softmax less the right choice.
        logits = rows * choices * FLOAT
        self._moved(stage, 2 * logits, logits, times)

    def nearest(self, stage: str, count: int, dim: int, k: int, *, times: float) -> None:
        """An exact neighbour search, which has no gradient."""
        self._add(stage, "operations", 2 * count * count * dim, self.rates.nearest(count, dim, k), times)

    def optimizer(self, parameters: int, *, times: float | None = None) -> None:
        """Adam: parameter, gradient and two moments are read, all but the gradient written."""
        self.passes("optimizer", parameters * FLOAT, 7, times=times)

    def sampling(self, num_pairs: int) -> None:
        """A negative, a place in the order, two lookups and three gathered columns for each pair, 8 bytes each."""
        self._moved("sampling", 8 * 12 * num_pairs, 8 * num_pairs, 1)

    def rebuilding(self, stage: str, num_edges: int, *, times: float) -> None:
        """A graph of these edges: both ends and a weight read and written in each direction, degrees counted."""
        self._moved(stage, 2 * 2 * num_edges * (4 + 4 + FLOAT), num_edges * FLOAT, times)

    def _moved(self, stage: str, num_bytes: float, table: float, times: float | None) -> None:
        self._add(stage, "bytes", num_bytes, self.rates.moved(num_bytes, table), times)

    def _add(self, stage: str, kind: str, count: float, seconds: float, times: float | None) -> None:
        times = self.steps if times is None else times
        entry = self.stages.setdefault(stage, {"seconds": 0.0})
        entry[kind] = entry.get(kind, 0) + count * times
        entry["seconds"] += seconds * times
