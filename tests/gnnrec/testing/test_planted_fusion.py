"""Attention must win on the data planted for it, by the ordinary path of training."""

from pathlib import Path

import pytest
import torch

from gnnrec.evaluation import EvalOptions
from gnnrec.testing import planted_fusion_dataset
from gnnrec.training import TrainOptions
from gnnrec.training.experiment import run_experiment

DATASET = planted_fusion_dataset()
BOTH = ("image", "text")
OPTIONS = TrainOptions(learning_rate=5e-3, batch_size=256, max_epochs=60, patience=10, device="cpu")


def recall(folder: Path, fusion: str, features: tuple[str, ...] = BOTH) -> dict[str, float]:
    """Recall@20 on validation and test."""
    result = run_experiment(
        "vbpr",
        DATASET,
        folder / "-".join([fusion, *features]),
        model_options={"fusion": fusion, "regularization": 1e-2},
        features=features,
        options=OPTIONS,
        evaluation=EvalOptions(ks=(20,), beyond_accuracy=False),
    )
    assert result.valid is not None and result.test is not None
    return {"valid": result.valid.metrics["recall@20"], "test": result.test.metrics["recall@20"]}


@pytest.fixture(scope="module")
def attention(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    return recall(tmp_path_factory.mktemp("attention"), "attention")


@pytest.mark.parametrize("fusion", ["concat", "graph"])
def test_attention_beats_linear_fusions(fusion: str, attention: dict[str, float], tmp_path: Path) -> None:
    """Over 10 data and 2 training seeds: 0.77 on validation, concat 0.50, graph 0.54; the least margin is 27 %."""
    other = recall(tmp_path, fusion)
    for part, figure in attention.items():
        assert figure >= 1.2 * other[part], f"attention {figure:.3f}, {fusion} {other[part]:.3f} on {part}"


@pytest.mark.parametrize("modality", BOTH)
def test_one_modality_is_not_enough(modality: str, attention: dict[str, float], tmp_path: Path) -> None:
    """Over the same seeds, image alone gives 0.44 on validation and text alone 0.43."""
    alone = recall(tmp_path, "concat", (modality,))
    for part, figure in attention.items():
        assert figure >= 1.2 * alone[part], f"both {figure:.3f}, {modality} alone {alone[part]:.3f} on {part}"


def test_exactly_one_modality_is_right() -> None:
    """The last column says which, and each is right for about half of the items."""
    image, text = (DATASET.features[name].x[:, -1] > 0 for name in BOTH)
    assert torch.equal(image, ~text)
    assert 0.4 < image.double().mean() < 0.6


def test_the_seed_determines_the_data() -> None:
    again, other = planted_fusion_dataset(), planted_fusion_dataset(1)
    for part in ("train", "valid", "test"):
        mine, same, different = (getattr(data, part) for data in (DATASET, again, other))
        assert torch.equal(mine.item, same.item)
        assert not torch.equal(mine.item, different.item)
    for name in BOTH:
        assert torch.equal(DATASET.features[name].x, again.features[name].x)
        assert not torch.equal(DATASET.features[name].x, other.features[name].x)


def test_cold_items_have_no_training_interactions() -> None:
    """Nearly half of the items are held out altogether, and validation asks for them."""
    trained = set(DATASET.train.item.tolist())
    assert 0.4 < 1 - len(trained) / DATASET.num_items < 0.6
    assert not set(DATASET.valid.item.tolist()) <= trained
