import numpy as np
import pytest
import torch

from gnnrec.data import ItemFeatures
from gnnrec.nn import ModalityProjection

DIMS = {"image": 3, "text": 5}
ITEMS = torch.tensor([4, 0, 5])


def features(missing: str = "some") -> dict[str, ItemFeatures]:
    generator = torch.Generator().manual_seed(0)
    image = ItemFeatures(torch.randn(6, 3, generator=generator) * 50, torch.ones(6, dtype=torch.bool))
    mask = torch.tensor([True, True, False, True, False, True]) & (missing == "some")
    return {"image": image, "text": ItemFeatures(torch.randn(6, 5, generator=generator) + 0.5, mask)}


def projection(*, bias: bool = True) -> ModalityProjection:
    torch.manual_seed(0)
    module = ModalityProjection(DIMS, 2, bias=bias)
    for vector in module.biases or ():
        torch.nn.init.normal_(vector)
    return module


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("missing", ["some", "all"])
def test_equals_the_dense_equation(bias: bool, missing: str) -> None:
    module, given = projection(bias=bias), features(missing)
    projected = module(given)
    assert list(projected) == ["image", "text"]
    for index, name in enumerate(DIMS):
        unit = given[name].x.double().numpy()
        mask = given[name].mask.numpy()
        unit[mask] /= np.linalg.norm(unit[mask], axis=1, keepdims=True)
        unit[~mask] = unit[mask].mean(0) if mask.any() else 0
        expected = unit @ module.weights[index].detach().double().numpy().T
        if module.biases is not None:
            expected += module.biases[index].detach().double().numpy()
        np.testing.assert_allclose(projected[name].detach().numpy(), expected, atol=1e-6)


def test_some_items_are_rows_of_all() -> None:
    module, given = projection(), features()
    whole, some = module(given), module(given, ITEMS)
    for name in DIMS:
        torch.testing.assert_close(some[name], whole[name][ITEMS])


def test_the_scale_of_an_encoder_does_not_matter() -> None:
    module, given = projection(), features()
    louder = given | {"text": ItemFeatures(given["text"].x * 100, given["text"].mask)}
    torch.testing.assert_close(module(louder)["text"], module(given)["text"])


def test_an_item_whose_features_are_zero_gets_the_bias_alone() -> None:
    module = projection()
    silent = {name: ItemFeatures(torch.zeros(2, dim), torch.ones(2, dtype=torch.bool)) for name, dim in DIMS.items()}
    assert module.biases is not None
    for index, rows in enumerate(module(silent).values()):
        torch.testing.assert_close(rows, module.biases[index].expand(2, 2))


def test_gradients_reach_every_parameter() -> None:
    module = projection()
    torch.stack([rows.square().sum() for rows in module(features(), ITEMS).values()]).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None and bool((parameter.grad != 0).all()), name


def test_without_bias_and_after_a_reset() -> None:
    module = projection(bias=False)
    assert [name for name, _ in module.named_parameters()] == ["weights.0", "weights.1"]
    module = projection()
    before = module.weights[0].clone()
    module.reset_parameters()
    assert module.biases is not None
    assert not torch.equal(before, module.weights[0])
    assert not any(bool(vector.any()) for vector in module.biases)


def test_repr() -> None:
    assert repr(projection()).startswith(
        "ModalityProjection(\n  feature_dims={'image': 3, 'text': 5}, out_dim=2, bias=True"
    )
