"""The conformance suites refuse models that are broken in ways that a smoke test would miss."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from gnnrec.models import BPRMF, VBPR, Batch, Embeddings
from gnnrec.models import registry as registry_module
from gnnrec.models.base import Features
from gnnrec.testing import ModelConformance, PlantedModality, checkerboard_dataset, planted_dataset
from graphs import BipartiteGraph


class WrongSign(BPRMF):
    """Learns to rank what was taken last."""

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        return super().loss(graph, features, Batch(batch.users, batch.negatives, batch.positives))


class DeadBias(BPRMF):
    """Has a parameter that no loss touches."""

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.bias = torch.nn.Parameter(torch.zeros(self.num_items))


class BlindVBPR(VBPR):
    """Looks at content in training, not in its embeddings."""

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        user, item = super().forward(graph, features)
        return Embeddings(user[:, : self.embedding_dim], item[:, : self.embedding_dim])


class Hoarder(BPRMF):
    """Keeps what a step worked out where copies take it along."""

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        self.last = graph.adjacency().csr.to_dense()
        return super().loss(graph, features, batch)


class Single(BPRMF):
    """Rounds its tables to single precision."""

    def loss(self, graph: BipartiteGraph, features: Features, batch: Batch) -> dict[str, Tensor]:
        return {name: value.float() for name, value in super().loss(graph, features, batch).items()}


class MF(ModelConformance):
    model = "bpr-mf"
    arguments: ClassVar = {"embedding_dim": 8, "regularization": 0.01}


class Content(PlantedModality):
    model = "vbpr"
    arguments: ClassVar = {"embedding_dim": 8, "content_dim": 8, "regularization": 0.01}
    twin = MF


@pytest.fixture
def replace_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    yield lambda name, model: monkeypatch.setitem(registry_module._MODELS, name, model)


def test_wrong_sign_fails_the_checkerboard(replace_model: Any, tmp_path: Path) -> None:
    replace_model("bpr-mf", WrongSign)
    with pytest.raises(AssertionError):
        MF().test_checkerboard(tmp_path)


def test_dead_parameter_is_named(replace_model: Any) -> None:
    replace_model("bpr-mf", DeadBias)
    with pytest.raises(AssertionError, match="no gradient reaches bias"):
        MF().test_gradients_reach_every_parameter()


def test_caches_in_copies_and_lost_precision_are_seen(replace_model: Any) -> None:
    replace_model("bpr-mf", Hoarder)
    with pytest.raises(AssertionError, match="must stay out of copies"):
        MF().test_copies()
    replace_model("bpr-mf", Single)
    with pytest.raises(AssertionError):
        MF().test_double_precision()


def test_content_that_is_not_used_fails_the_planted_modality(replace_model: Any) -> None:
    replace_model("vbpr", BlindVBPR)
    with pytest.raises(AssertionError, match="gains"):
        Content().test_planted_modality()


def test_checkerboard_has_one_right_answer() -> None:
    dataset = checkerboard_dataset(10, empty_users=1)
    assert dataset.num_users == 11 and len(dataset.train) == 10 * 4
    taken = set(dataset.train.keys().tolist())
    for user in range(10):
        unseen = [item for item in range(10) if user * 10 + item not in taken and (user + item) % 2 == 0]
        assert unseen == [user]


def test_planted_parts_do_not_overlap() -> None:
    dataset = planted_dataset()
    keys = [set(part.keys().tolist()) for part in dataset.parts().values()]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
