"""Operations and bytes that floors count."""

import torch
from floor import Floor
from floors import FLOORS, Shape

from gnnrec.data import ItemFeatures
from gnnrec.models import create_model
from gnnrec.training import TripleSampler
from graphs import BipartiteGraph

STEPS, DIM = 5, 64


class UnitRates:
    """Every operation takes a second, every byte too."""

    def product(self, *shape: int | bool) -> float:
        return 1.0

    def sparse(self, operator: object, columns: int) -> float:
        return 1.0

    def moved(self, num_bytes: float, table: float) -> float:
        return num_bytes

    def exponential(self, count: int) -> float:
        return 1.0

    def nearest(self, *shape: int) -> float:
        return 1.0


def shape_of(batch: int) -> Shape:
    edges = torch.tensor([[0, 0, 1, 2, 3, 3], [0, 1, 1, 2, 3, 4]])
    graph = BipartiteGraph(edges, num_users=4, num_items=6)
    everywhere = torch.ones(6, dtype=torch.bool)
    features = {
        "image": ItemFeatures(torch.randn(6, 10), everywhere),
        "text": ItemFeatures(torch.randn(6, 7), everywhere),
    }
    return Shape.of(graph, features, TripleSampler(graph).epoch(torch.Generator().manual_seed(0)), batch)


def test_products() -> None:
    floor = Floor(UnitRates(), STEPS)
    floor.linear("a", 100, 10, 3)
    floor.linear("a", 100, 10, 3, input_gradient=False, times=2)
    assert floor.stages["a"] == {"operations": 2 * 3000 * (3 * STEPS + 2 * 2), "seconds": 3 * STEPS + 2 * 2}
    floor.contrast("b", 8, 24, 5, times=1)
    assert floor.stages["b"]["operations"] == 3 * 2 * 8 * 24 * 5
    assert floor.stages["b"]["exponentials"] == 8 * 24
    assert floor.seconds == sum(stage["seconds"] for stage in floor.stages.values())


def test_propagation() -> None:
    graph = shape_of(6).graph
    whole, halves = Floor(UnitRates(), STEPS), Floor(UnitRates(), STEPS)
    whole.propagation("x", graph.adjacency("symmetric"), DIM, 3)
    halves.propagation("x", graph.user_item_matrix(), DIM, 3)
    # 6 edges, both directions: forward and backward of 3 layers.
    assert whole.stages["x"]["operations"] == STEPS * 3 * 2 * 2 * 12 * DIM
    # Inputs on one side only meet each edge once a layer.
    assert halves.stages["x"]["operations"] == whole.stages["x"]["operations"] / 2
    assert whole.stages["layer means"]["bytes"] == STEPS * 3 * 2 * 2 * 10 * DIM * 4
    assert halves.stages["layer means"]["bytes"] == whole.stages["layer means"]["bytes"] / 2


def test_vbpr() -> None:
    shape = shape_of(6)
    floor = Floor(UnitRates(), STEPS)
    model = create_model("vbpr", num_users=4, num_items=6, feature_dims={"image": 10, "text": 7})
    FLOORS["vbpr"](floor, model, shape)
    # Forward and the weight's gradient, of the step's different items only.
    assert floor.stages["projection"]["operations"] == STEPS * 2 * 2 * round(shape.items) * 17 * 65
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert floor.stages["optimizer"]["bytes"] == STEPS * 7 * 4 * parameters


def test_every_counted_model_has_a_floor() -> None:
    for name in FLOORS:
        floor = Floor(UnitRates(), STEPS)
        model = create_model(
            name, num_users=4, num_items=6, feature_dims={"image": 10, "text": 7}, **({"num_neighbors": 2})
        )
        FLOORS[name](floor, model, shape_of(3))
        assert floor.seconds > 0
