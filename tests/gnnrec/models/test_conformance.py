"""Every registered model passes the suites of gnnrec.testing; a model without a suite fails."""

from typing import ClassVar

from gnnrec.data import Dataset
from gnnrec.models import EmbeddingScorer, HistoryScorer, list_models, model_class
from gnnrec.testing import ModelConformance, PlantedModality, missing_features
from gnnrec.training import TrainOptions


class TestPopularity(ModelConformance):
    model = "popularity"
    personalized = False


class TestItemKNN(ModelConformance):
    model = "item-knn"


class TestUserKNN(ModelConformance):
    model = "user-knn"


class TestRP3beta(ModelConformance):
    model = "rp3-beta"


class TestEASE(ModelConformance):
    model = "ease"


class TestGFCF(ModelConformance):
    model = "gf-cf"


class TestBPRMF(ModelConformance):
    model = "bpr-mf"
    arguments: ClassVar = {"embedding_dim": 8, "regularization": 0.01}


class TestLightGCN(ModelConformance):
    model = "lightgcn"


class TestContentKNN(PlantedModality):
    model = "content-knn"
    works_without_content = False
    twin = TestPopularity


class TestVBPR(PlantedModality):
    model = "vbpr"
    arguments: ClassVar = {"embedding_dim": 8, "regularization": 0.01, "content_dim": 32}
    twin = TestBPRMF


class _LATTICEWithoutContent(ModelConformance):
    """What LATTICE is without item graphs: LightGCN of its depth."""

    model = "lightgcn"
    arguments: ClassVar = {"num_layers": 2}


class TestLATTICE(PlantedModality):
    model = "lattice"
    arguments: ClassVar = {"num_neighbors": 25}
    twin = _LATTICEWithoutContent


class _FREEDOMWithoutContent(ModelConformance):
    """What FREEDOM is without item graphs: LightGCN of its depth and penalty."""

    model = "lightgcn"
    arguments: ClassVar = {"num_layers": 2, "regularization": 0.03}


class TestFREEDOM(PlantedModality):
    model = "freedom"
    arguments: ClassVar = {"drop_rate": 0.1, "regularization": 0.03, "num_neighbors": 20}
    twin = _FREEDOMWithoutContent


class TestMGCN(PlantedModality):
    model = "mgcn"
    arguments: ClassVar = {"contrastive_weight": 0.1}
    twin = TestLightGCN


class TestLightMGCN(PlantedModality):
    model = "light-mgcn"
    arguments: ClassVar = {"num_neighbors": 25}
    twin = TestLightGCN


class _MMGCNWithoutContent(ModelConformance):
    """MMGCN's own twin: without content it ranks far below LightGCN, and content must lift it from there."""

    model = "mmgcn"
    arguments: ClassVar = {"num_layers": 1, "embedding_dim": 128}
    options = TrainOptions(learning_rate=0.002, batch_size=256, max_epochs=30, metric="recall@1", device="cpu")

    def trained(self, dataset: Dataset, seed: int = 0, *, select: bool = False) -> EmbeddingScorer | HistoryScorer:
        return super().trained(missing_features(dataset, 1.0), seed, select=select)


class TestMMGCN(PlantedModality):
    model = "mmgcn"
    arguments = _MMGCNWithoutContent.arguments
    options = _MMGCNWithoutContent.options
    twin = _MMGCNWithoutContent


class TestBM3(PlantedModality):
    model = "bm3"
    # With the paper's one-sided alignment content never reaches an item's embedding.
    arguments: ClassVar = {"embedding_dim": 32, "dropout": 0.5, "symmetric_alignment": True}
    twin = TestLightGCN


class TestSLMRec(PlantedModality):
    model = "slmrec"
    twin = TestLightGCN


class TestMMGCL(PlantedModality):
    model = "mmgcl"
    arguments: ClassVar = {"regularization": 30.0}
    twin = TestLightGCN


SUITES = (
    TestPopularity,
    TestItemKNN,
    TestUserKNN,
    TestRP3beta,
    TestEASE,
    TestGFCF,
    TestBPRMF,
    TestLightGCN,
    TestContentKNN,
    TestVBPR,
    TestLATTICE,
    TestFREEDOM,
    TestMGCN,
    TestLightMGCN,
    TestMMGCN,
    TestBM3,
    TestSLMRec,
    TestMMGCL,
)


def test_every_registered_model_has_a_suite() -> None:
    assert {suite.model for suite in SUITES} == set(list_models())
    assert all(issubclass(suite, PlantedModality) for suite in SUITES if model_class(suite.model).needs_features)
