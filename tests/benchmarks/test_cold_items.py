"""Ranking among some items only."""

import torch
from cold_items import rank_among_cold

from gnnrec.data import Interactions
from gnnrec.evaluation import rank_items
from gnnrec.models import Embeddings, EmbeddingScorer
from graphs import BipartiteGraph

NUM_USERS, NUM_ITEMS, NUM_COLD = 12, 70, 30


def test_only_candidates_are_ranked_and_users_without_training_left_out() -> None:
    generator = torch.Generator().manual_seed(0)
    scorer = EmbeddingScorer(
        Embeddings(torch.randn(NUM_USERS, 5, generator=generator), torch.randn(NUM_ITEMS, 5, generator=generator))
    )
    cold = torch.arange(NUM_ITEMS) >= NUM_ITEMS - NUM_COLD
    known = torch.arange(1, NUM_USERS)  # user 0 took nothing in training
    train = BipartiteGraph(torch.stack([known, known]), NUM_USERS, NUM_ITEMS)
    taken = torch.arange(NUM_ITEMS - NUM_COLD, NUM_ITEMS)
    part = Interactions(torch.arange(NUM_COLD) % NUM_USERS, taken, NUM_USERS, NUM_ITEMS)
    result = rank_among_cold(scorer, train, part)
    assert result.users.tolist() == known.tolist()
    scores = (scorer.user @ scorer.item.T).numpy()
    for place, user in enumerate(known.tolist()):
        best = sorted(taken.tolist(), key=lambda item: -scores[user, item])[:20]
        own = set(part.item[part.user == user].tolist())
        assert result.per_user["recall@20"][place].item() == torch.tensor(len(own & set(best)) / len(own)).item()
    lists = rank_items(scorer, known, NUM_ITEMS, seen=train, candidates=cold)
    assert set(lists.items.unique().tolist()) == {-1, *taken.tolist()}
