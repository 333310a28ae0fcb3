"""Runs whose features encoders make: three regimes, what they leave behind, going on, and new items afterwards."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from encoders import create_encoder
from gnnrec import load
from gnnrec.data import Dataset, read_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.data.splits import apply_split
from gnnrec.errors import ArgumentError, DataError, RunError
from gnnrec.evaluation import EvalOptions
from gnnrec.evaluation.run_group import read_run_groups
from gnnrec.serving.add_items import add_items
from gnnrec.training import TrainOptions
from gnnrec.training.encoder_source import EncoderSource, create_live_features
from gnnrec.training.experiment import run_experiment
from gnnrec.training.live_features import LiveFeatures
from gnnrec.training.live_options import LiveOptions

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

OPTIONS = TrainOptions(max_epochs=2, batch_size=512, device="cpu")
EVALUATION = EvalOptions(ks=(20,), beyond_accuracy=False)
TINY = [{"name": "audioclip-tiny", "weights": None, "seed": 0}]
ENCODING = {"encoders": TINY, "templates": {}}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("demo") / "catalog"
    write_demo_catalog(folder, num_users=60, num_items=80)
    return apply_split(read_dataset(folder), "ratio", 0)


def make_live(dataset: Dataset, **options: object) -> LiveFeatures:
    source = EncoderSource("audioclip-tiny", modalities=("image", "audio"))
    return create_live_features(content_catalog(dataset), [source], LiveOptions(**{"max_items": 16, **options}))


def run(dataset: Dataset, out: Path, training: str, model: str = "vbpr", **changes: object) -> None:
    options = {"options": OPTIONS, "live": make_live(dataset, learning_rate=1e-3), "encoding": ENCODING, **changes}
    run_experiment(model, dataset, out, evaluation=EVALUATION, encoder_training=training, **options)


@pytest.fixture(scope="module")
def runs(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for training in ("frozen", "finetune", "end-to-end"):
        run(dataset, folder / training, training)
    return folder


def test_each_regime_leaves_its_encoder_and_its_features(runs: Path, dataset: Dataset) -> None:
    first = create_encoder("audioclip-tiny", "image")
    for training in ("frozen", "finetune", "end-to-end"):
        folder = runs / training
        trained = create_encoder("audioclip-tiny", "image", weights=folder / "encoders/audioclip-tiny.safetensors")
        same = trained.weights_hash() == first.weights_hash()
        assert same == (training == "frozen"), training
        description = json.loads((folder / "run.json").read_text())
        assert description["encoders"]["training"] == training
        assert description["encoders"]["features"]["audioclip-tiny.image"]["weights_hash"] == first.weights_hash()
        kept = load_file(folder / "features/audioclip-tiny.image.safetensors")
        catalog = content_catalog(dataset)
        item = int(kept["mask"].nonzero()[0])
        name = catalog.contents["image"][item]
        picture = trained.preprocess.read(catalog.read("image", item), name)
        torch.testing.assert_close(kept["x"][item], trained.encode([picture])[0], rtol=1e-4, atol=1e-5)


def test_a_run_with_encoders_recommends_without_them(runs: Path) -> None:
    predictor = load(runs / "end-to-end")
    assert len(predictor.recommend([predictor.users.ids([0])[0]], k=5)[0].items) == 5
    names = set(load_file(runs / "end-to-end" / "model.safetensors"))
    assert not any(name.startswith(("live", "model.")) for name in names)


def test_regimes_are_compared_as_different_models(runs: Path) -> None:
    groups = read_run_groups([runs / "frozen", runs / "end-to-end"], "recall@20")
    assert [group.name for group in groups] == [
        "vbpr (encoder_training=frozen)",
        "vbpr (encoder_training=end-to-end)",
    ]


def test_the_regimes_are_runs_of_their_own(runs: Path, dataset: Dataset) -> None:
    with pytest.raises(RunError, match="'encoders' was "):
        run(dataset, runs / "frozen", "finetune", resume=True)


def test_going_on_gives_what_going_through_gives(dataset: Dataset, tmp_path: Path) -> None:
    run(dataset, tmp_path / "whole", "end-to-end", options=replace(OPTIONS, max_epochs=3))
    run(dataset, tmp_path / "parts", "end-to-end", options=replace(OPTIONS, max_epochs=1))
    run(dataset, tmp_path / "parts", "end-to-end", options=replace(OPTIONS, max_epochs=3), resume=True)
    for name in ("model.safetensors", "embeddings.safetensors", "encoders/audioclip-tiny.safetensors"):
        whole, parts = load_file(tmp_path / "whole" / name), load_file(tmp_path / "parts" / name)
        for key in whole:
            torch.testing.assert_close(whole[key], parts[key], rtol=1e-5, atol=1e-6)


def test_wrong_use_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="'lightgcn' uses no item features"):
        run(dataset, tmp_path / "a", "frozen", model="lightgcn")
    with pytest.raises(ArgumentError, match=r"'light-mgcn' uses .* in a way that has no gradient"):
        run(dataset, tmp_path / "b", "end-to-end", model="light-mgcn")
    with pytest.raises(ArgumentError, match="'encoder_training' must be one of frozen, finetune, end-to-end"):
        run(dataset, tmp_path / "c", "joint")
    with pytest.raises(ArgumentError, match=r"'r2plus1d' encodes video; no item has video \(they have image"):
        create_live_features(content_catalog(dataset), [EncoderSource("r2plus1d")], LiveOptions())
    source = EncoderSource("audioclip-tiny", modalities=("image",))
    live = create_live_features(content_catalog(dataset), [source], LiveOptions())
    with pytest.raises(ArgumentError, match=r"needs two kinds of content to compare \(got audioclip-tiny.image\)"):
        run(dataset, tmp_path / "d", "finetune", live=live)
    assert not any(tmp_path.iterdir())  # nothing was begun


@pytest.fixture
def newcomers(dataset: Dataset, tmp_path: Path) -> tuple[pd.DataFrame, Path]:
    """Three new items with the contents of known ones; the last has no picture, and one of a text file as sound."""
    known = dataset.catalog.dropna(subset=["image", "audio"]).head(3)
    for column in ("image", "audio"):
        for name in known[column]:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(Path(dataset.source) / name, tmp_path / name)
    table = known[["title", "image", "audio"]].reset_index(drop=True)
    table.insert(0, "item_id", ["new-0", "new-1", "new-2"])
    table.loc[2, "image"] = None
    (tmp_path / "broken.wav").write_text("no sound")
    table.loc[1, "audio"] = "broken.wav"
    return table, tmp_path


@pytest.mark.parametrize("training", ["frozen", "end-to-end"])
def test_new_items_are_recommended_by_their_content(
    training: str, runs: Path, dataset: Dataset, newcomers: tuple[pd.DataFrame, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(runs / training, folder)
    before = load(folder)
    result = add_items(folder, *newcomers)
    assert result.items == 3
    assert result.covered == {"audioclip-tiny.image": 2, "audioclip-tiny.audio": 2}
    assert list(result.problems) == ["new-1"] and "broken.wav" in result.problems["new-1"]
    after = load(folder)
    assert len(after.items) == len(before.items) + 3
    assert after.titles[-3:] == newcomers[0]["title"].tolist()
    # A new item with the contents of a known one has the content part of its vector and no part of its own.
    twin = int(dataset.items.positions([dataset.catalog.dropna(subset=["image", "audio"]).iloc[0].item_id])[0])
    place = int(after.items.positions(["new-0"])[0])
    parts = after.scorer.item_parts
    for name in ("audioclip-tiny.image", "audioclip-tiny.audio"):
        torch.testing.assert_close(parts[name][place], parts[name][twin], rtol=1e-4, atol=1e-5)
    assert not parts["interactions"][place][:-1].any()
    everything = after.recommend([before.users.ids([0])[0]], k=len(after.items))[0]
    assert {"new-0", "new-1", "new-2"} <= {one.item_id for one in everything.items}
    kept = load(folder, added=False)
    assert len(kept.items) == len(before.items)


def test_items_that_cannot_be_added_are_refused(
    runs: Path, dataset: Dataset, newcomers: tuple[pd.DataFrame, Path], tmp_path: Path
) -> None:
    table, root = newcomers
    known = table.assign(item_id=["new-0", dataset.items.ids([0])[0], "new-2"])
    with pytest.raises(DataError, match="1 items are known already"):
        add_items(runs / "frozen", known, root)
    with pytest.raises(DataError, match="must have a column item_id"):
        add_items(runs / "frozen", table.drop(columns="item_id"), root)
    with pytest.raises(DataError, match="have none of what the run's encoders encode: image, audio"):
        add_items(runs / "frozen", table[["item_id", "title"]], root)
    run(dataset, tmp_path / "bm3", "frozen", model="bm3")
    with pytest.raises(RunError, match="'bm3' cannot score items that nobody has taken; models that can: freedom"):
        add_items(tmp_path / "bm3", table, root)


@pytest.mark.parametrize("model", ["lattice", "freedom", "light-mgcn", "mgcn", "slmrec", "mmgcl", "mmgcn"])
def test_items_can_be_added_to_every_model_that_scores_new_ones(
    model: str, dataset: Dataset, newcomers: tuple[pd.DataFrame, Path], tmp_path: Path
) -> None:
    run(dataset, tmp_path / "run", "frozen", model=model)
    assert add_items(tmp_path / "run", *newcomers).items == 3
    vectors = load(tmp_path / "run").scorer.item[-3:]
    assert bool(torch.isfinite(vectors).all()) and bool(vectors[0].any())
