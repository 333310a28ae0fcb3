"""Explanations against figures computed here from the run folder's tensors."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gnnrec import load
from gnnrec.data import Dataset, IdMap
from gnnrec.errors import ArgumentError
from gnnrec.models import BPRMF, ContentKNN, Embeddings, EmbeddingScorer, Recommender
from gnnrec.models import registry as registry_module
from gnnrec.models.base import Batch, Features
from gnnrec.nn.losses import bpr_loss
from gnnrec.serving import Explanation, Predictor, RecommendedItem, explainer
from gnnrec.testing import missing_features, planted_dataset
from gnnrec.training import TrainOptions
from gnnrec.training.experiment import run_experiment
from gnnrec.training.run_folder import RunFolder
from graphs import BipartiteGraph

CLOSED_FORM = ["item-knn", "rp3-beta", "ease", "gf-cf", "content-knn", "user-knn", "popularity"]


class SplitModel(Recommender):
    """Items are id vectors plus a projection of each modality; the last column is a bias that all users read."""

    needs_features = True

    def __init__(self, num_users: int, num_items: int, feature_dims: Mapping[str, int]) -> None:
        super().__init__(num_users, num_items)
        self.user = nn.Parameter(torch.randn(num_users, 8))
        self.item = nn.Parameter(torch.randn(num_items, 9))
        self.weights = nn.ParameterDict({name: nn.Parameter(torch.randn(dim, 9)) for name, dim in feature_dims.items()})

    def reset_parameters(self) -> None:
        raise NotImplementedError

    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor]:
        assert not self.training and not torch.is_grad_enabled()  # what the loop promises to those who write models
        return self._parts(features)

    def _parts(self, features: Features) -> dict[str, Tensor]:
        return {"interactions": self.item, **{name: features[name].x @ self.weights[name] for name in self.weights}}

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        user = torch.cat([self.user, self.user.new_ones(self.num_users, 1)], dim=1)
        return Embeddings(user, torch.stack(list(self._parts(features).values())).sum(0))

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        user, item = self(graph, features)
        user = user[batch.users]
        positive, negative = item[batch.positives], item[batch.negatives]
        return {"bpr": bpr_loss((user * positive).sum(1), (user * negative).sum(1))}


class AliasedModel(BPRMF):
    """Its only part is the item table itself, the same memory."""

    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor]:
        return {"interactions": self.item_embedding}


@pytest.fixture(scope="module", autouse=True)
def models() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry_module._MODELS, "split-model", SplitModel)
        patch.setitem(registry_module._MODELS, "aliased-model", AliasedModel)
        yield


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    data = missing_features(planted_dataset(num_users=60, num_items=80), 0.2)
    return replace(
        data,
        items=IdMap([f"song-{number}" for number in range(80)], kind="item"),
        catalog=pd.DataFrame({"title": [f"Title {number}" if number else None for number in range(80)]}),
    )


@pytest.fixture(scope="module")
def folders(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name in [*CLOSED_FORM, "lightgcn", "split-model", "aliased-model"]:
        made[name] = tmp_path_factory.mktemp("runs") / name
        run_experiment(name, dataset, made[name], options=TrainOptions(max_epochs=2, device="cpu"))
    return made


def explained(item: RecommendedItem) -> Explanation:
    assert item.explanation is not None
    return item.explanation


def position(item_id: int | str) -> int:
    return int(str(item_id).removeprefix("song-"))


def taken_by(dataset: Dataset, user: int) -> list[int]:
    return dataset.train.item[dataset.train.user == user].tolist()


def test_contributions_are_products_with_the_parts(folders: dict[str, Path], dataset: Dataset) -> None:
    stored = {
        name: value.numpy() for name, value in load_file(folders["split-model"] / "embeddings.safetensors").items()
    }
    assert {name for name in stored if "/" in name} == {
        "item_part/interactions",
        "item_part/planted",
        "item_part/noise",
    }
    predictor = load(folders["split-model"])
    for user in (0, 17):
        for item in predictor.recommend([user], k=6, explain=True)[0].items:
            place, explanation = position(item.item_id), explained(item)
            expected = {
                name: float(stored["user"][user] @ stored[f"item_part/{name}"][place])
                for name in ("interactions", "planted", "noise")
            }
            assert explanation.contributions == pytest.approx(expected, abs=1e-5)
            assert sum(expected.values()) == pytest.approx(item.score, abs=1e-4)
            total = sum(abs(value) for value in expected.values())
            shares = {name: abs(value) / total for name, value in expected.items()}
            assert explanation.modality_shares == pytest.approx(shares, abs=1e-5)
            missing = not bool(dataset.features["noise"].mask[place])
            assert (shares["noise"] == 0) == missing
            assert explanation.note is None


def test_history_is_the_nearest_by_cosine_without_biases(folders: dict[str, Path], dataset: Dataset) -> None:
    vectors = load_file(folders["split-model"] / "embeddings.safetensors")["item"].numpy()[:, :8]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for item in load(folders["split-model"]).recommend([4], k=80, explain=True, explain_items=4)[0].items:
        cosine = {other: float(unit[position(item.item_id)] @ unit[other]) for other in taken_by(dataset, 4)}
        nearest = sorted((other for other in cosine if cosine[other] > 0), key=lambda other: -cosine[other])[:4]
        history = explained(item).history
        assert [position(other.item_id) for other in history] == nearest
        assert [other.similarity for other in history] == pytest.approx([cosine[other] for other in nearest], abs=1e-5)
        assert [other.title for other in history] == [f"Title {other}" if other else None for other in nearest]


@pytest.mark.parametrize("name", ["item-knn", "rp3-beta", "ease", "gf-cf"])
def test_similarities_of_neighbour_models_make_up_the_score(
    name: str, folders: dict[str, Path], dataset: Dataset
) -> None:
    """Similarity runs from what was taken to what is recommended: the other way would not add up."""
    predictor = load(folders[name])
    rows = predictor.scorer.item_similarity(torch.tensor(taken_by(dataset, 9)))  # type: ignore[union-attr]
    for item in predictor.recommend([9], k=10, explain=True, explain_items=100)[0].items:
        similarity = rows[:, position(item.item_id)]
        walks = 6 if name == "rp3-beta" else 1  # a walk starts at one of the six items taken
        assert float(similarity.sum()) / walks == pytest.approx(item.score, abs=1e-5)
        history = explained(item).history
        assert sum(other.similarity for other in history) == pytest.approx(
            float(similarity.clamp(min=0).sum()), abs=1e-5
        )
        assert len(history) == int((similarity > 0).sum()) > 0
        assert explained(item).note == f"{name} goes by interactions alone, so no modality has a share"


def test_content_knn_splits_by_modality(folders: dict[str, Path], dataset: Dataset) -> None:
    graph = BipartiteGraph.from_interactions(dataset.train)
    alone = {
        name: ContentKNN().fit(graph, {name: features}).score(torch.tensor([9]))[0]
        for name, features in dataset.features.items()
    }
    predictor = load(folders["content-knn"])
    for item in predictor.recommend([9], k=10, explain=True)[0].items:
        contributions = explained(item).contributions
        assert contributions is not None
        # Both modalities are missing together here, so each has half the weight wherever there is any.
        expected = {name: float(scores[position(item.item_id)]) / 2 for name, scores in alone.items()}
        assert contributions == pytest.approx(expected, abs=1e-6)
        assert sum(contributions.values()) == pytest.approx(item.score, abs=1e-6)


@pytest.mark.parametrize("name", ["split-model", "content-knn", "lightgcn", "item-knn"])
def test_given_histories_explain_by_themselves(name: str, folders: dict[str, Path]) -> None:
    predictor = load(folders[name])
    given = ["song-3", "song-5", "song-8"]
    answer = predictor.recommend([2], k=8, histories={2: given}, explain=True, explain_items=9)[0]
    assert answer.source == "history"
    for item in answer.items:
        explanation = explained(item)
        assert {other.item_id for other in explanation.history} <= set(given)
        if explanation.contributions is not None:
            assert sum(explanation.contributions.values()) == pytest.approx(item.score, abs=1e-4)
    assert any(explained(item).history for item in answer.items)
    assert (explained(answer.items[0]).contributions is None) == (name in ("lightgcn", "item-knn"))


def test_users_of_all_kinds_in_one_request(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = load(folders["split-model"])
    asked: list[int | str] = [3, "stranger", 5, "new", 3]
    histories: dict[int | str, list[int | str]] = {5: [], "new": ["song-2", "song-40"]}
    together = predictor.recommend(asked, k=5, histories=histories, explain=True)
    assert together[0] == together[4]
    for answer in together:
        own = {name: histories[name] for name in [answer.user_id] if name in histories}
        alone = predictor.recommend([answer.user_id], k=5, histories=own, explain=True)[0]
        for one, other in zip(answer.items, alone.items, strict=True):
            assert one.item_id == other.item_id
            assert [near.item_id for near in explained(one).history] == [
                near.item_id for near in explained(other).history
            ]
            assert explained(one).contributions == pytest.approx(explained(other).contributions, abs=1e-4)
    for popular in (together[1], together[2]):
        assert popular.source == "popular"
        assert {explained(item).note for item in popular.items} == {
            "nothing is known of what this user took: these are the most-taken items"
        }
        assert all(not explained(item).history and explained(item).contributions is None for item in popular.items)
    monkeypatch.setattr(explainer, "_CHUNK", 1)  # one user at a time
    assert [answer.to_dict() for answer in predictor.recommend(asked, k=5, histories=histories)] == [
        {**answer.to_dict(), "items": [replace(item, explanation=None).to_dict() for item in answer.items]}
        for answer in together
    ]
    in_chunks = predictor.recommend(asked, k=5, histories=histories, explain=True)
    for answer, other_answer in zip(together, in_chunks, strict=True):
        for one, other in zip(answer.items, other_answer.items, strict=True):
            assert explained(one).history == explained(other).history
            assert explained(one).contributions == pytest.approx(explained(other).contributions, abs=1e-5)


@pytest.mark.parametrize("name", ["lightgcn", "popularity", "user-knn"])
def test_notes_say_what_a_model_does_not_know(name: str, folders: dict[str, Path]) -> None:
    item = load(folders[name]).recommend([1], k=1, explain=True)[0].items[0]
    unknown = "" if name == "lightgcn" else f"{name} knows no similarity between items; "
    assert explained(item).note == f"{unknown}{name} goes by interactions alone, so no modality has a share"
    assert explained(item).modality_shares is None and bool(explained(item).history) == (name == "lightgcn")


def test_models_without_parts_say_so(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = without_parts(load(folders["split-model"]))
    monkeypatch.delattr(SplitModel, "item_parts")
    item = predictor.recommend([1], k=1, explain=True)[0].items[0]
    assert explained(item).note == "split-model scores do not split by modality"


def test_folders_of_older_versions_still_load(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["split-model"], tmp_path / "old")
    tensors = load_file(folder / "embeddings.safetensors")
    save_file({name: tensors[name] for name in ("user", "item")}, folder / "embeddings.safetensors")
    old, new = load(folder), load(folders["split-model"])
    assert [item.item_id for item in old.recommend([1])[0].items] == [
        item.item_id for item in new.recommend([1])[0].items
    ]
    item = old.recommend([1], explain=True)[0].items[0]
    assert "before splits were kept" in str(explained(item).note) and explained(item).history


def without_parts(predictor: Predictor) -> Predictor:
    assert isinstance(predictor.scorer, EmbeddingScorer)
    predictor.scorer.item_parts = None
    return predictor


def test_parts_in_the_memory_of_the_embeddings_are_stored(folders: dict[str, Path]) -> None:
    item = load(folders["aliased-model"]).recommend([1], explain=True)[0].items[0]
    assert explained(item).modality_shares == {"interactions": 1.0}
    assert explained(item).contributions == pytest.approx({"interactions": item.score}, abs=1e-5)


def test_tensors_in_the_same_memory_are_written_apart(tmp_path: Path) -> None:
    one = torch.arange(6.0)
    RunFolder(tmp_path).write_tensors("t.safetensors", {"one": one, "same": one, "view": one[:3]})
    read = RunFolder(tmp_path).read_tensors("t.safetensors")
    assert torch.equal(read["same"], one) and torch.equal(read["view"], one[:3])


def test_without_asking_there_is_no_explanation(folders: dict[str, Path]) -> None:
    answer = load(folders["split-model"]).recommend([1])[0]
    assert all(item.explanation is None for item in answer.items)
    assert set(answer.to_dict()["items"][0]) <= {"item_id", "score", "title"}


def test_plain_containers_for_json(folders: dict[str, Path]) -> None:
    answer = load(folders["split-model"]).recommend([1], k=3, explain=True)[0]
    content = json.loads(json.dumps(answer.to_dict()))["items"][0]["explanation"]
    assert set(content) == {"history", "contributions", "modality_shares", "note"}
    assert set(content["contributions"]) == {"interactions", "planted", "noise"}


def test_every_term_zero_is_said(folders: dict[str, Path]) -> None:
    predictor = load(folders["split-model"])
    assert isinstance(predictor.scorer, EmbeddingScorer)
    predictor.scorer.item_parts = {"interactions": torch.zeros_like(predictor.scorer.item)}
    explanation = explained(predictor.recommend([1], k=1, explain=True)[0].items[0])
    assert explanation.modality_shares is None and explanation.note == "every term of the score is 0"


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "3"])
def test_bad_numbers_of_history_items_are_refused(folders: dict[str, Path], bad: Any) -> None:
    with pytest.raises(ArgumentError, match="'explain_items' must be a positive integer"):
        load(folders["item-knn"]).recommend([1], explain=True, explain_items=bad)


def test_any_number_of_history_items_may_be_asked_for(folders: dict[str, Path], dataset: Dataset) -> None:
    item = load(folders["lightgcn"]).recommend([1], k=1, explain=True, explain_items=10**12)[0].items[0]
    assert 0 < len(explained(item).history) <= len(taken_by(dataset, 1))


def test_pairs_agree_with_rows_in_small_blocks(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from gnnrec.models import item_based_scorer

    monkeypatch.setattr(item_based_scorer, "block_rows", lambda num_columns: 3)
    generator = torch.Generator().manual_seed(0)
    items, others = torch.randint(80, (50,), generator=generator), torch.randint(80, (50, 4), generator=generator)
    for name in ("rp3-beta", "content-knn", "lightgcn"):
        scorer: Any = load(folders[name]).scorer
        rows = scorer.item_similarity(items)
        torch.testing.assert_close(scorer.pair_similarity(items, others), rows.gather(1, others))
