import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gnnrec import load
from gnnrec.data import Dataset, IdMap
from gnnrec.errors import ArgumentError, RunError, UnknownNameError
from gnnrec.models import Embeddings, EmbeddingScorer, LightGCN
from gnnrec.serving import Predictor
from gnnrec.testing import planted_dataset
from gnnrec.training import TrainOptions
from gnnrec.training.experiment import run_experiment
from gnnrec.training.run_folder import RunFolder
from graphs import BipartiteGraph


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    data = planted_dataset(num_users=60, num_items=80)
    return replace(
        data,
        items=IdMap([f"song-{number}" for number in range(80)], kind="item"),
        catalog=pd.DataFrame({"title": [f"Title {number}" if number else None for number in range(80)]}),
    )


@pytest.fixture(scope="module", params=["vbpr", "lightgcn", "item-knn"])
def predictor(request: pytest.FixtureRequest, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    folder = tmp_path_factory.mktemp("runs") / request.param
    run_experiment(request.param, dataset, folder, options=TrainOptions(max_epochs=3, device="cpu"))
    return load(folder)


def test_lists_hold_the_best_unseen_items(predictor: Predictor, dataset: Dataset) -> None:
    for user in (0, 7):
        answer = predictor.recommend([user], k=5)[0]
        scores = predictor.scorer.score(torch.tensor([user]))[0]
        for part in dataset.parts().values():  # what is known of a user, whichever part it is in
            scores[part.item[part.user == user]] = -torch.inf
        assert [item.score for item in answer.items] == pytest.approx(scores.topk(5).values.tolist(), abs=1e-6)
        taken = torch.cat([part.item[part.user == user] for part in dataset.parts().values()])
        assert not {item.item_id for item in answer.items} & set(dataset.items.ids(taken.numpy()))
        assert [item.title for item in answer.items] == [
            None if item.item_id == "song-0" else f"Title {str(item.item_id)[5:]}" for item in answer.items
        ]


def test_integer_ids_are_found_as_text_too(predictor: Predictor) -> None:
    assert predictor.recommend([5], k=3)[0].items == predictor.recommend(["5"], k=3)[0].items


def test_mixed_request_keeps_its_order(predictor: Predictor) -> None:
    answers = predictor.recommend([3, "stranger", 5, 3], k=4, histories={5: ["song-1", "song-2"]})
    assert [answer.user_id for answer in answers] == [3, "stranger", 5, 3]
    assert [answer.source for answer in answers] == ["model", "popular", "history", "model"]
    assert [item.item_id for item in answers[0].items] == [item.item_id for item in answers[3].items]
    assert not {"song-1", "song-2"} & {item.item_id for item in answers[2].items}


def test_popular_items_for_strangers(predictor: Predictor, dataset: Dataset) -> None:
    answer = predictor.recommend(["stranger"], k=3)[0]
    counts = dataset.train.item_degree
    assert [item.score for item in answer.items] == counts.sort(descending=True).values[:3].tolist()


def test_similar_items_leave_the_item_itself_out(predictor: Predictor) -> None:
    answer = predictor.similar_items(["song-4"], k=200)[0]
    ids = [item.item_id for item in answer.items]
    assert "song-4" not in ids and len(set(ids)) == len(ids) <= 79
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)


def test_bad_requests(predictor: Predictor) -> None:
    with pytest.raises(ArgumentError, match=r"'k' must be a positive integer \(got 0\)"):
        predictor.recommend([1], k=0)
    with pytest.raises(ArgumentError, match="'unknown' must be one of popular, error"):
        predictor.recommend([1], unknown="guess")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match=r"unknown item id 'song-444'; did you mean"):
        predictor.recommend([1], histories={1: ["song-444"]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"user_ids": "0"}, r"'user_ids' must be a list of ids \(got '0'\)"),
        ({"user_ids": [1], "k": "3"}, r"'k' must be a positive integer \(got '3'\)"),
        ({"user_ids": [1], "histories": [["song-1"]]}, "'histories' must map user ids to lists"),
        ({"user_ids": [1], "histories": {1: "song-1"}}, r"'histories\[1\]' must be a list of ids"),
    ],
)
def test_wrong_types_are_refused(predictor: Predictor, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        predictor.recommend(**arguments)


@pytest.mark.parametrize("k", [True, 2.0, np.float64(2), None, -1, np.int64(0)])
def test_list_lengths_that_are_none(predictor: Predictor, k: Any) -> None:
    for ask in (lambda: predictor.recommend([1], k=k), lambda: predictor.similar_items(["song-1"], k=k)):
        with pytest.raises(ArgumentError, match="'k' must be a positive integer"):
            ask()


def test_columns_of_pandas_and_numbers_of_numpy_are_ids(predictor: Predictor) -> None:
    frame = pd.DataFrame({"user": [3, 5, None], "item": ["song-1", "song-2", "song-2"]})
    wanted = predictor.recommend([3, 5], k=4)
    for ids in (frame.user.dropna(), frame.user.dropna().to_numpy(), pd.Index([3, 5]), frame.user[:2].astype("Int64")):
        answers = predictor.recommend(ids, k=np.int64(4))
        assert [answer.to_dict() for answer in answers] == [answer.to_dict() for answer in wanted]
    history = predictor.recommend([3], k=4, histories={np.float64(3): frame.item.unique()})
    assert history == predictor.recommend([3], k=4, histories={3: ["song-1", "song-2"]})
    assert history[0].source == "history"
    similar = predictor.similar_items(frame.item.unique(), k=2**70)
    assert [answer.item_id for answer in similar] == ["song-1", "song-2"]
    with pytest.raises(ArgumentError, match=r"'user_ids' must hold whole numbers and texts \(got nan at place 2\)"):
        predictor.recommend(frame.user)


def test_lists_of_some_items_are_as_long_and_in_the_same_order(predictor: Predictor, dataset: Dataset) -> None:
    whole = {answer.user_id: answer for answer in predictor.recommend([3, 5, "stranger"], k=80)}
    candidates = pd.Series([f"song-{number}" for number in range(0, 80, 2)])
    exclude = [item.item_id for item in whole[3].items[:6]]
    for wish, kept in (
        ({"exclude": exclude}, lambda item: item not in exclude),
        ({"candidates": candidates}, lambda item: item in set(candidates)),
        ({"candidates": candidates, "exclude": exclude}, lambda item: item in set(candidates) and item not in exclude),
    ):
        for answer in predictor.recommend([3, 5, "stranger"], k=10, **wish):
            wanted = [item.item_id for item in whole[answer.user_id].items if kept(item.item_id)]
            assert [item.item_id for item in answer.items] == wanted[:10]
            assert len(answer.items) == 10
    assert predictor.recommend([3], candidates=[])[0].items == []
    for name in ("candidates", "exclude"):
        with pytest.raises(UnknownNameError, match=r"unknown item id 'song-444'"):
            predictor.recommend([3], **{name: ["song-444"]})
    ignored = predictor.recommend([3], k=10, exclude=["song-444", *exclude], unknown_items="ignore")
    assert ignored == predictor.recommend([3], k=10, exclude=exclude)


def test_load_says_what_is_wrong(tmp_path: Path, dataset: Dataset) -> None:
    with pytest.raises(RunError, match="is not a run folder"):
        load(tmp_path)
    folder = tmp_path / "run"
    run_experiment("bpr-mf", dataset, folder, options=TrainOptions(max_epochs=1, device="cpu"))
    (tmp_path / "run.json").write_text(json.dumps({**RunFolder(folder).describe(), "status": "training"}))
    with pytest.raises(RunError, match="has not finished"):
        load(tmp_path)
    (folder / "embeddings.safetensors").write_bytes(b"broken")
    with pytest.raises(RunError, match=r"embeddings\.safetensors cannot be read"):
        load(folder)


def test_lightgcn_fold_in_is_propagation_of_a_new_node() -> None:
    generator = torch.Generator().manual_seed(0)
    edges = (torch.rand(20, 15, generator=generator) < 0.4).nonzero().T.contiguous()
    graph = BipartiteGraph(edges, 20, 15)
    model = LightGCN(20, 15, embedding_dim=8, num_layers=3)
    history = torch.tensor([1, 4, 6])
    scorer = EmbeddingScorer(model.embeddings(graph, {}), item_fold_in=model.item_fold_in(graph, {}))
    folded = scorer.fold_in((torch.tensor([0, 3]), history))[0]
    # Dense form: the new user sends nothing back, so items propagate among the old nodes as before.
    adjacency = graph.adjacency().csr.to_dense()
    layer, total = model.embedding.detach(), torch.zeros(8)
    degree = graph.item_degree[history].float()
    for _ in range(3):
        total += (layer[20 + history] / (3 * degree).sqrt().unsqueeze(1)).sum(0)
        layer = adjacency @ layer
    torch.testing.assert_close(folded, total / 4)


def test_least_squares_fold_in_solves_the_normal_equations() -> None:
    generator = torch.Generator().manual_seed(0)
    item = torch.randn(12, 4, generator=generator)
    scorer = EmbeddingScorer(Embeddings(torch.zeros(1, 4), item), confidence=5.0, ridge=0.2)
    history = torch.tensor([2, 3, 9])
    weight = torch.ones(12)
    weight[history] += 5
    target = torch.zeros(12)
    target[history] = 1
    penalty = 0.2 * (item.T @ item).diagonal().mean() * torch.eye(4)
    expected = torch.linalg.solve(item.T @ (weight[:, None] * item) + penalty, item.T @ (weight * target))
    torch.testing.assert_close(scorer.fold_in((torch.tensor([0, 3]), history))[0], expected, rtol=1e-4, atol=1e-5)
    assert not bool(scorer.fold_in((torch.tensor([0, 0]), history[:0])).any())


def test_histories_are_matched_by_id_whatever_its_type(predictor: Predictor) -> None:
    by_number = predictor.recommend([5], k=3, histories={5: ["song-1"]})[0]
    by_text = predictor.recommend(["5"], k=3, histories={5: ["song-1"]})[0]
    assert by_text.items == by_number.items and by_text.source == "history"
    with pytest.raises(ArgumentError, match="'histories' has one for user '6', who is not among 'user_ids'"):
        predictor.recommend([5], histories={6: ["song-1"]})
    with pytest.raises(UnknownNameError, match="unknown user id 'zz'"):
        predictor.recommend(["zz"], unknown="error", histories={"zz": []})
    assert predictor.recommend([]) == []


def test_lists_are_never_longer_than_the_catalog(predictor: Predictor) -> None:
    assert len(predictor.recommend(["stranger"], k=10**12)[0].items) == 80


def test_biases_are_kept_for_new_users_and_left_out_of_similarity() -> None:
    generator = torch.Generator().manual_seed(0)
    user, item = torch.randn(5, 3, generator=generator), torch.randn(7, 3, generator=generator)
    plain = EmbeddingScorer(Embeddings(user, item))
    biased = EmbeddingScorer(Embeddings(torch.cat([user, torch.ones(5, 1)], 1), torch.cat([item, item[:, :1]], 1)))
    history = (torch.tensor([0, 2, 5]), torch.tensor([0, 3, 1, 2, 6]))
    folded = biased.fold_in(history)
    torch.testing.assert_close(folded[:, :3], plain.fold_in(history))
    assert folded[:, 3].tolist() == [1.0, 1.0]
    torch.testing.assert_close(biased.item_similarity(torch.arange(7)), plain.item_similarity(torch.arange(7)))


def test_unknown_items_of_a_history_are_refused_or_ignored(predictor: Predictor) -> None:
    history = ["song-1", "gone", "song-2"]
    with pytest.raises(UnknownNameError, match="unknown item id 'gone'"):
        predictor.recommend(["new"], histories={"new": history})
    ignored = predictor.recommend(["new"], k=5, histories={"new": history}, unknown_items="ignore")
    assert ignored == predictor.recommend(["new"], k=5, histories={"new": ["song-1", "song-2"]})
    nothing_left = predictor.recommend(["new"], histories={"new": ["gone"]}, unknown_items="ignore")[0]
    assert nothing_left.source == "popular"
    with pytest.raises(ArgumentError, match="'unknown_items' must be one of error, ignore"):
        predictor.recommend(["new"], unknown_items="guess")  # type: ignore[arg-type]
