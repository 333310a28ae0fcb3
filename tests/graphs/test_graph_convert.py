import networkx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric import EdgeIndex
from torch_geometric.data import HeteroData
from torch_geometric.transforms import ToUndirected

from graphs import BipartiteGraph, from_hetero_data, from_networkx, to_networkx


@st.composite
def graphs(draw):
    num_users, num_items = draw(st.integers(0, 12)), draw(st.integers(0, 12))
    pair = st.tuples(st.integers(0, max(0, num_users - 1)), st.integers(0, max(0, num_items - 1)))
    pairs = draw(st.lists(pair, max_size=30)) if num_users and num_items else []
    edges = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T
    return BipartiteGraph(edges, num_users, num_items)


def assert_equal(one, other):
    assert (one.num_users, one.num_items) == (other.num_users, other.num_items)
    assert torch.equal(one.edge_index, other.edge_index)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_hetero_data_round_trip(graph):
    data = graph.to_hetero_data({"image": torch.zeros(graph.num_items, 3)})
    data.validate()
    assert_equal(BipartiteGraph.from_hetero_data(data), graph)
    assert data["item"].image.shape == (graph.num_items, 3)
    del data["user", "takes", "item"]
    assert_equal(from_hetero_data(data), graph)  # the reverse edges alone tell the same


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_networkx_round_trip(graph):
    result = graph.to_networkx()
    assert result.number_of_nodes() == graph.num_nodes
    assert result.number_of_edges() == graph.num_edges
    assert_equal(BipartiteGraph.from_networkx(result), graph)


def test_hetero_data_has_both_directions():
    graph = BipartiteGraph(torch.tensor([[0, 1], [2, 0]]), num_users=2, num_items=3)
    data = graph.to_hetero_data()
    assert data.edge_types == [("user", "takes", "item"), ("item", "rev_takes", "user")]
    assert data["item", "rev_takes", "user"].edge_index.tolist() == [[2, 0], [0, 1]]
    assert (data["user"].num_nodes, data["item"].num_nodes) == (2, 3)


def movie_data(**sizes):
    data = HeteroData()
    for node_type, size in sizes.items():
        data[node_type].num_nodes = size
    data["user", "rates", "movie"].edge_index = torch.tensor([[3, 0, 3], [1, 1, 1]])
    return data


def test_hetero_data_of_others():
    data = movie_data(user=4, movie=2)
    data["movie"].x = torch.zeros(2, 8)
    data["user", "follows", "user"].edge_index = torch.tensor([[0], [1]])
    graph = from_hetero_data(ToUndirected()(data), item="movie")
    assert graph.edge_index.tolist() == [[0, 3], [1, 1]]
    assert (graph.num_users, graph.num_items) == (4, 2)


def test_hetero_data_with_several_relations():
    data = movie_data(user=4, movie=2)
    data["user", "likes", "movie"].edge_index = torch.tensor([[2], [0]])
    data["movie", "rated_by", "user"].edge_index = torch.tensor([[0], [1]])
    with pytest.raises(ValueError, match=r"'relation' must name one .* 'user' to 'movie'.*: rates, likes"):
        from_hetero_data(data, item="movie")
    assert from_hetero_data(data, item="movie", relation="likes").edge_index.tolist() == [[2], [0]]
    assert from_hetero_data(data, item="movie", relation="rated_by").edge_index.tolist() == [[1], [0]]
    for triple in (("user", "likes", "movie"), ("movie", "rated_by", "user")):  # as PyG names edge types
        found = from_hetero_data(data, item="movie", relation=triple)
        assert found.edge_index.tolist() == from_hetero_data(data, item="movie", relation=triple[1]).edge_index.tolist()
    with pytest.raises(ValueError, match=r"no edge type named \('movie', 'likes', 'user'\) from 'user' to 'movie'"):
        from_hetero_data(data, item="movie", relation=("movie", "likes", "user"))
    with pytest.raises(ValueError, match=r"no edge type named 'buys' .* there are: \('user', 'rates', 'movie'\)"):
        from_hetero_data(data, item="movie", relation="buys")


def test_hetero_data_with_an_edge_index_class():
    data = movie_data(user=4, movie=2)
    edges = data["user", "rates", "movie"].edge_index
    data["user", "rates", "movie"].edge_index = EdgeIndex(edges, sparse_size=(4, 2))
    graph = from_hetero_data(data, item="movie")
    assert type(graph.edge_index) is type(graph.keys) is torch.Tensor
    assert graph.edge_index.tolist() == [[0, 3], [1, 1]]
    del data["user", "rates", "movie"]
    data["movie", "rated_by", "user"].edge_index = EdgeIndex(edges.flip(0), sparse_size=(2, 4))
    assert torch.equal(from_hetero_data(data, item="movie").keys, graph.keys)


@pytest.mark.filterwarnings("error")
def test_hetero_data_that_cannot_be_read():
    data = movie_data(user=4, movie=2)
    with pytest.raises(ValueError, match="no node type 'item'; there are: user, movie"):
        from_hetero_data(data)
    assert data.node_types == ["user", "movie"]  # looking must not add a type
    with pytest.raises(ValueError, match="no edge type from 'movie' to 'movie'"):
        from_hetero_data(data, user="movie", item="movie")
    data["user"].num_nodes = 3
    with pytest.raises(ValueError, match=r"users in 'edge_index' must lie in \[0, 3\) \(got 0 to 3\)"):
        from_hetero_data(data, item="movie")
    unknown = movie_data(user=4)
    unknown["movie"].title = ["one", "two"]
    with pytest.raises(ValueError, match="the number of 'movie' nodes is unknown"):
        from_hetero_data(unknown, item="movie")
    del data["user", "rates", "movie"]["edge_index"]
    data["user", "rates", "movie"].rating = torch.ones(3)
    with pytest.raises(ValueError, match=r"has no 'edge_index' \(it has: rating\)"):
        from_hetero_data(data, item="movie")


def test_wrong_features_are_named():
    graph = BipartiteGraph(torch.tensor([[0], [2]]), num_users=2, num_items=3)
    with pytest.raises(ValueError, match=r"'text' must have one row an item: 3 \(got shape \(4, 2\)\)"):
        graph.to_hetero_data({"text": torch.zeros(4, 2)})
    with pytest.raises(ValueError, match="'num_nodes'"):
        graph.to_hetero_data({"num_nodes": torch.zeros(3, 2)})


def test_networkx_nodes_and_marks():
    result = to_networkx(BipartiteGraph(torch.tensor([[0, 1], [3, 3]]), num_users=2, num_items=4))
    assert result.nodes["user", 0] == {"bipartite": 0}
    assert result.nodes["item", 3] == {"bipartite": 1}
    assert set(result.edges) == {(("user", 0), ("item", 3)), (("user", 1), ("item", 3))}
    assert networkx.is_bipartite(result)


@pytest.mark.parametrize("kind", [networkx.Graph, networkx.DiGraph, networkx.MultiGraph])
def test_networkx_graphs_of_others(kind):
    graph = kind()
    graph.add_nodes_from(["zoe", "ann"], bipartite=0)
    graph.add_nodes_from([30, 4, 100], bipartite=1)
    graph.add_edges_from([(4, "zoe"), ("zoe", 4), ("ann", 100)])
    result = from_networkx(graph)
    assert result.edge_index.tolist() == [[0, 1], [2, 0]]  # ann, zoe; 4, 30, 100
    assert (result.num_users, result.num_items) == (2, 3)


def test_networkx_graphs_that_cannot_be_read():
    graph = networkx.Graph()
    graph.add_node("ann", bipartite=0)
    graph.add_node("zoe")
    with pytest.raises(
        ValueError, match=r"node 'zoe' must have .*'bipartite', 0 for a user.*\(got None\); .*bipartite=0\)"
    ):
        from_networkx(graph)
    graph.nodes["zoe"]["bipartite"] = 0
    graph.add_edge("zoe", "ann")
    with pytest.raises(ValueError, match="must join a user and an item"):
        from_networkx(graph)
    graph.add_node(5, bipartite=0)
    graph.remove_edge("zoe", "ann")
    with pytest.raises(ValueError, match=r"labels of one side must be sortable .*networkx.relabel_nodes\(graph, str\)"):
        from_networkx(graph)
    assert from_networkx(networkx.relabel_nodes(graph, str)).num_users == 3
