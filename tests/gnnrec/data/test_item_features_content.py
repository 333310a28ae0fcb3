import torch

from gnnrec.data import ItemFeatures
from gnnrec.models import VBPR
from graphs import BipartiteGraph


def test_what_stands_for_missing_content_never_reaches_a_product() -> None:
    x = torch.tensor([[1.0, 2.0], [float("nan"), float("inf")], [3.0, 4.0]], dtype=torch.float64)
    features = ItemFeatures(x, torch.tensor([True, False, True]))
    assert features.x.dtype == torch.float32 and features.x[1].tolist() == [0.0, 0.0]
    torch.testing.assert_close(features.mean_direction, torch.tensor([0.5236068, 0.8472136]))
    model = VBPR(2, 3, {"image": 2}, embedding_dim=2, content_dim=2)
    item = model(BipartiteGraph(torch.tensor([[0], [1]]), 2, 3), {"image": features}).item
    assert bool(torch.isfinite(item).all())
