import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from graphs import knn_graph


def dense_neighbours(x, k, mask=None):
    """Pairs and cosines in double precision, from the definition."""
    x = np.asarray(x, dtype=np.float64)
    length = np.linalg.norm(x, axis=1)
    usable = length > 0 if mask is None else (length > 0) & np.asarray(mask)
    items = np.flatnonzero(usable)
    unit = x[items] / length[items, None]
    cosine = unit @ unit.T
    pairs, values = [], []
    for row, item in enumerate(items):
        others = np.delete(np.arange(len(items)), row)
        # Mathematically equal cosines may differ in the last bits; none of the others are that close.
        order = np.lexsort((others, -np.round(cosine[row, others], 10)))
        chosen = sorted(others[order[:k]])
        pairs += [(int(item), int(items[other])) for other in chosen]
        values += [cosine[row, other] for other in chosen]
    return pairs, values


def assert_exact(x, k, mask=None):
    graph = knn_graph(x, k, mask)
    pairs, values = dense_neighbours(x, k, mask)
    assert list(map(tuple, graph.edge_index.T.tolist())) == pairs
    np.testing.assert_allclose(graph.weight.numpy(), values, atol=1e-6)
    assert graph.num_items == len(x)
    return graph


def features(kind, n, d, seed=0):
    generator = torch.Generator().manual_seed(seed)
    if kind == "normal":
        return torch.randn(n, d, generator=generator)
    if kind == "duplicates":
        return torch.randn(n // 5, d, generator=generator)[torch.randint(n // 5, (n,), generator=generator)]
    if kind == "signs":
        return torch.randint(-1, 2, (n, d), generator=generator).float()
    scale = torch.randint(1, 4, (n, 1), generator=generator)
    return scale * torch.randint(0, 2, (n, d), generator=generator).float()


@pytest.fixture(params=[8_000_000, 700, 1], ids=["one block", "blocks", "a row a block"])
def block(request, monkeypatch):
    monkeypatch.setattr("graphs.knn._BLOCK_VALUES", request.param)


@pytest.mark.parametrize("kind", ["normal", "duplicates", "signs", "scaled"])
@pytest.mark.parametrize(("n", "d", "k"), [(60, 3, 1), (150, 5, 10), (90, 40, 89), (90, 4, 45)])
def test_equals_the_dense_definition(kind, n, d, k, block):
    x = features(kind, n, d)
    mask = torch.rand(n, generator=torch.Generator().manual_seed(1)) < 0.8
    assert_exact(x, k)
    assert_exact(x, k, mask)


small = st.integers(2, 12).flatmap(
    lambda n: st.tuples(
        st.integers(1, 4).flatmap(lambda d: arrays(np.float32, (n, d), elements=st.integers(-2, 2).map(float))),
        st.integers(1, n - 1),
        arrays(np.bool_, n),
    )
)


@settings(deadline=None, max_examples=200)
@given(small)
def test_small_cases(case):
    x, k, mask = case
    assert_exact(torch.from_numpy(x), k, torch.from_numpy(mask))


@pytest.mark.parametrize("exact", [1_000_000, 1])
def test_of_duplicates_the_lower_index_comes_first(exact, monkeypatch, block):
    monkeypatch.setattr("graphs.knn._EXACT_VALUES", exact)  # the size of its blocks changes nothing
    x = torch.randn(1, 300, generator=torch.Generator().manual_seed(0)).repeat(40, 1)
    graph = knn_graph(x, 3)
    expected = [[other for other in range(5) if other != item][:3] for item in range(40)]
    assert graph.edge_index[1].view(40, 3).tolist() == expected
    assert torch.allclose(graph.weight, torch.ones(120), atol=1e-6)
    assert float(graph.weight.max()) <= 1


def test_what_single_precision_cannot_tell_is_decided_exactly():
    # Angles to item 0 of 0.3 plus a few 1e-8: too close for float32. Rounding x moves them, so what is stored decides.
    angle = torch.tensor([0.0, 0.3 + 3e-8, 0.3 + 1e-8, 0.3 + 2e-8, 2.0], dtype=torch.float64)
    spread = torch.stack([angle.cos(), angle.sin()], dim=1)
    scale = torch.tensor([1.0, 977.0, 1013.0, 1021.0, 1.0], dtype=torch.float64).unsqueeze(1)
    x = (spread * scale).float()
    unit = x.double() / x.double().norm(dim=1, keepdim=True)
    order = (unit[1:] @ unit[0]).argsort(descending=True) + 1
    gaps = (unit[order[:3]] @ unit[0]).diff().abs()
    assert bool((gaps > 1e-11).all())
    assert bool((gaps < 2e-8).all())
    for k in (1, 2):
        assert sorted(order[:k].tolist()) == knn_graph(x, k).edge_index[1, :k].tolist()


def test_large_and_small_vectors_have_a_direction():
    x = features("normal", 30, 6)
    scale = torch.tensor([1e-25, 1.0, 1e25]).repeat(10).unsqueeze(1)
    assert torch.equal(knn_graph(x * scale, 4).edge_index, knn_graph(x, 4).edge_index)


def test_zero_and_masked_rows_have_no_edges():
    x = features("normal", 20, 4)
    x[3] = 0
    x[7] = torch.nan
    x[8] = torch.inf
    mask = torch.ones(20, dtype=torch.bool)
    mask[7:9] = False
    graph = knn_graph(x, 16, mask)
    assert not torch.isin(graph.edge_index, torch.tensor([3, 7, 8])).any()
    assert graph.degree.tolist() == [0 if item in (3, 7, 8) else 16 for item in range(20)]
    # More neighbours than there are: all of them.
    assert torch.equal(knn_graph(x, 19, mask).edge_index, graph.edge_index)


@pytest.mark.parametrize("covered", [0, 1])
def test_too_few_items_with_features(covered):
    graph = knn_graph(torch.ones(5, 3), 2, torch.arange(5) < covered)
    assert (graph.num_items, graph.num_edges) == (5, 0)
    assert graph.matmul(torch.ones(5, 2)).tolist() == [[0, 0]] * 5


@pytest.mark.parametrize(("n", "d"), [(0, 3), (1, 3), (4, 0)])
def test_degenerate_shapes(n, d):
    graph = knn_graph(torch.ones(n, d), 1)
    assert (graph.num_items, graph.num_edges) == (n, 0)


def test_features_get_no_gradient_and_stay_as_they_are():
    x = features("normal", 12, 3).requires_grad_()
    before = x.detach().clone()
    assert not knn_graph(x, 2).weight.requires_grad
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("x", "k", "mask", "message"),
    [
        (torch.ones(5), 1, None, "'x' must be a float32 (n, d) matrix (got torch.float32, (5,))"),
        (torch.ones(5, 2, dtype=torch.int64), 1, None, "(got torch.int64, (5, 2))"),
        (torch.ones(5, 2).double(), 1, None, "(got torch.float64, (5, 2))"),
        (torch.ones(5, 2), 0, None, "'k' must lie in [1, 4] for 5 items (got 0)"),
        (torch.ones(5, 2), 5, None, "'k' must lie in [1, 4] for 5 items (got 5)"),
        (torch.ones(1, 2), 2, None, "'k' must lie in [1, 1] for 1 items (got 2)"),
        (
            torch.ones(5, 2),
            1,
            torch.ones(4, dtype=torch.bool),
            "'mask' must be bool of shape (5,) (got torch.bool, (4,))",
        ),
        (torch.ones(5, 2), 1, torch.ones(5), "'mask' must be bool of shape (5,) (got torch.float32, (5,))"),
        (torch.tensor([[1.0], [torch.nan], [torch.inf]]), 1, None, "NaN or infinity in 2 rows, first: 1)"),
    ],
)
def test_wrong_input_is_named(x, k, mask, message):
    with pytest.raises(ValueError) as error:
        knn_graph(x, k, mask)
    assert message in str(error.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["normal", "duplicates", "signs", "scaled"])
def test_cuda_gives_the_same(kind):
    x = features(kind, 500, 20)
    graph, same = knn_graph(x.to("cuda"), 10), knn_graph(x, 10)
    assert torch.equal(graph.edge_index.cpu(), same.edge_index)
    assert torch.allclose(graph.weight.cpu(), same.weight, atol=1e-6)
