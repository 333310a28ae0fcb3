"""Whether encoders that learn find new items better than those that do not, where only content tells tastes.

Minutes long: ``pytest -m slow -s`` prints the figures.
"""

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
import torch

from gnnrec.data import Dataset, ItemFeatures, read_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.data.splits import apply_split
from gnnrec.evaluation import EvalOptions
from gnnrec.training import TrainOptions
from gnnrec.training.encoder_source import EncoderSource, create_live_features
from gnnrec.training.experiment import run_experiment
from gnnrec.training.live_options import LiveOptions

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning"),
]

SEEDS = (0, 1, 2)
TRAINING = TrainOptions(batch_size=256, max_epochs=60, patience=10, device="cpu")
EVALUATION = EvalOptions(ks=(20,), candidates="new", beyond_accuracy=False)
LIVE = LiveOptions(learning_rate=5e-4, weight_decay=0.3, max_items=48, batch_statistics=True, augment=True)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Dataset]:
    """New items are those of validation and test; and the same with the hidden worlds as features."""
    folder = tmp_path_factory.mktemp("learns") / "catalog"
    made = write_demo_catalog(folder, num_users=300, num_items=600)
    dataset = apply_split(read_dataset(folder), "cold-item", 0)
    worlds = [made.tastes[item] for item in dataset.items.array.tolist()]
    places = {world: place for place, world in enumerate(sorted(set(worlds)))}
    hot = torch.nn.functional.one_hot(torch.tensor([places[world] for world in worlds])).float()
    known = ItemFeatures(x=hot, mask=torch.ones(len(worlds), dtype=torch.bool))
    return dataset, replace(dataset, features={"worlds": known})


def recall(dataset: Dataset, out: Path, training: str, seed: int) -> float:
    """Recall@20 among the test part's new items, of a small AudioCLIP that starts from random weights."""
    options, more = replace(TRAINING, seed=seed), {}
    if training != "oracle":
        source = EncoderSource("audioclip-tiny", modalities=("image", "audio"), seed=seed)
        live = replace(LIVE, learning_rate=1e-3, weight_decay=0.0, augment=False) if training == "finetune" else LIVE
        more = {"live": create_live_features(content_catalog(dataset), [source], live), "encoder_training": training}
    if training == "end-to-end":
        options = replace(options, max_epochs=25)
    result = run_experiment("vbpr", dataset, out, options=options, evaluation=EVALUATION, **more)
    assert result.test is not None
    return result.test.metrics["recall@20"]


def test_learning_encoders_find_new_items_better(catalog: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    dataset, with_worlds = catalog
    found = {
        training: [
            recall(with_worlds if training == "oracle" else dataset, tmp_path / f"{training}-{seed}", training, seed)
            for seed in SEEDS
        ]
        for training in ("oracle", "frozen", "finetune", "end-to-end")
    }
    for training, values in found.items():
        print(f"{training}: {fmean(values):.3f} of {', '.join(f'{value:.3f}' for value in values)}")
    mean = {training: fmean(values) for training, values in found.items()}
    assert mean["end-to-end"] >= 1.25 * mean["frozen"]
    assert mean["finetune"] > mean["frozen"]
    assert mean["oracle"] == max(mean.values())
