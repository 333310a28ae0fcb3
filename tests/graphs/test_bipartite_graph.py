import subprocess
import sys

import pytest
import torch

from gnnrec.data import Interactions
from graphs import BipartiteGraph, Normalization, SparseOperator
from graphs.normalize import index_type


def random_graph(seed=0, num_users=20, num_items=15, num_edges=90):
    generator = torch.Generator().manual_seed(seed)
    user = torch.randint(0, num_users - 2, (num_edges,), generator=generator)
    item = torch.randint(1, num_items, (num_edges,), generator=generator)
    return BipartiteGraph(torch.stack([user, item]), num_users, num_items)


def test_edges_are_sorted_and_different():
    graph = BipartiteGraph(torch.tensor([[2, 0, 2, 0, 2], [1, 3, 0, 3, 1]]), num_users=4, num_items=5)
    assert graph.edge_index.tolist() == [[0, 2, 2], [3, 0, 1]]
    assert graph.keys.tolist() == [3, 10, 11]
    assert (graph.num_edges, graph.num_nodes) == (3, 9)
    assert graph.user_degree.tolist() == [1, 0, 2, 0]
    assert graph.item_degree.tolist() == [1, 1, 0, 1, 0]
    assert graph.user_pointer.tolist() == [0, 1, 1, 3, 3]
    assert repr(graph) == "BipartiteGraph(num_users=4, num_items=5, num_edges=3)"


def test_from_interactions_equals_the_constructor():
    user, item = torch.tensor([1, 0, 1]), torch.tensor([2, 0, 2])
    graph = BipartiteGraph.from_interactions(Interactions(user, item, num_users=3, num_items=4))
    same = BipartiteGraph.from_edge_index(torch.stack([user, item]), 3, 4)
    assert torch.equal(graph.edge_index, same.edge_index)
    assert (graph.num_users, graph.num_items) == (3, 4)


@pytest.mark.parametrize(
    ("edge_index", "num_users", "num_items", "message"),
    [
        (torch.zeros(2, 3), 2, 2, "'edge_index' must be int64 of shape (2, E) (got torch.float32, (2, 3))"),
        (torch.zeros(3, 2, dtype=torch.int64), 2, 2, "(got torch.int64, (3, 2))"),
        (torch.zeros(2, dtype=torch.int64), 2, 2, "(got torch.int64, (2,))"),
        (torch.tensor([[0, 5], [1, 1]]), 5, 2, "users in 'edge_index' must lie in [0, 5) (got 0 to 5)"),
        (torch.tensor([[0, 0], [-1, 1]]), 5, 2, "items in 'edge_index' must lie in [0, 2) (got -1 to 1)"),
        (torch.tensor([[0], [0]]), 1, 0, "items in 'edge_index' must lie in [0, 0) (got 0 to 0)"),
        (torch.zeros(2, 0, dtype=torch.int64), -1, 2, "'num_users' must be a non-negative integer (got -1)"),
    ],
)
def test_wrong_input_is_named(edge_index, num_users, num_items, message):
    with pytest.raises(ValueError) as error:
        BipartiteGraph(edge_index, num_users, num_items)
    assert message in str(error.value)


@pytest.mark.parametrize(("num_users", "num_items"), [(0, 0), (3, 0), (0, 4), (3, 4)])
def test_graphs_without_edges_work(num_users, num_items):
    graph = BipartiteGraph(torch.zeros(2, 0, dtype=torch.int64), num_users, num_items)
    x = torch.ones(graph.num_nodes, 2, requires_grad=True)
    for norm in ("symmetric", "row", "none"):
        assert graph.adjacency(norm).shape == (graph.num_nodes, graph.num_nodes)
        assert not graph.adjacency(norm).matmul(x).any()
        (gradient,) = torch.autograd.grad(graph.adjacency(norm).layer_mean(x, 2).sum(), x)
        assert torch.allclose(gradient, torch.full_like(gradient, 1 / 3))
    assert graph.user_item_matrix().matmul(torch.ones(num_items, 2)).shape == (num_users, 2)
    assert graph.user_pointer.tolist() == [0] * (num_users + 1)
    empty = torch.zeros(0, dtype=torch.int64)
    assert graph.has_edges(empty, empty).shape == (0,)
    if num_users and num_items:
        assert graph.has_edges(torch.tensor([1]), torch.tensor([2])).tolist() == [False]


def test_has_edges_equals_a_set():
    graph = random_graph()
    pairs = set(zip(*graph.edge_index.tolist(), strict=True))
    users, items = torch.cartesian_prod(torch.arange(graph.num_users), torch.arange(graph.num_items)).T
    expected = [pair in pairs for pair in zip(users.tolist(), items.tolist(), strict=True)]
    assert graph.has_edges(users, items).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_user_item_matrix_equals_dense():
    graph = random_graph()
    dense = torch.zeros(graph.num_users, graph.num_items)
    dense[graph.edge_index[0], graph.edge_index[1]] = 1
    operator = graph.user_item_matrix()
    assert torch.equal(operator.csr.to_dense(), dense)
    assert torch.equal(operator.transposed.csr.to_dense(), dense.T)
    assert operator.csr.col_indices().dtype == torch.int32
    assert not operator.is_symmetric


def test_operators_are_built_once_for_each_norm():
    graph = random_graph()
    operators = [graph.adjacency("symmetric"), graph.adjacency("row"), graph.adjacency("none")]
    operators.append(graph.user_item_matrix())
    assert len(set(map(id, operators))) == 4
    assert graph.adjacency() is operators[0]
    assert graph.adjacency("row") is operators[1]
    assert graph.adjacency("none") is operators[2]
    assert graph.user_item_matrix() is operators[3]
    assert graph.user_pointer is graph.user_pointer


@pytest.mark.parametrize("norm", ["user_item", "Symmetric", ""])
def test_unknown_norm_is_an_error_whatever_is_cached(norm):
    graph = random_graph()
    graph.user_item_matrix()
    with pytest.raises(ValueError, match=f"'norm' must be one of symmetric, row, none \\(got '{norm}'\\)"):
        graph.adjacency(norm)


def assert_same(one: BipartiteGraph, other: BipartiteGraph):
    assert (one.num_users, one.num_items) == (other.num_users, other.num_items)
    assert torch.equal(one.edge_index.cpu(), other.edge_index.cpu())
    assert torch.equal(one.keys.cpu(), other.keys.cpu())
    for norm in ("symmetric", "row", "none"):
        for left, right in (
            (one.adjacency(norm), other.adjacency(norm)),
            (one.adjacency(norm).transposed, other.adjacency(norm).transposed),
        ):
            assert torch.allclose(left.csr.cpu().to_dense(), right.csr.cpu().to_dense(), atol=1e-7)


def test_to_the_same_device_is_the_graph_itself():
    graph = random_graph()
    assert graph.to("cpu") is graph
    assert graph.to(torch.device("cpu")) is graph


def test_to_another_device_keeps_edges_and_sizes():
    graph = random_graph()
    moved = graph.to("meta")  # a device every machine has; it holds no numbers
    assert moved.device.type == "meta"
    assert moved.edge_index.shape == graph.edge_index.shape
    assert (moved.num_users, moved.num_items) == (graph.num_users, graph.num_items)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same_numbers():
    graph = random_graph()
    moved = graph.to("cuda")
    assert moved.to("cuda") is moved
    assert_same(graph, moved)
    assert_same(graph, moved.to("cpu"))
    x = torch.randn(graph.num_nodes, 4)
    for norm in ("symmetric", "row"):
        ours, theirs = graph.adjacency(norm), moved.adjacency(norm)
        assert torch.allclose(ours.layer_mean(x, 3), theirs.layer_mean(x.cuda(), 3).cpu(), atol=1e-6)


def test_order_and_duplicates_do_not_matter():
    graph = random_graph()
    shuffle = torch.randperm(graph.num_edges, generator=torch.Generator().manual_seed(1))
    edges = torch.cat([graph.edge_index[:, shuffle], graph.edge_index[:, :7]], dim=1)
    assert_same(graph, BipartiteGraph(edges, graph.num_users, graph.num_items))


def test_indices_are_32_bit_where_they_fit():
    assert index_type(2**31 - 1) == torch.int32
    assert index_type(2**31) == torch.int64


def test_operator_shapes_are_checked():
    with pytest.raises(ValueError, match=r"'csr' must have layout torch\.sparse_csr"):
        SparseOperator(torch.eye(2))
    with pytest.raises(ValueError, match="not symmetric; give its 'transpose'"):
        SparseOperator(torch.ones(2, 3).to_sparse_csr())
    with pytest.raises(ValueError, match=r"'transpose' must have .* shape \(3, 2\) \(got .*\(2, 3\)\)"):
        SparseOperator(torch.ones(2, 3).to_sparse_csr(), torch.ones(2, 3).to_sparse_csr())


def test_importing_graphs_loads_no_heavy_package():
    heavy = ["torch_geometric", "networkx", "scipy", "pandas"]
    # torch itself may load one of them (networkx), so what counts is what graphs adds.
    program = (
        "import sys, torch; before = set(sys.modules); import graphs; "
        f"print([name for name in {heavy} if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("norm", ["none", "row", "symmetric"])
def test_user_item_blocks_are_those_of_the_adjacency(norm: Normalization) -> None:
    graph = BipartiteGraph(torch.tensor([[0, 0, 1, 3], [2, 0, 2, 1]]), num_users=4, num_items=5)
    adjacency = graph.adjacency(norm).csr.to_dense()
    to_users, to_items = graph.user_item_matrix(norm), graph.item_user_matrix(norm)
    for operator, block in ((to_users, adjacency[:4, 4:]), (to_items, adjacency[4:, :4])):
        assert torch.equal(operator.csr.to_dense(), block)
        assert torch.equal(operator.transposed.csr.to_dense(), block.T)
    assert graph.user_item_matrix(norm) is to_users
