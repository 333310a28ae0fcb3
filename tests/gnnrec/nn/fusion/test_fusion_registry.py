import pytest
import torch

from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.nn import create_fusion, list_fusions
from gnnrec.nn.fusion import Fusion, MeanFusion

IN_DIMS = {"image": 4, "text": 4}


def test_names() -> None:
    assert list_fusions() == ["concat", "mean", "attention", "self-attention", "cross-attention", "graph"]


@pytest.mark.parametrize("name", list_fusions())
def test_a_name_makes_a_fusion_of_these_lengths(name: str) -> None:
    fusion = create_fusion(name, IN_DIMS, 4)
    assert isinstance(fusion, Fusion)
    assert (fusion.in_dims, fusion.out_dim) == (IN_DIMS, 4)
    assert "in_dims={'image': 4, 'text': 4}, out_dim=4" in repr(fusion)


def test_an_unknown_name_is_refused_with_near_matches() -> None:
    with pytest.raises(UnknownNameError, match="unknown fusion 'self-atention'; did you mean 'self-attention'"):
        create_fusion("self-atention", IN_DIMS, 4)


def test_a_module_that_fits_is_taken_as_it_is() -> None:
    fusion = MeanFusion(IN_DIMS, 4)
    assert create_fusion(fusion, {"text": 4, "image": 4}, 4) is fusion


@pytest.mark.parametrize(("in_dims", "out_dim"), [({"image": 4}, 4), ({"image": 5, "text": 5}, 5)])
def test_a_module_that_does_not_fit_is_refused(in_dims: dict[str, int], out_dim: int) -> None:
    with pytest.raises(ArgumentError, match=r"must be made with in_dims=\{'image': 4, 'text': 4\} and out_dim=4"):
        create_fusion(MeanFusion(in_dims, out_dim), IN_DIMS, 4)


def test_something_else_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"must be a name or a gnnrec.nn.fusion.Fusion \(got Linear\)"):
        create_fusion(torch.nn.Linear(4, 4), IN_DIMS, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["mean", "attention", "graph"])
def test_sums_need_the_length_of_the_result(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"'{name}' needs vectors of length 4, that of the result \\(got text 3\\)"):
        create_fusion(name, {"image": 4, "text": 3}, 4)


@pytest.mark.parametrize("name", ["self-attention", "cross-attention"])
def test_attention_between_modalities_needs_one_length(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"needs vectors of one length \(got image 4, text 3\)"):
        create_fusion(name, {"image": 4, "text": 3}, 4)


@pytest.mark.parametrize("name", list_fusions())
def test_a_fusion_needs_a_modality(name: str) -> None:
    with pytest.raises(ArgumentError, match="'in_dims' must name at least one modality"):
        create_fusion(name, {}, 4)
