import networkx
import torch
from torch_geometric.nn import SimpleConv

from graphs import ItemGraph, item_graph_to_hetero_data, item_graph_to_networkx, knn_graph


def some_graph():
    x = torch.randn(15, 3, generator=torch.Generator().manual_seed(0))
    return knn_graph(x, 4, torch.arange(15) != 6)


def test_networkx_edges_go_from_the_item_to_its_neighbours():
    graph = some_graph()
    result = graph.to_networkx()
    assert type(result) is networkx.DiGraph
    assert list(result) == [("item", item) for item in range(15)]
    assert result.number_of_edges() == graph.num_edges
    assert result.out_degree(("item", 6)) == result.in_degree(("item", 6)) == 0
    for item, neighbour, weight in zip(*graph.edge_index.tolist(), graph.weight.tolist(), strict=True):
        assert result["item", item]["item", neighbour]["weight"] == weight
    dense = torch.from_numpy(networkx.to_numpy_array(result)).float()
    assert torch.equal(dense, graph.operator().csr.to_dense())


def test_hetero_data_propagates_as_the_graph_does():
    graph = some_graph()
    data = graph.to_hetero_data("near")
    assert data.validate()
    assert data.node_types == ["item"]
    assert data.edge_types == [("item", "near", "item")]
    assert data["item"].num_nodes == 15
    edges = data["item", "near", "item"]
    assert torch.equal(edges.edge_index.flip(0), graph.edge_index)
    assert torch.equal(edges.edge_attr, graph.weight.unsqueeze(1))
    x = torch.randn(15, 5, generator=torch.Generator().manual_seed(1))
    out = SimpleConv(aggr="sum")(x, edges.edge_index, edges.edge_weight)
    assert torch.allclose(out, graph.matmul(x), atol=1e-6)


def test_gradients_of_the_weights_are_kept():
    weight = torch.tensor([0.5, 2.0], requires_grad=True)
    graph = ItemGraph(torch.tensor([[0, 1], [1, 0]]), weight, 2)
    data = item_graph_to_hetero_data(graph)
    assert data["item", "like", "item"].edge_weight is weight
    assert item_graph_to_networkx(graph).edges[("item", 1), ("item", 0)] == {"weight": 2.0}


def test_graphs_without_pairs():
    graph = ItemGraph(torch.empty(2, 0, dtype=torch.int64), torch.empty(0), 3)
    assert len(graph.to_networkx()) == 3
    assert graph.to_hetero_data()["item", "like", "item"].edge_attr.shape == (0, 1)
