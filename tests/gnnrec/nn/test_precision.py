"""Products, scalings and item graphs in half and double precision, and models whose fusion convolves."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gnnrec.models import Batch, create_model, list_models, model_arguments
from gnnrec.nn.bipartite_propagation import one_sided_layer_mean
from gnnrec.nn.unit_rows import unit_rows
from graphs import BipartiteGraph, ItemGraph, learned_graph

GRAPH = BipartiteGraph(torch.tensor([[0, 0, 1, 2, 2, 3, 4], [0, 1, 1, 2, 3, 4, 0]]), 5, 6)
PAIRS = torch.tensor([[0, 0, 1, 4], [1, 2, 0, 5]])

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "product": lambda x: GRAPH.user_item_matrix("symmetric").matmul(x),
    "layer mean": lambda x: GRAPH.adjacency().layer_mean(x.repeat(2, 1)[:11], 3),
    "one-sided": lambda x: torch.cat(one_sided_layer_mean(x, GRAPH.user_item_matrix("symmetric"), 3)),
    "item graph": lambda x: ItemGraph(PAIRS, torch.arange(4.0, requires_grad=True), 6).matmul(x),
    "unit rows": lambda x: torch.cat(unit_rows(x), dim=1),
    "learned graph": lambda x: learned_graph(x, 2).weight,
}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_precisions_give_the_same(name: str, dtype: torch.dtype) -> None:
    given = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    found, expected = given.clone().requires_grad_(), given.float().requires_grad_()
    results = FUNCTIONS[name](found), FUNCTIONS[name](expected)
    torch.testing.assert_close(results[0].float(), results[1])
    assert results[0].dtype == (dtype if dtype == torch.float64 and name != "learned graph" else torch.float32)
    for result in results:
        result.square().sum().backward()
    assert found.grad is not None and expected.grad is not None and found.grad.dtype == dtype
    torch.testing.assert_close(found.grad.float(), expected.grad, rtol=1e-2, atol=1e-5)


def test_rows_longer_than_half_precision_can_tell_have_a_direction() -> None:
    unit, length = unit_rows(torch.full((1, 4), 60_000.0, dtype=torch.float16))
    assert unit.tolist() == [[0.5] * 4] and float(length) == 2 * float(torch.tensor(60_000.0).half())


@pytest.mark.parametrize("name", [name for name in list_models() if "fusion" in model_arguments(name)])
def test_models_whose_fusion_convolves_work_in_double_precision(name: str) -> None:
    features = {"image": torch.randn(6, 3, dtype=torch.float64), "text": torch.randn(6, 2, dtype=torch.float64)}
    model = create_model(
        name, num_users=5, num_items=6, feature_dims={"image": 3, "text": 2}, fusion="graph", num_neighbors=2
    ).double()
    batch = Batch(torch.tensor([0, 2, 4]), torch.tensor([0, 3, 0]), torch.tensor([5, 1, 3]))
    loss = torch.stack(list(model.loss(GRAPH, features, batch).values())).sum()  # type: ignore[operator]
    assert loss.dtype == torch.float64 and bool(torch.isfinite(loss))
    loss.backward()
