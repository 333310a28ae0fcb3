import numpy as np
import pytest
import torch
from fusion_cases import ROWS, Case, Expected, array, case, check, dense, randomise, rows, softmax

from gnnrec.errors import ArgumentError
from gnnrec.nn.fusion import GraphFusion

NAMES = [("image",), ("image", "text"), ("image", "text", "audio")]


def expected(fusion: GraphFusion, chosen: Case, convolve: bool) -> Expected:
    names = list(fusion.in_dims)
    alpha = softmax(array(fusion.weight).tolist()) if fusion.weight is not None else np.ones(1)
    usage = np.array(
        [[share * (name in row) for name, share in zip(names, alpha, strict=True)] for row in rows(chosen)]
    )
    total = usage.sum(1, keepdims=True)
    usage = np.divide(usage, total, out=np.zeros_like(usage), where=total > 0)
    matrix = sum(share * dense(chosen.graphs[name]) for name, share in zip(names, alpha, strict=True))
    power = np.linalg.matrix_power(matrix, fusion.num_layers) if convolve else np.zeros((ROWS, ROWS))
    parts = {}
    for column, name in enumerate(names):
        h = np.array([row.get(name, np.zeros(fusion.out_dim)) for row in rows(chosen)]) * usage[:, column : column + 1]
        parts[name] = h + power @ h
    return Expected(parts, usage)


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("missing", ["nothing", "some", "first"])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_equals_a_dense_power_of_the_summed_graph(names: tuple[str, ...], missing: str, num_layers: int) -> None:
    in_dims = dict.fromkeys(names, 4)
    fusion = GraphFusion(in_dims, 4, num_layers=num_layers)
    randomise(fusion)
    chosen = case(in_dims, missing)
    check(fusion, chosen, expected(fusion, chosen, convolve=True), chosen.graphs)
    check(fusion, chosen, expected(fusion, chosen, convolve=False))


def test_weights_get_the_gradient_of_the_summed_graph() -> None:
    in_dims = {"image": 4, "text": 4}
    fusion = GraphFusion(in_dims, 4, num_layers=2)
    randomise(fusion)
    chosen = case(in_dims, "some")
    fusion(*chosen).square().sum().backward()
    assert fusion.weight is not None and fusion.weight.grad is not None
    for place in range(2):
        values = []
        for step in (1e-4, -1e-4):
            moved = GraphFusion(in_dims, 4, num_layers=2).double()
            assert moved.weight is not None
            moved.weight.data.copy_(fusion.weight.data)
            moved.weight.data[place] += step
            values.append(float((sum(expected(moved, chosen, convolve=True).parts.values()) ** 2).sum()))
        assert float(fusion.weight.grad[place]) == pytest.approx((values[0] - values[1]) / 2e-4, rel=1e-4)


def test_graphs_with_weights_of_their_own_get_a_gradient() -> None:
    chosen = case({"image": 4, "text": 4}, "nothing")
    weight = chosen.graphs["text"].weight.clone().requires_grad_()
    fusion = GraphFusion({"image": 4, "text": 4}, 4)
    fusion(chosen.vectors, None, chosen.graphs | {"text": chosen.graphs["text"].with_weight(weight)}).sum().backward()
    assert weight.grad is not None and bool((weight.grad != 0).all())


def test_an_item_without_neighbours_keeps_its_content() -> None:
    chosen = case({"image": 4, "text": 4}, "nothing")
    fused = GraphFusion({"image": 4, "text": 4}, 4)(*chosen)
    torch.testing.assert_close(fused[4], (chosen.vectors["image"][4] + chosen.vectors["text"][4]) / 2)


def test_says_which_graph_is_wrong() -> None:
    chosen = case({"image": 4, "text": 4}, "nothing")
    fusion = GraphFusion({"image": 4, "text": 4}, 4)
    with pytest.raises(ArgumentError, match="'graphs' must hold one for each modality \\(missing: text\\)"):
        fusion(chosen.vectors, None, {"image": chosen.graphs["image"]})
    few = {name: x[:2] for name, x in chosen.vectors.items()}
    with pytest.raises(ArgumentError, match="over the rows of 'vectors', 2 \\(got one over 6 items for image\\)"):
        fusion(few, None, chosen.graphs)
    with pytest.raises(ArgumentError, match="'num_layers' must be a positive integer \\(got 0\\)"):
        GraphFusion({"image": 4}, 4, num_layers=0)
