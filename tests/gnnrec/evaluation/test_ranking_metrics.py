import math

import pytest
import torch

from gnnrec.evaluation import ranking_metrics

KS = (1, 5, 10, 20)
PYG = {
    "precision": "LinkPredPrecision",
    "recall": "LinkPredRecall",
    "map": "LinkPredMAP",
    "ndcg": "LinkPredNDCG",
    "mrr": "LinkPredMRR",
    "hit_rate": "LinkPredHitRatio",
}


@pytest.mark.parametrize("seed", range(5))
def test_metrics_equal_torch_geometric(seed: int) -> None:
    import torch_geometric.metrics as pyg

    generator = torch.Generator().manual_seed(seed)
    num_users, num_items = 60, 80
    scores = torch.rand(num_users, num_items, generator=generator)  # no ties
    positive = (
        torch.rand(num_users, num_items, generator=generator) < torch.rand(num_users, 1, generator=generator) * 0.5
    )
    positive[torch.arange(num_users), torch.randint(num_items, (num_users,), generator=generator)] = True
    top = scores.topk(max(KS)).indices
    ours = ranking_metrics(positive.gather(1, top), positive.sum(1), KS)
    for name, class_name in PYG.items():
        for k in KS:
            metric = getattr(pyg, class_name)(k)
            metric.update(top, positive.nonzero().T)
            assert float(ours[f"{name}@{k}"].mean()) == pytest.approx(float(metric.compute()), abs=1e-6), (
                name,
                k,
            )


def test_one_positive_at_rank_three() -> None:
    hits = torch.tensor([[False, False, True, False]])
    values = ranking_metrics(hits, torch.tensor([1]), (2, 4))
    assert values["ndcg@4"].item() == pytest.approx(1 / math.log2(4))
    assert values["mrr@4"].item() == pytest.approx(1 / 3)
    assert values["map@4"].item() == pytest.approx(1 / 3)
    assert values["precision@4"].item() == pytest.approx(1 / 4)
    assert (values["recall@4"].item(), values["hit_rate@4"].item()) == (1.0, 1.0)
    assert all(values[name].item() == 0 for name in values if name.endswith("@2"))


def test_all_hits_give_one() -> None:
    values = ranking_metrics(torch.ones(3, 5, dtype=torch.bool), torch.tensor([5, 7, 9]), (5,))
    for name in ("ndcg@5", "map@5", "mrr@5", "precision@5", "hit_rate@5"):
        torch.testing.assert_close(values[name], torch.ones(3))
    torch.testing.assert_close(values["recall@5"], torch.tensor([1, 5 / 7, 5 / 9]))


def test_users_without_positives_get_zero() -> None:
    values = ranking_metrics(torch.zeros(1, 5, dtype=torch.bool), torch.tensor([0]), (5,))
    assert all(value.item() == 0 for value in values.values())
