"""What the tests of the fusions share: rows with gaps, small graphs, and the comparison with a dense equation."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gnnrec.nn.fusion import Fusion
from graphs import ItemGraph

ROWS = 6
GARBAGE = 1e4


class Case(NamedTuple):
    vectors: dict[str, Tensor]
    masks: dict[str, Tensor] | None
    graphs: dict[str, ItemGraph]


class Expected(NamedTuple):
    parts: dict[str, np.ndarray]
    usage: np.ndarray


def case(in_dims: Mapping[str, int], missing: str) -> Case:
    """Six rows; ``missing`` is "nothing", "some" (row 0 has all, row 5 has nothing) or "first" (nobody has it)."""
    generator = torch.Generator().manual_seed(len(in_dims))
    vectors = {name: torch.randn(ROWS, dim, generator=generator) for name, dim in in_dims.items()}
    graphs = {name: random_graph(generator) for name in in_dims}
    if missing == "nothing":
        return Case(vectors, None, graphs)
    masks = {}
    for column, name in enumerate(in_dims):
        has = torch.tensor([row == 0 or (row + column) % 3 > 0 for row in range(ROWS)])
        has[5] = False
        masks[name] = has & (missing != "first" or column > 0)
        vectors[name][~masks[name]] = GARBAGE
    return Case(vectors, masks, graphs)


def random_graph(generator: torch.Generator) -> ItemGraph:
    """Some pairs with weights of either sign, not symmetric; row 4 has no neighbour."""
    dense = torch.randn(ROWS, ROWS, generator=generator) * (torch.rand(ROWS, ROWS, generator=generator) > 0.5)
    dense[4] = 0
    edge_index = dense.nonzero().T.contiguous()
    return ItemGraph(edge_index, dense[edge_index[0], edge_index[1]], ROWS)


def dense(graph: ItemGraph) -> np.ndarray:
    matrix = np.zeros((graph.num_items, graph.num_items))
    matrix[tuple(graph.edge_index.numpy())] = graph.weight.numpy()
    return matrix


def array(x: Tensor) -> np.ndarray:
    return np.asarray(x.detach().double().numpy())


def rows(chosen: Case) -> list[dict[str, np.ndarray]]:
    """What each row has, by modality."""
    return [
        {name: array(x[row]) for name, x in chosen.vectors.items() if chosen.masks is None or chosen.masks[name][row]}
        for row in range(ROWS)
    ]


def randomise(fusion: Fusion) -> None:
    """Parameters that start at 0 or 1 would hide an error."""
    generator = torch.Generator().manual_seed(1)
    for parameter in fusion.parameters():
        nn.init.normal_(parameter, generator=generator)


def softmax(scores: list[float]) -> np.ndarray:
    weights = np.exp(np.array(scores) - max(scores, default=0.0))
    return np.asarray(weights / weights.sum())


def check(fusion: Fusion, chosen: Case, expected: Expected, graphs: dict[str, ItemGraph] | None = None) -> None:
    """The fusion's result, its parts and its usage are those of the equation."""
    arguments = (chosen.vectors, chosen.masks, graphs)
    np.testing.assert_allclose(array(fusion(*arguments)), sum(expected.parts.values()), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(array(fusion.usage(*arguments)), expected.usage, rtol=1e-5, atol=1e-5)
    parts = fusion.parts(*arguments)
    assert parts is not None and list(parts) == list(fusion.in_dims)
    for name, part in parts.items():
        np.testing.assert_allclose(array(part), expected.parts[name], rtol=1e-5, atol=1e-5, err_msg=name)
