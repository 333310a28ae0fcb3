"""The conformance suite refuses wrong item parts and wrong explanations."""

from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from gnnrec.models import BPRMF, Recommender
from gnnrec.models import registry as registry_module
from gnnrec.models.base import Embeddings, Features
from gnnrec.serving.explainer import Explainer
from gnnrec.testing import ModelConformance
from gnnrec.training import TrainOptions
from graphs import BipartiteGraph


class Split(BPRMF):
    """Item vectors with a shift that starts at zero, and their split with nothing left out."""

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.shift = torch.nn.Parameter(torch.zeros(self.embedding_dim))

    def forward(self, graph: BipartiteGraph, features: Features) -> Embeddings:
        user, item = super().forward(graph, features)
        return Embeddings(user, item + self.shift)

    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        share = (self.item_embedding + self.shift) / len(features) if features else self.item_embedding + self.shift
        return dict.fromkeys(features, share) if features else {"interactions": share}


class ForgetsTheShift(Split):
    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        return dict.fromkeys(features, self.item_embedding / len(features)) if features else None


class ForgetsAModality(Split):
    def item_parts(self, graph: BipartiteGraph, features: Features) -> dict[str, Tensor] | None:
        return {"interactions": self.item_embedding + self.shift}


class Suite(ModelConformance):
    model = "split"
    arguments: ClassVar = {"embedding_dim": 4}
    options: ClassVar = TrainOptions(max_epochs=1, batch_size=256, metric="recall@1", device="cpu")


def run_suite(model: type[Recommender], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry_module._MODELS, "split", model)
    Suite().test_item_parts_add_up()


def test_right_parts_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run_suite(Split, monkeypatch)


def test_a_term_that_starts_at_zero_must_be_in_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="not close"):
        run_suite(ForgetsTheShift, monkeypatch)


def test_each_modality_must_have_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="each modality must have a term"):
        run_suite(ForgetsAModality, monkeypatch)


def test_history_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = Explainer._nearest
    monkeypatch.setattr(Explainer, "_nearest", lambda *arguments: whole(*arguments)[::-1])
    monkeypatch.setitem(registry_module._MODELS, "split", BPRMF)
    with pytest.raises(AssertionError, match="history that the user did not take"):
        Suite().test_explanation(tmp_path)
