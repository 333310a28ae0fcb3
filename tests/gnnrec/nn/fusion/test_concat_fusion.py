import numpy as np
import pytest
import torch
from fusion_cases import ROWS, Expected, array, case, check, randomise, rows

from gnnrec.nn.fusion import ConcatFusion

DIMS = {"image": 5, "text": 3, "audio": 4}


@pytest.mark.parametrize("names", [("image",), ("image", "text"), ("image", "text", "audio")])
@pytest.mark.parametrize("missing", ["nothing", "some", "first"])
def test_equals_one_product_with_the_concatenated_vectors(names: tuple[str, ...], missing: str) -> None:
    in_dims = {name: DIMS[name] for name in names}
    fusion = ConcatFusion(in_dims, 2)
    randomise(fusion)
    chosen = case(in_dims, missing)
    has = rows(chosen)
    weight, bias = array(fusion.weight), array(fusion.bias)
    filled = {}
    for name, dim in in_dims.items():
        known = [row[name] for row in has if name in row]
        stand_in = np.mean(known, axis=0) if known else np.zeros(dim)
        filled[name] = np.array([row.get(name, stand_in) for row in has])
    whole = np.hstack(list(filled.values())) @ weight.T + bias
    columns = np.split(weight, np.cumsum(list(in_dims.values()))[:-1], axis=1)
    products = {name: filled[name] @ block.T for name, block in zip(in_dims, columns, strict=True)}
    lengths = np.array(
        [[np.linalg.norm(products[name][row]) * (name in has[row]) for name in names] for row in range(6)]
    )
    total = lengths.sum(1, keepdims=True)
    usage = np.divide(lengths, total, out=np.zeros_like(lengths), where=total > 0)
    check(fusion, chosen, Expected({name: product + bias / len(names) for name, product in products.items()}, usage))
    np.testing.assert_allclose(array(fusion(chosen.vectors, chosen.masks)), whole, rtol=1e-5, atol=1e-5)


def test_equals_a_linear_layer_of_the_concatenation() -> None:
    fusion = ConcatFusion({"image": 5, "text": 3}, 2)
    vectors = {"image": torch.randn(ROWS, 5), "text": torch.randn(ROWS, 3)}
    linear = torch.nn.functional.linear(torch.cat(list(vectors.values()), 1), fusion.weight, fusion.bias)
    torch.testing.assert_close(fusion(vectors), linear)


def test_the_stand_in_passes_gradient_to_the_rows_that_it_comes_from() -> None:
    fusion = ConcatFusion({"image": 2}, 2)
    x = torch.randn(3, 2, requires_grad=True)
    fusion({"image": x}, {"image": torch.tensor([True, True, False])})[2].sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad[0], fusion.weight.detach().sum(0) / 2)
    assert not x.grad[2].any()
