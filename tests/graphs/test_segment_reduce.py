from itertools import pairwise

import numpy as np
import pytest
import torch

from graphs import segment_reduce

POINTER = torch.tensor([0, 0, 3, 3, 4, 9, 9])
REDUCTIONS = ["sum", "mean", "min", "max"]


def by_numpy(values, reduce):
    rows = []
    for start, stop in pairwise(POINTER.tolist()):
        run = values[start:stop]
        rows.append(getattr(np, reduce)(run, axis=0) if len(run) else np.zeros(values.shape[1:]))
    return np.stack(rows)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("shape", [(9,), (9, 4), (9, 2, 3), (9, 0)])
def test_floats_equal_numpy(reduce, shape):
    values = np.random.default_rng(0).normal(size=shape)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        result = segment_reduce(torch.from_numpy(values).to(dtype), POINTER, reduce)
        assert result.dtype == dtype
        np.testing.assert_allclose(result.numpy(), by_numpy(values, reduce), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_integers_equal_numpy(reduce):
    values = np.random.default_rng(0).integers(-9, 9, size=(9, 4))
    result = segment_reduce(torch.from_numpy(values), POINTER, reduce)
    assert result.is_floating_point() == (reduce == "mean")
    np.testing.assert_allclose(result.numpy(), by_numpy(values, reduce), rtol=1e-6)


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_columns_and_slices_are_read_right(reduce):
    values = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
    strided = torch.from_numpy(values).T[:, ::2]
    np.testing.assert_allclose(
        segment_reduce(strided, POINTER, reduce).numpy(), by_numpy(values.T[:, ::2], reduce), rtol=1e-5
    )


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_no_rows_and_no_runs(reduce):
    assert segment_reduce(torch.zeros(0, 3), torch.tensor([0]), reduce).shape == (0, 3)
    assert segment_reduce(torch.zeros(0, 3), torch.tensor([0, 0, 0]), reduce).tolist() == [[0.0] * 3] * 2
    assert segment_reduce(torch.zeros(0, dtype=torch.int64), torch.tensor([0, 0]), reduce).tolist() == [0]


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_gradient_equals_finite_differences(reduce):
    values = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(lambda x: segment_reduce(x, POINTER, reduce), values.requires_grad_())


@pytest.mark.parametrize(
    ("pointer", "message"),
    [
        (torch.tensor([0, 10]), "'pointer' must rise from 0 to the number of rows, 9"),
        (torch.tensor([0, 8]), "rise from 0"),
        (torch.tensor([1, 9]), "rise from 0"),
        (torch.tensor([0, 5, 4, 9]), "rise from 0"),
        (torch.tensor([0, 9], dtype=torch.int32), r"must be int64 of shape \(n \+ 1,\) \(got torch.int32"),
        (torch.zeros(0, dtype=torch.int64), r"\(got torch.int64, \(0,\)\)"),
        (torch.tensor([[0, 9]]), r"\(got torch.int64, \(1, 2\)\)"),
    ],
)
def test_pointers_that_do_not_cut_the_rows_are_errors(pointer, message):
    with pytest.raises(ValueError, match=message):
        segment_reduce(torch.zeros(9), pointer, "sum")


def test_unknown_reduction_is_an_error():
    with pytest.raises(ValueError, match=r"'reduce' must be one of sum, mean, min, max \(got 'median'\)"):
        segment_reduce(torch.zeros(9), POINTER, "median")
