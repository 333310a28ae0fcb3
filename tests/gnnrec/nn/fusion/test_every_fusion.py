"""What holds for every fusion of the registry."""

import pytest
import torch
from fusion_cases import ROWS, case, randomise

from gnnrec.nn import Fusion, create_fusion, list_fusions

NAMES = ("image", "text", "audio")
every_fusion = pytest.mark.parametrize("name", list_fusions())
any_number = pytest.mark.parametrize("modalities", [1, 2, 3])


def make(name: str, modalities: int = 3) -> Fusion:
    fusion = create_fusion(name, dict.fromkeys(NAMES[:modalities], 4), 4)
    randomise(fusion)
    return fusion


@every_fusion
@any_number
def test_values_of_what_a_row_lacks_have_no_influence(name: str, modalities: int) -> None:
    fusion = make(name, modalities)
    vectors, masks, graphs = case(fusion.in_dims, "some")
    assert masks is not None
    other = {key: torch.where(masks[key].unsqueeze(1), x, -7.0) for key, x in vectors.items()}
    torch.testing.assert_close(fusion(vectors, masks, graphs), fusion(other, masks, graphs), rtol=0, atol=0)
    assert torch.equal(fusion.usage(vectors, masks, graphs), fusion.usage(other, masks, graphs))


@every_fusion
@any_number
def test_parts_add_up_and_shares_make_one(name: str, modalities: int) -> None:
    fusion = make(name, modalities)
    vectors, masks, graphs = case(fusion.in_dims, "some")
    parts = fusion.parts(vectors, masks, graphs)
    assert parts is not None and masks is not None
    torch.testing.assert_close(torch.stack(list(parts.values())).sum(0), fusion(vectors, masks, graphs))
    usage = fusion.usage(vectors, masks, graphs)
    present = torch.stack([masks[key] for key in fusion.in_dims], dim=1)
    assert usage.shape == present.shape
    assert not usage[~present].any()
    torch.testing.assert_close(usage.sum(1), present.any(1).float())


@every_fusion
def test_masks_of_ones_are_no_masks(name: str) -> None:
    fusion = make(name)
    vectors, _, graphs = case(fusion.in_dims, "nothing")
    ones = {key: torch.ones(ROWS, dtype=torch.bool) for key in vectors}
    torch.testing.assert_close(fusion(vectors, ones, graphs), fusion(vectors, None, graphs))
    torch.testing.assert_close(fusion.usage(vectors, ones, graphs), fusion.usage(vectors, None, graphs))


@every_fusion
def test_a_row_that_has_nothing_gives_nothing(name: str) -> None:
    fusion = make(name)
    vectors, masks, _ = case(fusion.in_dims, "some")
    assert not fusion.usage(vectors, masks)[5].any()
    if name != "concat":
        assert not fusion(vectors, masks)[5].any()


@every_fusion
@pytest.mark.parametrize("missing", ["nothing", "some"])
def test_rows_can_be_fused_alone_where_it_says_so(name: str, missing: str) -> None:
    fusion = make(name)
    vectors, masks, _ = case(fusion.in_dims, missing)
    chosen = torch.tensor([4, 1])
    some = {key: x[chosen] for key, x in vectors.items()}
    some_masks = None if masks is None else {key: mask[chosen] for key, mask in masks.items()}
    same = torch.allclose(fusion(some, some_masks), fusion(vectors, masks)[chosen], atol=1e-5)
    assert same or not (fusion.row_wise or masks is None)
    if name == "concat":
        assert same == (masks is None), "the stand-in is the mean of the rows of the call"


@every_fusion
@any_number
@pytest.mark.parametrize("missing", ["nothing", "some"])
def test_gradients_reach_every_parameter_and_what_each_row_has(name: str, modalities: int, missing: str) -> None:
    fusion = make(name, modalities)
    vectors, masks, graphs = case(fusion.in_dims, missing)
    vectors = {key: x.requires_grad_() for key, x in vectors.items()}
    fusion(vectors, masks, graphs).square().sum().backward()
    for key, x in vectors.items():
        has = torch.ones(ROWS, dtype=torch.bool) if masks is None else masks[key]
        assert x.grad is not None and torch.equal(x.grad.abs().sum(1) > 0, has)
    for key, parameter in fusion.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.abs().sum() > 1e-6), key


@every_fusion
@any_number
@pytest.mark.parametrize("missing", ["nothing", "some"])
def test_strided_vectors_give_the_same(name: str, modalities: int, missing: str) -> None:
    fusion = make(name, modalities)
    vectors, masks, graphs = case(fusion.in_dims, missing)
    plain = {key: x.clone().requires_grad_() for key, x in vectors.items()}
    strided = {key: x.T.contiguous().requires_grad_() for key, x in vectors.items()}
    first = fusion(plain, masks, graphs)
    second = fusion({key: x.T for key, x in strided.items()}, masks, graphs)
    torch.testing.assert_close(first, second)
    weight = torch.randn(4, ROWS).T
    for fused in (first, second):
        (fused * weight).sum().backward()
    for key in plain:
        grad, other = plain[key].grad, strided[key].grad
        assert grad is not None and other is not None
        torch.testing.assert_close(grad, other.T)


@every_fusion
def test_the_order_of_the_modalities_does_not_matter(name: str) -> None:
    fusion = make(name)
    vectors, masks, graphs = case(fusion.in_dims, "some")
    order = [2, 0, 1]
    turned = create_fusion(name, {NAMES[place]: 4 for place in order}, 4)
    state = fusion.state_dict()
    if name == "concat":
        state["weight"] = torch.cat([state["weight"].split(4, dim=1)[place] for place in order], dim=1)
    elif name == "graph":
        state["weight"] = state["weight"][order]
    elif name == "cross-attention":
        moved = {f"projections.{at}.weight": state[f"projections.{place}.weight"] for at, place in enumerate(order)}
        state |= moved
    turned.load_state_dict(state)
    torch.testing.assert_close(turned(vectors, masks, graphs), fusion(vectors, masks, graphs))
    usage = fusion.usage(vectors, masks, graphs)
    torch.testing.assert_close(turned.usage(vectors, masks, graphs), usage[:, order])
    backwards = dict(reversed(vectors.items()))
    assert torch.equal(fusion(backwards, masks, graphs), fusion(vectors, masks, graphs))


@every_fusion
def test_no_rows_are_no_problem(name: str) -> None:
    fusion = make(name)
    nothing = {key: torch.empty(0, 4) for key in fusion.in_dims}
    empty = {key: torch.empty(0, dtype=torch.bool) for key in fusion.in_dims}
    for masks in (None, empty):
        assert fusion(nothing, masks).shape == (0, 4)
        assert fusion.usage(nothing, masks).shape == (0, 3)


@every_fusion
def test_reset_draws_everything_anew(name: str) -> None:
    torch.manual_seed(3)
    fusion = create_fusion(name, dict.fromkeys(NAMES, 4), 5 if name in ("concat", "self-attention") else 4)
    for parameter in fusion.parameters():
        torch.nn.init.constant_(parameter, 7.0)
    torch.manual_seed(3)
    fusion.reset_parameters()
    first = {key: value.clone() for key, value in fusion.state_dict().items()}
    assert not any(bool((value == 7).any()) for value in first.values())
    torch.manual_seed(3)
    fusion.reset_parameters()
    assert all(torch.equal(first[key], value) for key, value in fusion.state_dict().items())


@pytest.mark.parametrize("name", ["mean", "attention", "graph"])
def test_one_modality_needs_no_weights(name: str) -> None:
    fusion = create_fusion(name, {"image": 4}, 4)
    x = torch.randn(ROWS, 4)
    assert not list(fusion.parameters())
    torch.testing.assert_close(fusion({"image": x}), x)
